package uk.ac.manchester.tornado.api;

import squall.checker.Probe;
import squall.checker.TensorCore;
import squall.checker.WorkItem;
import uk.ac.manchester.tornado.api.enums.MMAShape;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.ByteArray;
import uk.ac.manchester.tornado.api.types.arrays.DoubleArray;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.LongArray;
import uk.ac.manchester.tornado.api.types.vectors.Half2;

/**
 * Where a work-item stands, and what it shares with its group. The one that the host makes only marks the argument;
 * every work-item of a launch gets its own.
 */
public class KernelContext implements ExecutionContext {

    public final Integer globalIdx;
    public final Integer globalIdy;
    public final Integer globalIdz;
    public final Integer groupIdx;
    public final Integer groupIdy;
    public final Integer groupIdz;
    public final Integer localIdx;
    public final Integer localIdy;
    public final Integer localIdz;
    public final Integer globalGroupSizeX;
    public final Integer globalGroupSizeY;
    public final Integer globalGroupSizeZ;
    public final Integer localGroupSizeX;
    public final Integer localGroupSizeY;
    public final Integer localGroupSizeZ;
    private final WorkItem item;

    public KernelContext() {
        this(null);
    }

    KernelContext(WorkItem item) {
        this.item = item;
        boolean host = item == null;
        globalIdx = host ? 0 : item.global(0);
        globalIdy = host ? 0 : item.global(1);
        globalIdz = host ? 0 : item.global(2);
        groupIdx = host ? 0 : item.group(0);
        groupIdy = host ? 0 : item.group(1);
        groupIdz = host ? 0 : item.group(2);
        localIdx = host ? 0 : item.local(0);
        localIdy = host ? 0 : item.local(1);
        localIdz = host ? 0 : item.local(2);
        globalGroupSizeX = host ? 0 : item.globalSize(0);
        globalGroupSizeY = host ? 0 : item.globalSize(1);
        globalGroupSizeZ = host ? 0 : item.globalSize(2);
        localGroupSizeX = host ? 0 : item.localSize(0);
        localGroupSizeY = host ? 0 : item.localSize(1);
        localGroupSizeZ = host ? 0 : item.localSize(2);
    }

    private WorkItem item() {
        if (item == null) {
            throw new IllegalStateException("a KernelContext works inside a task only");
        }
        return item;
    }

    /** Waits for the work-group; orders its local memory. */
    @Override
    public void localBarrier() {
        item().barrier(true);
    }

    /** Waits for the work-group, not for others; orders what the group did to global memory. */
    @Override
    public void globalBarrier() {
        item().barrier(false);
    }

    public int[] allocateIntLocalArray(int size) {
        return (int[]) item().allocate(size, int[]::new);
    }

    public byte[] allocateByteLocalArray(int size) {
        return (byte[]) item().allocate(size, byte[]::new);
    }

    public HalfFloat[] allocateHalfFloatLocalArray(int size) {
        return (HalfFloat[]) item().allocate(size, HalfFloat[]::new);
    }

    public Half2[] allocateHalf2LocalArray(int size) {
        return (Half2[]) item().allocate(size, Half2[]::new);
    }

    public long[] allocateLongLocalArray(int size) {
        return (long[]) item().allocate(size, long[]::new);
    }

    public float[] allocateFloatLocalArray(int size) {
        return (float[]) item().allocate(size, float[]::new);
    }

    public double[] allocateDoubleLocalArray(int size) {
        return (double[]) item().allocate(size, double[]::new);
    }

    /** Sum over the 32 lanes. CUDA and PTX only. */
    public float simdSum(float value) {
        float sum = 0f;
        for (Object lane : item().exchange(value)) {
            sum += (Float) lane;
        }
        return sum;
    }

    /** The value of the lane {@code delta} further, one's own beyond the last. CUDA and PTX only. */
    public float simdShuffleDown(float value, int delta) {
        Object[] lanes = item().exchange(value);
        int from = item.lane() + delta;
        return from < lanes.length ? (Float) lanes[from] : value;
    }

    /** The value of lane 0. CUDA and PTX only. */
    public float simdBroadcastFirst(float value) {
        return (Float) item().exchange(value)[0];
    }

    public void atomicAdd(IntArray array, int index, int value) {
        Probe.atomically(() -> array.set(index, array.get(index) + value));
    }

    public void atomicAdd(int[] array, int index, int value) {
        Probe.atomically(() -> {
            Probe.willLoad(array, index);
            Probe.store(array, index, array[index] + value);
        });
    }

    public void atomicAdd(LongArray array, int index, long value) {
        Probe.atomically(() -> array.set(index, array.get(index) + value));
    }

    public void atomicAdd(FloatArray array, int index, float value) {
        Probe.atomically(() -> array.set(index, array.get(index) + value));
    }

    public void atomicAdd(DoubleArray array, int index, double value) {
        Probe.atomically(() -> array.set(index, array.get(index) + value));
    }

    /** A lane's four accumulators of a 16 x 8 tile. */
    public float[] mmaFragment(float value) {
        return new float[] {value, value, value, value};
    }

    public HalfFloat[] mmaLoadA(int[] tile, int k) {
        return mmaLoadA(tile, k, 0);
    }

    public HalfFloat[] mmaLoadA(int[] tile, int k, int byteOffset) {
        return TensorCore.loadA(item(), tile, byteOffset);
    }

    public HalfFloat[] mmaLoadB(int[] tile, int k) {
        return mmaLoadB(tile, k, 0);
    }

    public HalfFloat[] mmaLoadB(int[] tile, int k, int byteOffset) {
        return TensorCore.loadB(item(), tile, byteOffset);
    }

    public float[] mma(HalfFloat[] a, HalfFloat[] b, float[] c, MMAShape shape) {
        return TensorCore.multiply(item(), a, b, c, false);
    }

    public float[] mmaBF16(HalfFloat[] a, HalfFloat[] b, float[] c, MMAShape shape) {
        return TensorCore.multiply(item(), a, b, c, true);
    }

    public byte[] mmaLoadAInt8(int[] tile, int k) {
        return TensorCore.bytes(TensorCore.loadA(item(), tile, 0));
    }

    public byte[] mmaLoadBInt8(int[] tile, int k) {
        return TensorCore.bytes(TensorCore.loadB(item(), tile, 0));
    }

    public int[] mmaInt8(byte[] a, byte[] b, int[] c, MMAShape shape) {
        return TensorCore.multiply(item(), a, b, c);
    }

    public void mmaStore(float[] fragment, FloatArray target, int row, int column, int stride) {
        TensorCore.store(item(), fragment, target, row, column, stride);
    }

    /** Two halves into one int of local memory. The checker copies at once. */
    public void asyncCopyToLocal(int[] target, int targetIndex, HalfFloatArray source, int sourceIndex) {
        int low = source.get(sourceIndex).getHalfFloatValue() & 0xFFFF;
        Probe.store(target, targetIndex, low | source.get(sourceIndex + 1).getHalfFloatValue() << 16);
    }

    /** Four bytes into one int of local memory. The checker copies at once. */
    public void asyncCopyToLocal(int[] target, int targetIndex, ByteArray source, int sourceIndex) {
        int packed = 0;
        for (int i = 3; i >= 0; i--) {
            packed = packed << 8 | source.get(sourceIndex + i) & 0xFF;
        }
        Probe.store(target, targetIndex, packed);
    }

    public void asyncCopyCommit() {
    }

    public void asyncCopyWaitGroup(int pending) {
    }
}
