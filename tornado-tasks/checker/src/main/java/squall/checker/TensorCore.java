package squall.checker;

import uk.ac.manchester.tornado.api.types.BFloat16;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/**
 * The product D = A B + C of one warp, A [16, 16], B [16, 8], C and D [16, 8], with the operands spread over the lanes
 * as the instruction {@code mma.m16n8k16} wants them. Lane l stands for row l / 4 (and that plus eight) of A and D and
 * for columns 2 (l % 4) and the next; for B the roles of row and column are the other way round.
 */
public final class TensorCore {

    private static final int K = 16;

    private TensorCore() {
    }

    /** Row of A or D that number {@code i} of a lane's fragment lies in; {@code high} says whether it is of the lower half. */
    private static int row(int lane, boolean high) {
        return lane / 4 + (high ? 8 : 0);
    }

    private static int column(int lane, int i) {
        return lane % 4 * 2 + (i & 1);
    }

    /** A tile of 16 rows, 32 bytes each. */
    public static HalfFloat[] loadA(WorkItem item, int[] tile, int byteOffset) {
        HalfFloat[] fragment = new HalfFloat[8];
        for (int i = 0; i < 8; i++) {
            int row = row(item.lane(), (i & 2) != 0);
            int k = column(item.lane(), i) + (i >= 4 ? 8 : 0);
            fragment[i] = new HalfFloat(item.half(tile, byteOffset + row * 32 + k * 2));
        }
        return fragment;
    }

    /** A tile of 16 rows (along k), 16 bytes each. */
    public static HalfFloat[] loadB(WorkItem item, int[] tile, int byteOffset) {
        HalfFloat[] fragment = new HalfFloat[4];
        for (int i = 0; i < 4; i++) {
            int k = column(item.lane(), i) + (i >= 2 ? 8 : 0);
            fragment[i] = new HalfFloat(item.half(tile, byteOffset + k * 16 + item.lane() / 4 * 2));
        }
        return fragment;
    }

    /** The whole warp takes part; operands are halves, or bfloat16 bits in the shape of halves. */
    public static float[] multiply(WorkItem item, HalfFloat[] a, HalfFloat[] b, float[] c, boolean bfloat) {
        Object[] lanesA = item.exchange(a);
        Object[] lanesB = item.exchange(b);
        float[] d = new float[4];
        for (int i = 0; i < 4; i++) {
            int row = row(item.lane(), i >= 2);
            int column = column(item.lane(), i);
            float sum = c[i];
            for (int k = 0; k < K; k++) {
                int lane = (k & 7) / 2;
                HalfFloat left = ((HalfFloat[]) lanesA[row % 8 * 4 + lane])[(k & 1) + (row >= 8 ? 2 : 0) + (k >= 8 ? 4 : 0)];
                HalfFloat right = ((HalfFloat[]) lanesB[column * 4 + lane])[(k & 1) + (k >= 8 ? 2 : 0)];
                sum += number(left, bfloat) * number(right, bfloat);
            }
            d[i] = sum;
        }
        return d;
    }

    private static float number(HalfFloat half, boolean bfloat) {
        return bfloat ? BFloat16.bf16ToFloat(half.getHalfFloatValue()) : half.getFloat32();
    }

    public static void store(WorkItem item, float[] fragment, FloatArray target, int row, int column, int stride) {
        for (int i = 0; i < 4; i++) {
            target.set((row + row(item.lane(), i >= 2)) * stride + column + column(item.lane(), i), fragment[i]);
        }
    }
}
