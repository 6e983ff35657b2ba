package squall.format;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.AbstractList;
import java.util.Objects;
import java.util.RandomAccess;

/**
 * A GGUF array of numbers or booleans, kept as the file's bytes and decoded on access, so that it takes no more memory
 * than it takes in the file. Elements are Long, Double or Boolean.
 */
final class NumberList extends AbstractList<Object> implements RandomAccess {
    private final ByteBuffer bytes;
    private final ValueType type;

    NumberList(byte[] bytes, ValueType type) {
        this.bytes = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        this.type = type;
    }

    @Override public Object get(int i) {
        Objects.checkIndex(i, size());
        return type.decode(bytes, i * type.bytes);
    }

    /** All of them at once where they are stored as signed 32-bit numbers, else null. */
    int[] ints() {
        if (type != ValueType.I32) return null;
        int[] all = new int[size()];
        bytes.asIntBuffer().get(0, all);
        return all;
    }

    @Override public int size() {
        return bytes.capacity() / type.bytes;
    }
}
