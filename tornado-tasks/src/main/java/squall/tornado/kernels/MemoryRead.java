package squall.tornado.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.annotations.Parallel;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.collections.VectorFloat8;
import uk.ac.manchester.tornado.api.types.vectors.Float8;

/** Reads an array once and does next to nothing with it: how fast the device's memory is. */
public final class MemoryRead {
    private MemoryRead() {}

    /** {@code sums[i] = sum of x[i], x[i + items], x[i + 2 items] …}: neighbours read neighbours, as GPUs like it. */
    public static void kReadStrided(KernelContext context, FloatArray sums, FloatArray x, int items, int each) {
        int item = context.globalIdx;
        float a = 0f;
        for (int i = 0; i < each; i++) a += x.get(item + i * items);
        sums.set(item, a);
    }

    /** {@code sums[r] = sum of row r}, in vectors: a row of {@code each} vectors follows another, as processors like it. */
    public static void kReadRows(FloatArray sums, VectorFloat8 x, int rows, int each) {
        for (@Parallel int row = 0; row < rows; row++) {
            Float8 sum = new Float8(0f, 0f, 0f, 0f, 0f, 0f, 0f, 0f);
            for (int i = 0; i < each; i++) sum = Float8.add(sum, x.get(row * each + i));
            sums.set(row, sum.getS0() + sum.getS1() + sum.getS2() + sum.getS3() + sum.getS4() + sum.getS5() + sum.getS6() + sum.getS7());
        }
    }
}
