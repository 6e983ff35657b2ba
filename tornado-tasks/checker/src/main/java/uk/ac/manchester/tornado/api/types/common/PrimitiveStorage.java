package uk.ac.manchester.tornado.api.types.common;

import java.nio.Buffer;

/** Something made of primitive numbers. */
public interface PrimitiveStorage<T extends Buffer> {
    void loadFromBuffer(T buffer);

    T asBuffer();

    int size();
}
