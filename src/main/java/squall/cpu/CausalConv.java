package squall.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import squall.quant.Lanes;

/**
 * Depthwise causal convolution and SiLU over one segment, and the window of the last inputs sliding behind it.
 */
final class CausalConv {
    private static final VectorSpecies<Float> F = Lanes.FLOATS;

    private CausalConv() {}

    /**
     * Channels [from, to) of {@code y_t = silu(sum_i w_i u_{t - taps + 1 + i})} for rows [begin, end), then the window.
     *
     * @param y, u   [rows, channels]
     * @param w      [taps, channels]
     * @param window [taps - 1, channels], oldest first: the inputs before {@code begin}
     */
    static void run(float[] y, float[] u, float[] w, float[] window, int taps, int channels, int begin, int end,
                    int from, int to) {
        for (int t = begin; t < end; t++) row(y, u, w, window, taps, channels, begin, t, from, to);
        slide(window, u, taps - 1, channels, begin, end, from, to);
    }

    private static void row(float[] y, float[] u, float[] w, float[] window, int taps, int channels, int begin, int t,
                            int from, int to) {
        int c = from;
        for (; c <= to - F.length(); c += F.length()) {
            FloatVector sum = FloatVector.zero(F);
            for (int i = 0; i < taps; i++) {
                int source = t - taps + 1 + i;
                FloatVector input = source >= begin
                        ? FloatVector.fromArray(F, u, source * channels + c)
                        : FloatVector.fromArray(F, window, (source - begin + taps - 1) * channels + c);
                sum = input.fma(FloatVector.fromArray(F, w, i * channels + c), sum);
            }
            VectorMath.silu(sum).intoArray(y, t * channels + c);
        }
        for (; c < to; c++) {
            float sum = 0;
            for (int i = 0; i < taps; i++) {
                int source = t - taps + 1 + i;
                float input = source >= begin ? u[source * channels + c] : window[(source - begin + taps - 1) * channels + c];
                sum = Math.fma(input, w[i * channels + c], sum);
            }
            y[t * channels + c] = VectorMath.silu(sum);
        }
    }

    /** The window becomes the last {@code kept} of (window, rows [begin, end)). */
    static void slide(float[] window, float[] u, int kept, int channels, int begin, int end, int from, int to) {
        int rows = end - begin;
        for (int i = 0; i < kept; i++) {
            int age = i + rows;
            if (age < kept) System.arraycopy(window, age * channels + from, window, i * channels + from, to - from);
            else System.arraycopy(u, (begin + age - kept) * channels + from, window, i * channels + from, to - from);
        }
    }
}
