package squall.checker.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.annotations.Parallel;
import uk.ac.manchester.tornado.api.enums.MMAShape;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.ByteArray;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.collections.VectorFloat8;
import uk.ac.manchester.tornado.api.types.vectors.Float8;

/** Kernels without a mistake, of every shape that the project uses. */
public final class Sound {

    private static final int GROUP = 64;

    private Sound() {
    }

    /** y = a * x + b */
    public static void kScale(FloatArray y, FloatArray x, float a, float b) {
        for (@Parallel int i = 0; i < y.getSize(); i++) {
            y.set(i, a * x.get(i) + b);
        }
    }

    /** x += y */
    public static void kAdd(FloatArray x, FloatArray y) {
        for (@Parallel int i = 0; i < x.getSize(); i++) {
            x.set(i, x.get(i) + y.get(i));
        }
    }

    /** c = a b, all [n, n] */
    public static void kMatmul(FloatArray c, FloatArray a, FloatArray b, int n) {
        for (@Parallel int i = 0; i < n; i++) {
            for (@Parallel int j = 0; j < n; j++) {
                float sum = 0f;
                for (int k = 0; k < n; k++) {
                    sum += a.get(i * n + k) * b.get(k * n + j);
                }
                c.set(i * n + j, sum);
            }
        }
    }

    /** y = w x with eight columns at a time; w: [rows, columns8 * 8] */
    public static void kMatVectorRows(FloatArray y, VectorFloat8 w, VectorFloat8 x, int columns8) {
        for (@Parallel int row = 0; row < y.getSize(); row++) {
            Float8 sum = new Float8(0f, 0f, 0f, 0f, 0f, 0f, 0f, 0f);
            for (int j = 0; j < columns8; j++) {
                sum = Float8.add(sum, Float8.mult(w.get(row * columns8 + j), x.get(j)));
            }
            y.set(row, sum.getS0() + sum.getS1() + sum.getS2() + sum.getS3() + sum.getS4() + sum.getS5() + sum.getS6() + sum.getS7());
        }
    }

    /** y = w x, a work-group for each row; w: [rows, columns] */
    public static void kMatVectorTree(KernelContext context, FloatArray y, FloatArray w, FloatArray x, int columns) {
        int row = context.groupIdx;
        int lane = context.localIdx;
        float[] sums = context.allocateFloatLocalArray(GROUP);
        float sum = 0f;
        for (int j = lane; j < columns; j += GROUP) {
            sum += w.get(row * columns + j) * x.get(j);
        }
        sums[lane] = sum;
        context.localBarrier();
        for (int half = GROUP / 2; half > 0; half >>= 1) {
            if (lane < half) {
                sums[lane] += sums[lane + half];
            }
            context.localBarrier();
        }
        if (lane == 0) {
            y.set(row, sums[0]);
        }
    }

    /** The same with a warp for each row. */
    public static void kMatVectorWarp(KernelContext context, FloatArray y, FloatArray w, FloatArray x, int columns) {
        int lane = context.localIdx & 31;
        int row = context.groupIdx * 2 + (context.localIdx >> 5);
        float sum = 0f;
        for (int j = lane; j < columns; j += 32) {
            sum += w.get(row * columns + j) * x.get(j);
        }
        sum = lanes(context, sum);
        if (lane == 0) {
            y.set(row, sum);
        }
    }

    private static float lanes(KernelContext context, float value) {
        float sum = value;
        sum += context.simdShuffleDown(sum, 16);
        sum += context.simdShuffleDown(sum, 8);
        sum += context.simdShuffleDown(sum, 4);
        sum += context.simdShuffleDown(sum, 2);
        sum += context.simdShuffleDown(sum, 1);
        return sum;
    }

    /** Each lane gets the sum of its warp. */
    public static void kSumOfLanes(KernelContext context, FloatArray y, FloatArray x) {
        y.set(context.globalIdx, context.simdSum(x.get(context.globalIdx)));
    }

    /** y[0] += x[i] for all i */
    public static void kFloatCount(KernelContext context, FloatArray y, FloatArray x) {
        context.atomicAdd(y, 0, x.get(context.globalIdx));
    }

    /** Square root of each element, guarded: the grid may be larger than the array. */
    public static void kRoot(KernelContext context, FloatArray y, FloatArray x, int n) {
        int i = context.globalIdx;
        if (i < n) {
            y.set(i, TornadoMath.sqrt(x.get(i)));
        }
    }

    /** How often each value occurs. */
    public static void kCount(KernelContext context, IntArray counts, IntArray values) {
        context.atomicAdd(counts, values.get(context.globalIdx), 1);
    }

    /** Two nibbles of each byte, eight subtracted. */
    public static void kNibbles(FloatArray y, ByteArray q) {
        for (@Parallel int i = 0; i < q.getSize(); i++) {
            int b = q.get(i);
            y.set(2 * i, (float) ((b & 15) - 8));
            y.set(2 * i + 1, (float) (((b >> 4) & 15) - 8));
        }
    }

    /** Reverses each group of four through a private array. */
    public static void kReverse(FloatArray y, FloatArray x) {
        for (@Parallel int i = 0; i < x.getSize() / 4; i++) {
            float[] four = new float[4];
            for (int j = 0; j < 4; j++) {
                four[j] = x.get(i * 4 + j);
            }
            for (int j = 0; j < 4; j++) {
                y.set(i * 4 + j, four[3 - j]);
            }
        }
    }

    /** A group hands its elements round through global memory. */
    public static void kRotateGroup(KernelContext context, FloatArray scratch, FloatArray y) {
        int i = context.globalIdx;
        scratch.set(i, y.get(i));
        context.globalBarrier();
        int next = context.groupIdx * context.localGroupSizeX + (context.localIdx + 1) % context.localGroupSizeX;
        y.set(i, scratch.get(next));
    }

    /** y = a b on tensor cores, one warp; a: [16, 16], b: [16, 8]; read back through local memory behind its header. */
    public static void kTensorProduct(KernelContext context, FloatArray y, HalfFloatArray a, HalfFloatArray b) {
        int lane = context.localIdx;
        int[] tileA = context.allocateIntLocalArray(128);
        int[] tileB = context.allocateIntLocalArray(64);
        float[] product = context.allocateFloatLocalArray(4 + 128);
        FloatArray behindHeader = (FloatArray) (Object) product;
        for (int i = lane; i < 128; i += 32) {
            context.asyncCopyToLocal(tileA, i, a, 2 * i);
        }
        for (int i = lane; i < 64; i += 32) {
            context.asyncCopyToLocal(tileB, i, b, 2 * i);
        }
        context.asyncCopyCommit();
        context.asyncCopyWaitGroup(0);
        context.localBarrier();
        float[] sum = context.mma(context.mmaLoadA(tileA, 16), context.mmaLoadB(tileB, 16), context.mmaFragment(0f), MMAShape.M16N8K16);
        context.mmaStore(sum, behindHeader, 0, 0, 8);
        context.localBarrier();
        for (int i = lane; i < 128; i += 32) {
            y.set(i, product[4 + i]);
        }
    }

    /** The same with operands that lanes have as ints: added to a product of bytes that is nothing, they become a fragment. */
    public static void kTensorProductOfInts(KernelContext context, FloatArray y, IntArray a, IntArray b) {
        int lane = context.localIdx;
        int[] nothing = context.allocateIntLocalArray(128);
        float[] product = context.allocateFloatLocalArray(4 + 128);
        FloatArray behindHeader = (FloatArray) (Object) product;
        int[] left = new int[4];
        int[] right = new int[4];
        for (int i = 0; i < 4; i++) {
            nothing[32 * i + lane] = 0;
            left[i] = a.get(32 * i + lane);
            right[i] = i < 2 ? b.get(32 * i + lane) : 0;
        }
        context.localBarrier();
        byte[] rows = context.mmaLoadAInt8(nothing, 32);
        byte[] columns = context.mmaLoadBInt8(nothing, 32);
        Pairs[] leftPairs = (Pairs[]) (Object) context.mmaInt8(rows, columns, left, MMAShape.M16N8K32);
        Pairs[] rightPairs = (Pairs[]) (Object) context.mmaInt8(rows, columns, right, MMAShape.M16N8K32);
        float[] sum = context.mma(leftPairs, rightPairs, context.mmaFragment(0f), MMAShape.M16N8K16);
        context.mmaStore(sum, behindHeader, 0, 0, 8);
        context.localBarrier();
        for (int i = lane; i < 128; i += 32) {
            y.set(i, product[4 + i]);
        }
    }

    /** What a lane has of an operand. */
    private static final class Pairs extends HalfFloat {
        Pairs(short bits) {
            super(bits);
        }
    }
}
