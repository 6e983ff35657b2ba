package squall.tornado.kernels;

import uk.ac.manchester.tornado.api.math.TornadoMath;

/**
 * Functions of one number, compiled into the kernels that call them. OpenCL's fast division fails for divisors above 2^126,
 * so that e^-x is kept below e^60, where the result is nothing beside other numbers.
 */
final class Activation {
    private Activation() {}

    /** 1 / (1 + e^-x) */
    static float sigmoid(float x) {
        return 1f / (1f + TornadoMath.exp(TornadoMath.min(-x, 60f)));
    }

    /** The same where reciprocal roots are an instruction, as on CUDA devices, and quotients a dozen and a branch. */
    static float quickSigmoid(float x) {
        return reciprocal(1f + TornadoMath.exp(TornadoMath.min(-x, 60f)));
    }

    /** 1 / x by the square of a root, whose roundings a step of Newton's takes away; 0 < x < 1e30 */
    private static float reciprocal(float x) {
        float root = 1f / TornadoMath.sqrt(x);
        float square = root * root;
        return square * (2f - x * square);
    }

    /** x / (1 + e^-x) */
    static float silu(float x) {
        return x / (1f + TornadoMath.exp(TornadoMath.min(-x, 60f)));
    }

    /** The same on CUDA devices. */
    static float quickSilu(float x) {
        return x * quickSigmoid(x);
    }

    /**
     * log(1 + e^x). There is no log1p on devices, and a small e^x would lose its digits in 1 + e^x: there,
     * {@code log(1 + e) = 2 artanh(z)} with {@code z = e / (2 + e)}, whose series is short.
     */
    static float softplus(float x) {
        float e = TornadoMath.exp(TornadoMath.min(x, 20f));
        return softplus(x, e, e / (2f + e));
    }

    /** The same on CUDA devices. */
    static float quickSoftplus(float x) {
        float e = TornadoMath.exp(TornadoMath.min(x, 20f));
        return softplus(x, e, e * reciprocal(2f + e));
    }

    private static float softplus(float x, float e, float z) {
        float series = 2f * z * (1f + z * z * (0.33333333f + z * z * (0.2f + z * z * (0.14285714f + z * z * 0.11111111f))));
        float value = e < 0.5f ? series : TornadoMath.log(1f + e);
        return x > 20f ? x : value;
    }
}
