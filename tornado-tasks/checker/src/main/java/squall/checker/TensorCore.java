package squall.checker;

import java.lang.reflect.Array;
import java.lang.reflect.Constructor;
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

    /**
     * Four matrices of 8 x 8 halves, those of a tile of 16 rows of 32 bytes: a lane of each eight says where one row of 16 bytes
     * starts, so that an offset of its own may place it anywhere.
     */
    public static HalfFloat[] loadA(WorkItem item, int[] tile, int byteOffset) {
        int lane = item.lane();
        Object[] rows = item.exchange(byteOffset + (lane % 8 + (lane & 8)) * 32 + lane / 16 * 16);
        HalfFloat[] fragment = new HalfFloat[8];
        for (int i = 0; i < 8; i++) {
            int row = (Integer) rows[i / 2 * 8 + lane / 4];
            fragment[i] = new HalfFloat(item.half(tile, row + column(lane, i) * 2));
        }
        return fragment;
    }

    /** Two matrices of 8 x 8 halves transposed, those of a tile of 16 rows (along k) of 16 bytes; lanes place rows as above. */
    public static HalfFloat[] loadB(WorkItem item, int[] tile, int byteOffset) {
        int lane = item.lane();
        Object[] rows = item.exchange(byteOffset + lane % 16 * 16);
        HalfFloat[] fragment = new HalfFloat[4];
        for (int i = 0; i < 4; i++) {
            int row = (Integer) rows[i / 2 * 8 + column(lane, i)];
            fragment[i] = new HalfFloat(item.half(tile, row + lane / 4 * 2));
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

    /** What a lane has of bytes where it was loaded as halves. */
    public static byte[] bytes(HalfFloat[] halves) {
        byte[] bytes = new byte[2 * halves.length];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) (halves[i / 2].getHalfFloatValue() >> i % 2 * 8);
        }
        return bytes;
    }

    /** The same of bytes, {@code mma.m16n8k32}: A [16, 32], B [32, 8], of which a lane has four neighbours along k where it has two halves. */
    public static int[] multiply(WorkItem item, byte[] a, byte[] b, int[] c) {
        Object[] lanesA = item.exchange(a);
        Object[] lanesB = item.exchange(b);
        int[] d = new int[4];
        for (int i = 0; i < 4; i++) {
            int row = row(item.lane(), i >= 2);
            int column = column(item.lane(), i);
            int sum = c[i];
            for (int k = 0; k < 2 * K; k++) {
                int lane = (k & 15) / 4;
                byte left = ((byte[]) lanesA[row % 8 * 4 + lane])[(k & 3) + (row >= 8 ? 4 : 0) + (k >= 16 ? 8 : 0)];
                byte right = ((byte[]) lanesB[column * 4 + lane])[(k & 3) + (k >= 16 ? 4 : 0)];
                sum += left * right;
            }
            d[i] = sum;
        }
        return d;
    }

    /** A fragment of ints as one of halves, two of each int, of a class of the kernel's own, which has a constructor from bits. */
    static HalfFloat[] halves(int[] fragment, Class<?> type) {
        HalfFloat[] halves = (HalfFloat[]) Array.newInstance(type, 2 * fragment.length);
        try {
            Constructor<?> fromBits = type.getDeclaredConstructor(short.class);
            fromBits.setAccessible(true);
            for (int i = 0; i < halves.length; i++) {
                halves[i] = (HalfFloat) fromBits.newInstance((short) (fragment[i / 2] >> i % 2 * 16));
            }
        } catch (ReflectiveOperationException e) {
            throw new IllegalArgumentException(type + " cannot be made from the bits of a half", e);
        }
        return halves;
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
