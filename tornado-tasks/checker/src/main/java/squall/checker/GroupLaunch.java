package squall.checker;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/** A kernel with a {@link KernelContext}: one work-group after the other, each in steps from barrier to barrier. */
final class GroupLaunch extends Launch {

    private final int[] groups;
    private final int[] localSizes;
    private final int groupSize;
    private final int contextArgument;
    private final int[] groupPosition = new int[3];
    private final List<HeapArray> locals = new ArrayList<>();
    private final Map<Object, long[]> views = new IdentityHashMap<>();
    private int localBytes;

    GroupLaunch(Kernel kernel, String task, Object[] arguments, long[] global, long[] local) {
        super(kernel, task, arguments);
        groups = new int[3];
        localSizes = new int[3];
        for (int i = 0; i < 3; i++) {
            localSizes[i] = Math.toIntExact(local[i]);
            groups[i] = Math.toIntExact(global[i] / local[i]);
        }
        groupSize = localSizes[0] * localSizes[1] * localSizes[2];
        contextArgument = Arrays.stream(arguments).map(a -> a instanceof KernelContext).toList().indexOf(true);
    }

    int groupPosition(int dimension) {
        return groupPosition[dimension];
    }

    int groups(int dimension) {
        return groups[dimension];
    }

    int localSize(int dimension) {
        return localSizes[dimension];
    }

    int[] localPosition(int id) {
        return new int[] {id % localSizes[0], id / localSizes[0] % localSizes[1], id / (localSizes[0] * localSizes[1])};
    }

    @Override
    void run() {
        Probe.groupSize = groupSize;
        int number = 0;
        for (int z = 0; z < groups[2]; z++) {
            for (int y = 0; y < groups[1]; y++) {
                for (int x = 0; x < groups[0]; x++) {
                    groupPosition[0] = x;
                    groupPosition[1] = y;
                    groupPosition[2] = z;
                    runGroup(number++);
                }
            }
        }
    }

    private void runGroup(int number) {
        Probe.group = number;
        Probe.globalPhase = 0;
        Probe.localPhase = 0;
        locals.clear();
        views.clear();
        localBytes = 0;
        if (kernel().report().waits()) {
            new GroupRun(this, number, groupSize).run();
            return;
        }
        for (int id = 0; id < groupSize; id++) {
            WorkItem item = new WorkItem(this, id);
            enter(item, number * groupSize + id);
            callFor(item);
        }
    }

    void enter(WorkItem item, int number) {
        Probe.item = number;
        Probe.workItem = item;
    }

    void callFor(WorkItem item) {
        Object[] actual = arguments.clone();
        actual[contextArgument] = Views.context(item);
        call(actual);
    }

    @Override
    String describe(int item) {
        int[] local = localPosition(item % groupSize);
        int id = item / groupSize;
        int[] group = {id % groups[0], id / groups[0] % groups[1], id / (groups[0] * groups[1])};
        return "work-item " + position(local, localSizes) + " of group " + position(group, groups);
    }

    private static String position(int[] at, int[] sizes) {
        return sizes[1] == 1 && sizes[2] == 1 ? Integer.toString(at[0]) : Arrays.toString(at);
    }

    /** The n-th local array of the group, made by whichever work-item asks first. */
    Object localArray(WorkItem item, int size, IntFunction<Object> create) {
        int number = item.allocated++;
        if (number == locals.size()) {
            Object array = create.apply(size);
            locals.add(new HeapArray.Local(array, number));
            localBytes += size * elementBytes(array);
            if (localBytes > CheckerRuntime.LOCAL_MEMORY_BYTES) {
                throw Probe.failure(Fault.LIMIT, -1, "local arrays of " + localBytes + " bytes; a work-group has "
                        + CheckerRuntime.LOCAL_MEMORY_BYTES + " everywhere");
            }
            return array;
        }
        Object array = locals.get(number).array;
        if (locals.get(number).size != size || create.apply(0).getClass() != array.getClass()) {
            throw Probe.failure(Fault.BARRIER, -1, "local array " + number + " is not the one that other work-items "
                    + "allocated: all must allocate the same arrays in the same order");
        }
        return array;
    }

    private static int elementBytes(Object array) {
        return array instanceof long[] || array instanceof double[] ? 8 : array instanceof int[] || array instanceof float[] ? 4
                : array instanceof byte[] ? 1 : 2;
    }

    @Override
    Object view(Object value, Class<?> type) {
        if (value instanceof float[] floats && type == FloatArray.class) {
            HeapArray local = heapArray(floats);
            return Views.array(FloatArray.class, MemorySegment.ofArray(floats), new BehindHeader(local));
        }
        if (value instanceof long[] longs && type == int[].class) {
            int[] token = new int[0];
            views.put(token, longs);
            return token;
        }
        if (value instanceof int[] fragment && type.isArray() && HalfFloat.class.isAssignableFrom(type.componentType()) && type != HalfFloat[].class) {
            return TensorCore.halves(fragment, type.componentType());
        }
        return value;
    }

    short half(int[] tile, int byteOffset) {
        long[] longs = views.get(tile);
        if (longs != null) {
            Probe.willLoad(longs, byteOffset >> 3);
            return (short) (longs[byteOffset >> 3] >> ((byteOffset & 6) * 8));
        }
        Probe.willLoad(tile, byteOffset >> 2);
        return (short) (tile[byteOffset >> 2] >> ((byteOffset & 2) * 8));
    }

    @Override
    List<HeapArray> locals() {
        return locals;
    }

    @Override
    List<HeapArray> privates() {
        return Probe.workItem.privates;
    }

    /** A local float array cast to a FloatArray: on the device element 0 lies behind a header of four floats. */
    private static final class BehindHeader extends Tracker {

        private static final int HEADER_FLOATS = 4;
        private final HeapArray local;

        BehindHeader(HeapArray local) {
            this.local = local;
        }

        @Override
        public void read(int index) {
            local.read(index + HEADER_FLOATS);
        }

        @Override
        public void write(int index) {
            local.write(index + HEADER_FLOATS);
        }
    }
}
