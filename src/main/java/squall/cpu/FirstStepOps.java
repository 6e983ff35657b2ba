package squall.cpu;

import squall.ops.Buf;
import squall.ops.Routing;
import squall.ops.Weight;

/**
 * Plays the first step of a process with a model that is too large for {@link ScalarOps}. What a first token waits for is not arithmetic: the
 * Vector API is slow until a kernel is compiled, which takes the compiler 30 to 250 ms for each, and matrices that are laid out anew are read
 * and written once more. So products take the two kernels of tiles alone, one that decodes rows as they are stored and one that multiplies,
 * however few the rows are, and everything else is a plain loop. What comes after is played with all kernels, which are compiled then.
 *
 * <p>It keeps its state where {@link CpuOps} does. Held to the same contract.
 */
final class FirstStepOps extends ScalarOps {
    /** Rows up to which plain loops take less time than their kernels take to be compiled. */
    static final int MOST_ROWS = 64;

    private final Weight[] one = new Weight[1];

    FirstStepOps(CpuOps vectors) {
        super(vectors);
    }

    @Override public void matmul(Buf y, Buf x, Weight w) {
        one[0] = w;
        matmul(new Buf[] {y}, x, one);
    }

    @Override public void matmul(Buf[] y, Buf x, Weight[] w) {
        Activation in = Activation.of(x);
        float[][] out = new float[y.length][];
        for (int i = 0; i < y.length; i++) out[i] = Activation.of(y[i]).data;
        matmul.multiplyStored(out, in.data, in.rows, w);
    }

    @Override public void experts(Buf y, Buf x, Routing routing, Weight gate, Weight up, Weight down) {
        Activation in = Activation.of(x);
        Router.Choice chosen = (Router.Choice) routing;
        matmul.expertsStored(Activation.of(y).data, in.data, in.rows, chosen.ids, chosen.weights, chosen.used, gate, up, down);
    }
}
