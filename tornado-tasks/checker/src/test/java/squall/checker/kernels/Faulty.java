package squall.checker.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.annotations.Parallel;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Kernels that compile everywhere and are wrong. The line at fault is marked with "here". */
public final class Faulty {

    private Faulty() {
    }

    public static void kWriteOneElement(FloatArray y, FloatArray x) {
        for (@Parallel int i = 0; i < x.getSize(); i++) {
            y.set(i / 2, x.get(i)); // here
        }
    }

    public static void kReadNeighbour(FloatArray y) {
        for (@Parallel int i = 0; i < y.getSize() - 1; i++) {
            y.set(i, y.get(i + 1)); // here
        }
    }

    public static void kOutsideOfLoop(FloatArray y) {
        y.set(0, 1f); // here
        for (@Parallel int i = 1; i < y.getSize(); i++) {
            y.set(i, 1f);
        }
    }

    public static void kAfterInnerLoop(FloatArray y) {
        for (@Parallel int i = 0; i < 2; i++) {
            for (@Parallel int j = 0; j < 2; j++) {
                y.set(i * 2 + j, 1f);
            }
            y.set(4 + i, 1f); // here
        }
    }

    public static void kNoBarrier(KernelContext context, FloatArray y) {
        float[] shared = context.allocateFloatLocalArray(32);
        shared[context.localIdx] = 1f;
        y.set(context.globalIdx, shared[context.localIdx ^ 1]); // here
    }

    public static void kOneBarrierTooFew(KernelContext context, FloatArray y) {
        float[] shared = context.allocateFloatLocalArray(32);
        for (int turn = 0; turn < 2; turn++) {
            shared[context.localIdx] = turn;
            context.localBarrier();
            y.set(context.globalIdx, shared[context.localIdx ^ 1]); // here
        }
    }

    public static void kWrongBarrier(KernelContext context, FloatArray scratch, FloatArray y) {
        scratch.set(context.globalIdx, 1f);
        context.localBarrier();
        y.set(context.globalIdx, scratch.get(context.globalIdx ^ 1)); // here
    }

    public static void kWrongBarrierForLocal(KernelContext context, FloatArray y) {
        float[] shared = context.allocateFloatLocalArray(32);
        shared[context.localIdx] = 1f;
        context.globalBarrier();
        y.set(context.globalIdx, shared[context.localIdx ^ 1]); // here
    }

    public static void kAcrossGroups(KernelContext context, FloatArray scratch, FloatArray y, int n) {
        scratch.set(context.globalIdx, 1f); // here
        context.globalBarrier();
        if (context.groupIdx == 0) {
            y.set(context.localIdx, scratch.get(n));
        }
    }

    public static void kReadByEarlierGroup(KernelContext context, FloatArray x, FloatArray y) {
        y.set(context.globalIdx, x.get(31));
        context.globalBarrier();
        if (context.globalIdx == 31) {
            x.set(31, 0f); // here
        }
    }

    public static void kBarrierInBranch(KernelContext context, FloatArray y) {
        if (context.localIdx < 3) {
            context.localBarrier(); // here
        }
        y.set(context.globalIdx, 1f);
    }

    /** Each work-item waits as often as its number says. */
    public static void kBarrierInUnevenLoop(KernelContext context, FloatArray y) {
        for (int i = 0; i < context.localIdx; i++) {
            context.localBarrier(); // here
        }
        y.set(context.globalIdx, 1f);
    }

    /** Of the first n; the exchange makes it a kernel for CUDA, where a return may stand before a barrier if all take it. */
    public static void kBarrierAfterReturn(KernelContext context, FloatArray y, int n) {
        float first = context.simdBroadcastFirst(1f);
        if (context.localIdx >= n) {
            return;
        }
        context.localBarrier(); // here
        y.set(context.globalIdx, first);
    }

    public static void kTwoBarriers(KernelContext context, FloatArray y) {
        if (context.localIdx < 3) {
            y.set(context.globalIdx, 1f);
            context.localBarrier(); // here
        } else {
            context.localBarrier();
        }
    }

    public static void kShuffleInBranch(KernelContext context, FloatArray y) {
        if (context.localIdx < 16) {
            float sum = context.simdSum(1f); // here
            y.set(context.globalIdx, sum);
        }
    }

    public static void kBeyondTheEnd(FloatArray y) {
        for (@Parallel int i = 0; i <= y.getSize(); i++) {
            y.set(i, 1f); // here
        }
    }

    public static void kBeforeTheStart(KernelContext context, FloatArray y, FloatArray x) {
        y.set(context.globalIdx, x.get(context.globalIdx - 1)); // here
    }

    public static void kBeyondLocal(KernelContext context, FloatArray y) {
        float[] shared = context.allocateFloatLocalArray(8);
        shared[context.localIdx] = 1f; // here
        y.set(context.globalIdx, 1f);
    }

    public static void kBeyondPrivate(FloatArray y) {
        for (@Parallel int i = 0; i < y.getSize(); i++) {
            float[] own = new float[4];
            own[i] = 1f; // here
            y.set(i, own[i]);
        }
    }

    public static void kUnwrittenLocal(KernelContext context, FloatArray y) {
        float[] shared = context.allocateFloatLocalArray(32);
        if (context.localIdx > 0) {
            shared[context.localIdx] = 1f;
        }
        context.localBarrier();
        y.set(context.globalIdx, shared[0]); // here
    }

    public static void kUnwrittenPrivate(FloatArray y) {
        for (@Parallel int i = 0; i < y.getSize(); i++) {
            float[] own = new float[4];
            own[0] += 1f; // here
            y.set(i, own[0]);
        }
    }

    public static void kPrivateOfAnotherTurn(FloatArray y) {
        int[] own = new int[1];
        for (@Parallel int i = 0; i < y.getSize(); i++) {
            if (i > 0) {
                y.set(i, own[0]); // here
            } else {
                y.set(i, 0f);
            }
            own[0] = i;
        }
    }

    public static void kAtomicAndPlain(KernelContext context, IntArray counts, IntArray y) {
        context.atomicAdd(counts, 0, 1); // here
        y.set(context.globalIdx, counts.get(0));
    }

    public static void kDivideByZero(IntArray y) {
        for (@Parallel int i = 0; i < y.getSize(); i++) {
            y.set(i, 7 / y.get(i)); // here
        }
    }

    public static void kDifferentLocals(KernelContext context, FloatArray y) {
        float[] shared;
        if (context.localIdx < 2) {
            shared = context.allocateFloatLocalArray(8);
        } else {
            shared = context.allocateFloatLocalArray(16); // here
        }
        shared[context.localIdx] = 1f;
        y.set(context.globalIdx, 1f);
    }

    public static void kTooMuchLocal(KernelContext context, FloatArray y) {
        float[] shared = context.allocateFloatLocalArray(20000); // here
        shared[context.localIdx] = 1f;
        y.set(context.globalIdx, 1f);
    }

    /** Right only if the array was cleared before. */
    public static void kEvenOnly(FloatArray y) {
        for (@Parallel int i = 0; i < y.getSize() / 2; i++) {
            y.set(2 * i, 1f);
        }
    }

    public static void kCopy(FloatArray y, FloatArray x) {
        for (@Parallel int i = 0; i < y.getSize(); i++) {
            y.set(i, x.get(i)); // here
        }
    }
}
