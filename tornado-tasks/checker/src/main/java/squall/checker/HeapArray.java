package squall.checker;

import java.lang.reflect.Array;
import java.util.BitSet;

/** A Java array inside a kernel: local (one for a work-group) or private (one for a work-item). */
abstract class HeapArray {

    final Object array;
    final int size;

    HeapArray(Object array) {
        this.array = array;
        this.size = Array.getLength(array);
    }

    abstract void read(int index);

    abstract void write(int index);

    abstract String name();

    final void inRange(int index) {
        if (index < 0 || index >= size) {
            throw Probe.failure(Fault.OUT_OF_RANGE, index, "element " + index + " of " + name() + ", which has " + size);
        }
    }

    /** Shared by a work-group; a device does not clear it. */
    static final class Local extends HeapArray {

        private static final String ADVICE = "localBarrier() orders local memory";
        private final RaceMap races;
        private final BitSet written;
        private final int number;

        Local(Object array, int number) {
            super(array);
            this.races = new RaceMap(size, true);
            this.written = new BitSet(size);
            this.number = number;
        }

        @Override
        String name() {
            return "local array " + number + " (" + array.getClass().getComponentType().getSimpleName() + ")";
        }

        @Override
        void read(int index) {
            inRange(index);
            if (!written.get(index)) {
                throw Probe.failure(Fault.UNINITIALISED, index, "element " + index + " of " + name()
                        + " holds nothing: local memory starts with garbage; is a localBarrier() missing between its write and here?");
            }
            RaceMap.Clash clash = races.read(index);
            if (clash != null) {
                throw Probe.race(name(), index, false, clash, ADVICE);
            }
        }

        @Override
        void write(int index) {
            inRange(index);
            RaceMap.Clash clash = races.write(index);
            if (clash != null) {
                throw Probe.race(name(), index, true, clash, ADVICE);
            }
            written.set(index);
        }
    }

    /** Of one work-item, or of one turn of a {@code @Parallel} loop; a device does not clear it. */
    static final class Private extends HeapArray {

        private final int[] writer;

        Private(Object array) {
            super(array);
            this.writer = new int[size];
            java.util.Arrays.fill(writer, -1);
        }

        @Override
        String name() {
            return "a private array (" + array.getClass().getComponentType().getSimpleName() + ")";
        }

        @Override
        void read(int index) {
            inRange(index);
            if (writer[index] < 0) {
                throw Probe.failure(Fault.UNINITIALISED, index, "element " + index + " of " + name()
                        + " holds nothing: a new array is not cleared on a device, clear it in a loop");
            }
            if (writer[index] != Probe.item && writer[index] != 0) {
                throw Probe.failure(Fault.UNINITIALISED, index, "element " + index + " of " + name()
                        + " was written by another turn of the @Parallel loop: on a device every turn has an array of its own");
            }
        }

        @Override
        void write(int index) {
            inRange(index);
            writer[index] = Probe.item;
        }
    }
}
