package squall.text;

import java.util.Arrays;

/** A growing list of ids. */
final class IntList {
    private int[] values = new int[64];
    private int size;

    void add(int value) {
        if (size == values.length) values = Arrays.copyOf(values, Math.multiplyExact(size, 2));
        values[size++] = value;
    }

    void addAll(int[] ids) {
        for (int id : ids) add(id);
    }

    int size() {
        return size;
    }

    int[] from(int start) {
        return Arrays.copyOfRange(values, start, size);
    }

    int[] toArray() {
        return from(0);
    }
}
