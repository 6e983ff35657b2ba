package squall.checker;

/**
 * Where execution stands, and what instrumented kernels call. One kernel runs at a time in a process
 * ({@link Launch} holds a lock), so the present work-item is kept in static fields: an access then costs a few loads.
 * Public only because kernels call it.
 */
public final class Probe {

    /** Number of the source line being executed ({@link Sites}); set by instrumented kernels. */
    public static int site;

    /** The present work-item; with a {@code @Parallel} loop, the present turn counted from one, and zero outside of it. */
    static int item;
    static int group;
    static int groupSize = 1;
    static int globalPhase;
    static int localPhase;
    static boolean atomic;
    static Launch launch;
    static WorkItem workItem;

    private Probe() {
    }

    static int groupOf(int item) {
        return item / groupSize;
    }

    /** A turn of a {@code @Parallel} loop begins; {@code depth} counts from the outermost loop. */
    public static void turn(int depth, int value) {
        if (launch instanceof LoopLaunch loop) {
            loop.turn(depth, value);
        }
    }

    /** A {@code @Parallel} loop was left. */
    public static void left(int depth) {
        if (launch instanceof LoopLaunch loop) {
            loop.left(depth);
        }
    }

    private static HeapArray tracked(Object array) {
        return launch == null ? null : launch.heapArray(array);
    }

    /** A kernel made a private array. */
    public static void created(Object array) {
        if (launch != null) {
            launch.addPrivate(array);
        }
    }

    /** A cast of the kernel's; a local array may be seen as another type, which only tensor-core calls understand. */
    public static Object cast(Object value, Class<?> type) {
        return type.isInstance(value) || value == null || launch == null ? value : launch.view(value, type);
    }

    public static void willLoad(Object array, int index) {
        HeapArray known = tracked(array);
        if (known != null) {
            known.read(index);
        } else if (launch != null) {
            inRange(array, index);
        }
    }

    private static void willStore(Object array, int index) {
        HeapArray known = tracked(array);
        if (known != null) {
            known.write(index);
        } else if (launch != null) {
            inRange(array, index);
        }
    }

    private static void inRange(Object array, int index) {
        int length = java.lang.reflect.Array.getLength(array);
        if (index < 0 || index >= length) {
            throw failure(Fault.OUT_OF_RANGE, index, "element " + index + " of an array of " + length);
        }
    }

    public static void store(float[] array, int index, float value) {
        willStore(array, index);
        array[index] = value;
    }

    public static void store(int[] array, int index, int value) {
        willStore(array, index);
        array[index] = value;
    }

    public static void store(long[] array, int index, long value) {
        willStore(array, index);
        array[index] = value;
    }

    public static void store(double[] array, int index, double value) {
        willStore(array, index);
        array[index] = value;
    }

    public static void store(short[] array, int index, int value) {
        willStore(array, index);
        array[index] = (short) value;
    }

    public static void store(char[] array, int index, int value) {
        willStore(array, index);
        array[index] = (char) value;
    }

    /** A store of a byte or of a truth value: the instruction is the same. */
    public static void store(Object array, int index, int value) {
        willStore(array, index);
        if (array instanceof boolean[] flags) {
            flags[index] = (value & 1) != 0;
        } else {
            ((byte[]) array)[index] = (byte) value;
        }
    }

    public static void store(Object[] array, int index, Object value) {
        willStore(array, index);
        array[index] = value;
    }

    /** Runs {@code access} as one atomic step: it does not race with other atomic steps. */
    public static void atomically(Runnable access) {
        atomic = true;
        try {
            access.run();
        } finally {
            atomic = false;
        }
    }

    static CheckFailure failure(Fault fault, long index, String what) {
        if (launch == null) {
            return new CheckFailure(fault, what);
        }
        Sites.Site at = Sites.at(site);
        String where = at.line() == 0 ? "" : " at " + at;
        return new CheckFailure(fault, launch.kernel().name(), at.line(), index,
                "kernel " + launch.kernel().name() + " (task " + launch.task() + ")" + where + ", "
                        + launch.describe(item) + ": " + what);
    }

    static CheckFailure race(String what, long index, boolean write, RaceMap.Clash clash, String barrier) {
        String earlier = clash.earlierWrote() ? "written" : "read";
        String who = clash.earlierItem() < 0 ? "several work-items (atomically)" : launch.describe(clash.earlierItem());
        return failure(Fault.RACE, index, "element " + index + " of " + what + " is " + (write ? "written" : "read")
                + " here and " + earlier + " by " + who + " at " + Sites.at(clash.earlierSite())
                + ", in no order. " + barrier);
    }
}
