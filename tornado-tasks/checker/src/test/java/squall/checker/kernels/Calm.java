package squall.checker.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.annotations.Parallel;
import uk.ac.manchester.tornado.api.types.arrays.ByteArray;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/** Kernels that come close to a trap and are right: the lint leaves them alone. */
public final class Calm {

    private static final int BLOCK = 32;

    private Calm() {
    }

    public static void kDivideNonNegative(KernelContext context, IntArray a, int n) {
        int i = context.globalIdx;
        for (int j = i % 16; j < n / BLOCK; j += 4) {
            a.set(i / 2 + j / 8, i / 3 - 7);
        }
    }

    public static void kDivideAfterTest(IntArray a, IntArray x) {
        int v = x.get(0);
        if (v >= 0) {
            a.set(0, v / 8);
        }
        a.set(1, v / 7);
        a.set(2, Math.floorMod(v, 8));
    }

    /** Right unless the divisor, a constant of the compiled kernel, is a power of two. */
    public static void kDivideByArgument(IntArray a, int divisor) {
        a.set(0, a.get(1) / divisor);
    }

    public static void kBackwards(FloatArray y, int n) {
        for (int j = n - 1; j >= 0; j--) {
            y.set(j / 4, 1f);
        }
    }

    public static void kWidenedIndex(FloatArray y, FloatArray table, ShortArray x, ByteArray q) {
        y.set(0, table.get(x.get(0) & 0xFFFF));
        y.set(1, (float) (q.get(0) & 0xFF) - 128f);
        y.set(2, table.get((q.get(0) & 0xFF) | ((q.get(1) & 0xFF) << 8)));
        y.set(3, (float) ((q.get(0) & 15) - 8));
    }

    public static void kStoredStraight(FloatArray y, IntArray x) {
        y.set(0, Float.intBitsToFloat(x.get(0)));
    }

    public static void kConditions(IntArray y, int a, int b, int c) {
        if (a > 1 && b > 1 && c > 1 || a > 5) {
            y.set(0, 1);
        }
        if (a > 1 || b > 1 || c > 1) {
            y.set(1, 1);
        }
        if (a > 1 && (b > 1 || c > 1)) {
            y.set(2, 1);
        }
    }

    public static void kBranchWithLoop(KernelContext context, FloatArray y, FloatArray x, int n) {
        float sum = 0f;
        int bound = context.localIdx < 8 ? n : 0;
        for (int j = 0; j < bound; j++) {
            sum += x.get(j);
        }
        if (context.localIdx < 8) {
            y.set(context.globalIdx, sum);
        } else {
            for (int j = 0; j < n; j++) {
                y.set(context.globalIdx, x.get(j));
            }
        }
    }

    public static void kBreakAndFlag(IntArray y, IntArray x, int n) {
        int found = -1;
        for (int i = 0; i < n; i++) {
            if (x.get(i) == 7) {
                found = i;
                break;
            }
        }
        y.set(0, found);
    }

    public static void kTwoReturns(IntArray y, int n) {
        y.set(0, sign(n));
    }

    private static int sign(int n) {
        if (n > 0) {
            return 1;
        }
        return 0;
    }

    public static void kSteps(FloatArray y) {
        for (@Parallel int i = 4; i < y.getSize(); i += 2) {
            float sum = 0f;
            for (int j = 0; j < 3; j++) {
                sum += j;
            }
            y.set(i, sum);
        }
    }

    public static void kSizedByParameter(KernelContext context, FloatArray y, int size) {
        float[] sums = context.allocateFloatLocalArray(size);
        sums[context.localIdx] = 1f;
        y.set(context.globalIdx, sums[context.localIdx]);
    }

    public static void kTwoConditionsOfALoop(IntArray y, IntArray x, int n) {
        int first = n > 3 ? 3 : n;
        int i = 0;
        while (i < n && x.get(i) > 0) {
            y.set(i, i < first ? 1 : 2);
            i++;
        }
    }

    /** A guard that all turns of a loop come through is no branch, nor is a branch without a loop of its own. */
    public static void kLocalStores(KernelContext context, FloatArray y, FloatArray x, int n) {
        float[] sums = context.allocateFloatLocalArray(32);
        for (int from = 0; from < n; from += 32) {
            float sum = 0f;
            for (int j = from; j <= from + context.localIdx; j++) {
                sum += x.get(j);
            }
            sums[context.localIdx] = sum;
            context.localBarrier();
            if (context.localIdx == 0) {
                sums[0] += y.get(0);
            }
            context.localBarrier();
            y.set(from + context.localIdx, sums[0]);
            context.localBarrier();
        }
    }

    /** Such a branch, and a return before the barrier, in a kernel that no OpenCL compiler will see. */
    public static void kLocalStoreOfAWarp(KernelContext context, FloatArray y, FloatArray x, int groups) {
        float[] sums = context.allocateFloatLocalArray(32);
        if (context.groupIdx >= groups) {
            return;
        }
        float all = context.simdSum(x.get(context.globalIdx));
        if (context.localIdx == 0) {
            float sum = 0f;
            for (int j = 0; j < 8; j++) {
                sum += all;
            }
            sums[0] = sum;
        }
        context.localBarrier();
        y.set(context.globalIdx, sums[0]);
    }

    public static void kReturnWithoutBarrier(KernelContext context, FloatArray y, int n) {
        if (context.globalIdx >= n) {
            return;
        }
        y.set(context.globalIdx, 1f);
    }

    public static void kReturnBehindBarrier(KernelContext context, FloatArray y, int n) {
        float[] sums = context.allocateFloatLocalArray(32);
        sums[context.localIdx] = 1f;
        context.localBarrier();
        if (context.globalIdx >= n) {
            return;
        }
        y.set(context.globalIdx, sums[context.localIdx ^ 1]);
    }
}
