package squall.checker.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.annotations.Parallel;
import uk.ac.manchester.tornado.api.annotations.Reduce;
import uk.ac.manchester.tornado.api.enums.MMAShape;
import uk.ac.manchester.tornado.api.types.BFloat16;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.ByteArray;
import uk.ac.manchester.tornado.api.types.arrays.DoubleArray;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.LongArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;
import uk.ac.manchester.tornado.api.types.vectors.Float8;

/**
 * One kernel for each way to break a rule. The name says which, up to an underscore; the line is marked with "here".
 */
public final class Traps {

    private static final float[] TABLE = {1f, 2f};
    private static int position;

    private Traps() {
    }

    public static void kUnsignedShift(IntArray a) {
        a.set(0, a.get(0) >>> 3); // here
    }

    public static void kUnsignedShift_long(IntArray a) {
        a.set(0, (int) ((long) a.get(0) >>> 3)); // here
    }

    public static void kRotate(IntArray a) {
        a.set(0, Integer.rotateLeft(a.get(0), 5)); // here
    }

    public static void kRotate_right(LongArray a) {
        a.set(0, Long.rotateRight(a.get(0), 9)); // here
    }

    public static void kPowerOfTwoDivision(IntArray a) {
        a.set(0, a.get(0) / 8); // here
    }

    public static void kPowerOfTwoDivision_remainder(IntArray a, int n) {
        for (int i = 0; i < n; i++) {
            a.set(i, (i - 3) % 4); // here
        }
    }

    public static void kPowerOfTwoDivision_byArgument(IntArray a, int n) {
        half(a, a.get(n), 2);
    }

    private static void half(IntArray a, int value, int by) {
        a.set(0, value / by); // here
    }

    public static void kUnsignedIntermediate(FloatArray y, ByteArray q) {
        y.set(0, (float) ((q.get(0) & 0xFF) - 128)); // here
    }

    public static void kUnsignedIntermediate_nibble(FloatArray y, ByteArray q) {
        y.set(0, (float) (((q.get(0) & 0xFF) >> 4 & 15) - 8)); // here
    }

    public static void kUnsignedIntermediate_short(IntArray y, ShortArray q) {
        y.set(0, ((q.get(0) & 0xFFFF) - 7) / 3); // here
    }

    public static void kUnsignedIntermediate_signExtension(IntArray y, ByteArray q) {
        int both = (q.get(0) & 0xFF) | ((q.get(1) & 0xFF) << 8);
        y.set(0, both << 16 >> 16); // here
    }

    public static void kMixedSigns(IntArray y, ByteArray q) {
        y.set(0, Math.max(q.get(0) & 0xFF, y.get(1))); // here
    }

    public static void kBf16Mask(IntArray y, FloatArray x) {
        y.set(0, BFloat16.bf16FromFloat(x.get(0)) & 0xFFFF); // here
    }

    public static void kBitCast(FloatArray y, IntArray x) {
        y.set(0, 2f * Float.intBitsToFloat(x.get(0))); // here
    }

    public static void kBitCast_other(IntArray y, FloatArray x) {
        y.set(0, Float.floatToRawIntBits(x.get(0))); // here
    }

    public static void kBitCast_wide(DoubleArray y, LongArray x) {
        y.set(0, Double.longBitsToDouble(x.get(0))); // here
        x.set(1, Double.doubleToLongBits(y.get(1))); // here
    }

    /** The one that never works, not even stored straight. */
    public static void kBitCast_canonical(IntArray y, FloatArray x) {
        y.set(0, Float.floatToIntBits(x.get(0))); // here
    }

    public static void kHalfCast(FloatArray y, ShortArray x) {
        y.set(0, Float.float16ToFloat(x.get(0))); // here
    }

    public static void kNotCompiled(FloatArray y) {
        y.set(0, Math.fma(y.get(0), y.get(1), y.get(2))); // here
    }

    public static void kNotCompiled_log1p(FloatArray y) {
        y.set(0, (float) Math.log1p(y.get(0))); // here
        y.set(1, Math.round(y.get(1))); // here
        y.set(2, (float) Math.rint(y.get(2))); // here
    }

    public static void kEarlyReturn(IntArray a, int n) {
        a.set(0, find(a, n));
    }

    private static int find(IntArray a, int n) {
        for (int i = 0; i < n; i++) {
            if (a.get(i) == 7) {
                return i; // here
            }
        }
        return -1;
    }

    public static void kEarlyReturn_endless(IntArray a) {
        a.set(0, firstSeven(a));
    }

    private static int firstSeven(IntArray a) {
        int i = 0;
        while (true) {
            if (a.get(i) == 7) {
                return i; // here
            }
            i++;
        }
    }

    public static void kConditionInLoopTest(IntArray a, int n, int m) {
        for (int i = 0; i < (a.get(n) > 0 ? n : m); i++) { // here
            a.set(i, 1);
        }
    }

    public static void kTwoParallelLoops(FloatArray a, FloatArray b) {
        for (@Parallel int i = 0; i < a.getSize(); i++) {
            a.set(i, 1f);
        }
        for (@Parallel int i = 0; i < b.getSize(); i++) { // here
            b.set(i, 1f);
        }
    }

    public static void kBackwardParallelLoop(FloatArray a) {
        for (@Parallel int i = a.getSize() - 1; i >= 0; i--) { // here
            a.set(i, 1f);
        }
    }

    public static void kCarriedByParallelLoop(FloatArray y, FloatArray x) {
        float last = 0f;
        for (@Parallel int i = 0; i < y.getSize(); i++) {
            y.set(i, last + x.get(i));
            last = x.get(i); // here
        }
    }

    public static void kRecursion(IntArray a, int n) {
        a.set(0, factorial(n));
    }

    private static int factorial(int n) {
        return n < 2 ? 1 : n * factorial(n - 1); // here
    }

    public static void kRecursion_mutual(IntArray a, int n) {
        a.set(0, even(n));
    }

    private static int even(int n) {
        return n == 0 ? 1 : odd(n - 1);
    }

    private static int odd(int n) {
        return n == 0 ? 0 : even(n - 1); // here
    }

    public static void kSizeAtRunTime(FloatArray y, IntArray n) {
        float[] sums = new float[n.get(0)]; // here
        sums[0] = 1f;
        y.set(0, sums[0]);
    }

    public static void kSizeAtRunTime_local(KernelContext context, FloatArray y) {
        float[] sums = context.allocateFloatLocalArray(context.localGroupSizeX); // here
        sums[context.localIdx] = 1f;
        y.set(context.globalIdx, sums[context.localIdx]);
    }

    public static void kObjectArray(FloatArray y) {
        float[][] two = new float[2][3]; // here
        two[0][0] = y.get(0);
    }

    public static void kStaticArray(FloatArray y) {
        y.set(0, TABLE[1]); // here
    }

    public static void kStaticState(IntArray y) {
        y.set(0, position); // here
    }

    public static void kThrow(IntArray y) {
        if (y.get(0) == 0) {
            throw new IllegalStateException(); // here
        }
    }

    public static void kOutput(IntArray y) {
        System.out.println(y.get(0)); // here
    }

    public static void kLambda(IntArray y) {
        Runnable later = () -> y.set(0, 1); // here
        if (later == null) {
            y.set(1, 1);
        }
    }

    public static void kLocalArrayToHelper(KernelContext context, FloatArray y) {
        float[] sums = context.allocateFloatLocalArray(32);
        sums[context.localIdx] = 1f;
        context.localBarrier();
        y.set(context.globalIdx, first(sums)); // here
    }

    private static float first(float[] sums) {
        return sums[0];
    }

    public static void kLocalArrayView(KernelContext context, IntArray y) {
        long[] both = context.allocateLongLocalArray(32);
        int[] halves = (int[]) (Object) both;
        halves[context.localIdx] = 1; // here
        y.set(context.globalIdx, 1);
    }

    public static void kPrivateArrayView(KernelContext context, FloatArray y) {
        float[] sums = new float[8];
        FloatArray behind = (FloatArray) (Object) sums; // here
        y.set(context.globalIdx, behind.get(0));
    }

    public static void kByteLocalArray(KernelContext context, IntArray y) {
        byte[] bytes = context.allocateByteLocalArray(32); // here
        bytes[context.localIdx] = 1;
        y.set(context.globalIdx, bytes[context.localIdx]);
    }

    public static void kFragmentElement(KernelContext context, FloatArray y) {
        float[] sums = context.mmaFragment(0f);
        y.set(context.globalIdx, sums[0]); // here
    }

    public static void kFragmentView(KernelContext context, FloatArray y) {
        int[] tile = context.allocateIntLocalArray(128);
        int[] bits = new int[4];
        int[] product = context.mmaInt8(context.mmaLoadAInt8(tile, 32), context.mmaLoadBInt8(tile, 32), bits, MMAShape.M16N8K32);
        HalfFloat[] halves = (HalfFloat[]) (Object) product; // here
        context.mmaStore(context.mma(halves, halves, context.mmaFragment(0f), MMAShape.M16N8K16), y, 0, 0, 8);
    }

    public static void kCarriedPastLoopBranch(KernelContext context, FloatArray y, FloatArray x, int n) {
        float sum;
        if (context.localIdx < 8) {
            sum = 1f;
            for (int j = 0; j < n; j++) { // here
                sum += x.get(j);
            }
        } else {
            sum = -1f;
        }
        y.set(context.globalIdx, sum);
    }

    public static void kCarriedPastLoopBranch_else(KernelContext context, FloatArray y, FloatArray x, int n) {
        float sum = 1f;
        if (context.localIdx < 8) {
            sum = -1f;
        } else {
            for (int j = 0; j < n; j++) { // here
                sum += x.get(j);
            }
        }
        y.set(context.globalIdx, sum);
    }

    public static void kCarriedPastLoopBranch_both(KernelContext context, FloatArray y, FloatArray x, int n) {
        float sum = 0f;
        if (context.localIdx < 8) {
            for (int j = 0; j < n; j++) { // here
                sum += x.get(j);
            }
        } else {
            for (int j = 0; j < n; j++) { // here
                sum -= x.get(j);
            }
        }
        y.set(context.globalIdx, sum);
    }

    public static void kReturnBeforeBarrier(KernelContext context, FloatArray y, IntArray rows) {
        float[] sums = context.allocateFloatLocalArray(32);
        if (context.groupIdx >= rows.get(0)) {
            return; // here
        }
        sums[context.localIdx] = 1f;
        context.localBarrier();
        y.set(context.globalIdx, sums[context.localIdx ^ 1]);
    }

    public static void kReturnBeforeBarrier_inHelper(KernelContext context, FloatArray y, int n) {
        if (context.localIdx >= n) {
            return; // here
        }
        y.set(context.globalIdx, 1f);
        together(context);
    }

    private static void together(KernelContext context) {
        context.globalBarrier();
    }

    /** On PoCL 3.1, optimising, the sums were lost. */
    public static void kLocalStoreInLoopBranch(KernelContext context, FloatArray y, FloatArray x) {
        float[] sums = context.allocateFloatLocalArray(32);
        if (context.localIdx < 8) {
            float sum = 0f;
            for (int j = 0; j <= context.localIdx; j++) {
                sum += x.get(j);
            }
            sums[context.localIdx] = sum; // here
        }
        context.localBarrier();
        y.set(context.globalIdx, sums[context.localIdx % 8]);
    }

    public static void kLocalStoreInLoopBranch_else(KernelContext context, FloatArray y, FloatArray x, int n) {
        float[] sums = context.allocateFloatLocalArray(32);
        if (context.localIdx >= 8) {
            sums[context.localIdx] = 0f;
        } else {
            for (int j = 0; j < n; j++) {
                sums[context.localIdx] = x.get(j); // here
            }
        }
        context.localBarrier();
        y.set(context.globalIdx, sums[context.localIdx ^ 1]);
    }

    public static void kOrOfAnd(IntArray y, int a, int b, int c) {
        if (a > 3 || b > 4 && c > 5) { // here
            y.set(0, 1);
        }
    }

    public static void kNan(FloatArray y) {
        y.set(0, Float.NaN); // here
    }

    public static void kReduce(@Reduce FloatArray y, FloatArray x) { // marked where the body begins
        for (@Parallel int i = 0; i < x.getSize(); i++) { // here
            y.set(0, y.get(0) + x.get(i));
        }
    }

    public static void kControl(IntArray y) {
        synchronized (y) { // here
            y.set(0, 1);
        } // here
    }

    /** On PoCL, with n = 16, the second half of y was the first one again. */
    public static void kVectorAndNumber(FloatArray y, FloatArray x, int n) {
        for (int i = 0; i < n; i += 8) {
            Float8 eight = new Float8(x.get(i), x.get(i + 1), x.get(i + 2), x.get(i + 3), x.get(i + 4), x.get(i + 5), x.get(i + 6),
                    x.get(i + 7));
            y.set(i, Float8.mult(eight, 0.5f).getS0()); // here
        }
    }

    /** On PoCL it does not build. */
    public static void kParameterName(FloatArray y, int half) {
        y.set(0, half); // here
    }

    public static void kNewObject(IntArray y) {
        y.set(0, new IntArray(2).getSize()); // here
    }

    /** A built-in function of OpenCL has this name: the JVM would crash. */
    public static void isnan(FloatArray y) {
        y.set(0, 1f);
    }

    /** A type of OpenCL's has it. */
    public static void half(FloatArray y) {
        y.set(0, 1f);
    }
}
