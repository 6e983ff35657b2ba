package squall.quant;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.FloatVector.broadcast;
import static jdk.incubator.vector.FloatVector.fromArray;
import static jdk.incubator.vector.IntVector.fromMemorySegment;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static squall.quant.ByteColumns.BYTE;
import static squall.quant.ByteColumns.BYTE_1;
import static squall.quant.ByteColumns.UPPER_FLOATS;
import static squall.quant.ByteColumns.ZERO;
import static squall.quant.ByteColumns.numbers;
import static squall.quant.Lanes.COUNT;
import static squall.quant.Lanes.FLOATS;
import static squall.quant.Lanes.INTS;
import static squall.quant.Lanes.toFloat;
import static squall.quant.Lanes.zero;
import static squall.quant.LittleEndian.I16;
import static squall.quant.LittleEndian.I64;
import static squall.quant.LittleEndian.f16;
import static squall.quant.LittleEndian.i64;
import static squall.quant.LittleEndian.i8;
import static squall.quant.LittleEndian.u8;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * 256 six-bit numbers, a signed byte of scale for each 16: {@code y = (d * sc) * (q - 32)}.
 * <pre>
 * byte 0         128      192             208
 *      | ql[128] | qh[64] | scales[16] i8 | d |
 * </pre>
 * Value {@code 128 n + 32 j + l} ({@code n < 2, j < 4, l < 32}) has four low bits in nibble {@code j / 2} of
 * {@code ql[64 n + 32 (j % 2) + l]} and two high bits in bits 2j, 2j+1 of {@code qh[32 n + l]}.
 */
final class Q6_K extends BlockCodec {
    Q6_K() {
        super(256, 210);
    }

    @Override public float at(MemorySegment w, long offsetBytes, int i) {
        int n = i / 128, j = i / 32 % 4, l = i % 32;
        int low = u8(w, offsetBytes + 64 * n + 32 * (j % 2) + l) >> j / 2 * 4 & 15;
        int high = u8(w, offsetBytes + 128 + 32 * n + l) >> 2 * j & 3;
        return f16(w, offsetBytes + 208) * i8(w, offsetBytes + 192 + i / 16) * ((low | high << 4) - 32);
    }

    @Override public void decode(MemorySegment w, long offsetBytes, float[] dst, int dstAt, int n) {
        for (int i = 0; i < n; i += 256, offsetBytes += 210) {
            float d = f16(w, offsetBytes + 208);
            int g = 0; // pairs of sub-blocks, s and s + 4, that share their bytes
            for (int turn = 1; turn < 1 << 8; turn <<= 1) { // shifted, not counted: see BlockCodec
                int s = g / 4 * 8 + g % 4, shift = g / 2 % 2 * 2;
                long scales = i64(w, offsetBytes + 192 + g / 4 * 8) >>> g % 4 * 8;
                float d0 = d * (byte) scales, d1 = d * (byte) (scales >>> 32);
                long ql = offsetBytes + g * 16, qh = offsetBytes + 128 + g / 4 * 32 + g % 2 * 16;
                int at = dstAt + i + 16 * s;
                for (int j = 0; j < 16; j += COUNT) {
                    IntVector q = Lanes.u8(w, ql + j);
                    IntVector h = Lanes.u8(w, qh + j).lanewise(LSHR, shift);
                    IntVector q0 = q.and(15).or(h.and(3).lanewise(LSHL, 4)).sub(32);
                    IntVector q1 = q.lanewise(LSHR, 4).or(h.and(48)).sub(32);
                    toFloat(q0).mul(d0).intoArray(dst, at + j);
                    toFloat(q1).mul(d1).intoArray(dst, at + 64 + j);
                }
                g++;
            }
        }
    }

    @Override public float dot(MemorySegment w, long offsetBytes, float[] x, int xAt, int n) {
        FloatVector a = zero(), b = zero();
        for (int i = 0; i < n; i += 256, offsetBytes += 210) {
            float d = f16(w, offsetBytes + 208);
            int g = 0; // pairs of sub-blocks, s and s + 4, that share their bytes
            for (int turn = 1; turn < 1 << 8; turn <<= 1) { // shifted, not counted: see BlockCodec
                int s = g / 4 * 8 + g % 4, shift = g / 2 % 2 * 2;
                long scales = i64(w, offsetBytes + 192 + g / 4 * 8) >>> g % 4 * 8;
                float d0 = d * (byte) scales, d1 = d * (byte) (scales >>> 32);
                long ql = offsetBytes + g * 16, qh = offsetBytes + 128 + g / 4 * 32 + g % 2 * 16;
                int at = xAt + i + 16 * s;
                for (int j = 0; j < 16; j += COUNT) {
                    IntVector q = Lanes.u8(w, ql + j);
                    IntVector h = Lanes.u8(w, qh + j).lanewise(LSHR, shift);
                    IntVector q0 = q.and(15).or(h.and(3).lanewise(LSHL, 4)).sub(32);
                    IntVector q1 = q.lanewise(LSHR, 4).or(h.and(48)).sub(32);
                    a = toFloat(q0).mul(d0).fma(Lanes.f32(x, at + j), a);
                    b = toFloat(q1).mul(d1).fma(Lanes.f32(x, at + 64 + j), b);
                }
                g++;
            }
        }
        return Lanes.sum(a.add(b));
    }

    // prepared, for each 32 values: [-32 * the sums of a lane's x: 8 | x by byte columns: 32]; lanes 0 to 3 have the first
    // sub-block of 16, lanes 4 to 7 the second

    private static final int PREPARED = 8 + 32;
    private static final IntVector LOWS = IntVector.broadcast(INTS, 0x0F0F0F0F);
    private static final IntVector PAIRS = IntVector.broadcast(INTS, 0x30303030);

    /** A byte as a signed number. */
    private static final float[] SCALES = new float[256];

    static {
        for (int v = 0; v < 256; v++) SCALES[v] = (byte) v;
    }

    @Override public int preparedSize(int n) {
        return ByteColumns.ON ? n / 32 * PREPARED : n;
    }

    @Override public void prepare(float[] dst, float[] x, int xAt, int n) {
        if (!ByteColumns.ON) {
            super.prepare(dst, x, xAt, n);
            return;
        }
        for (int i = 0, at = 0; i < n; i += 32, at += PREPARED) {
            ByteColumns.sums(dst, at, x, xAt + i, -32);
            ByteColumns.lay(dst, at + 8, 8, x, xAt + i, 1);
        }
    }

    @Override public void dots(float[] y, int yAt, int yStep, MemorySegment w, long offsetBytes, long stepBytes, float[] x, int n) {
        if (ByteColumns.ON) {
            y[yAt] = dotByColumns(w, offsetBytes, x, n);
            y[yAt + yStep] = dotByColumns(w, offsetBytes + stepBytes, x, n);
        } else super.dots(y, yAt, yStep, w, offsetBytes, stepBytes, x, n);
    }

    /** Half a block at a time, 64 values a turn: bits are put together byte by byte. Written as {@link ByteColumns} says. */
    private static float dotByColumns(MemorySegment w, long block, float[] x, int n) {
        FloatVector sum = zero();
        int p = 0;
        for (int i = 0; i < n; i += 128) {
            int half = i / 128 % 2;
            long scales = w.get(I64, block + 192 + 8 * half);
            FloatVector whole = broadcast(FLOATS, Halves.VALUES[w.get(I16, block + 208) & 0xFFFF]);
            long ql = block + 64 * half;
            IntVector a = fromMemorySegment(INTS, w, ql, LITTLE_ENDIAN);
            IntVector b = fromMemorySegment(INTS, w, ql + 32, LITTLE_ENDIAN);
            IntVector h = fromMemorySegment(INTS, w, block + 128 + 32 * half, LITTLE_ENDIAN);
            FloatVector s = FloatVector.zero(FLOATS), r = FloatVector.zero(FLOATS);
            for (int turn = 1; turn < 1 << 2; turn <<= 1) { // shifted, not counted: see BlockCodec
                IntVector q;
                FloatVector t, u, d;
                q = a.and(LOWS).or(h.lanewise(LSHL, 4).and(PAIRS));
                t = numbers(q.and(BYTE)).fma(fromArray(FLOATS, x, p + 8), fromArray(FLOATS, x, p));
                t = numbers(q.and(BYTE_1)).fma(fromArray(FLOATS, x, p + 16), t);
                q = q.lanewise(LSHR, 16);
                u = numbers(q.and(BYTE)).fma(fromArray(FLOATS, x, p + 24), ZERO);
                u = numbers(q.and(BYTE_1)).fma(fromArray(FLOATS, x, p + 32), u);
                d = broadcast(FLOATS, SCALES[(int) scales & 255]).blend(SCALES[(int) scales >>> 8 & 255], UPPER_FLOATS);
                s = t.add(u).fma(d, s);
                q = b.and(LOWS).or(h.lanewise(LSHL, 2).and(PAIRS));
                t = numbers(q.and(BYTE)).fma(fromArray(FLOATS, x, p + 48), fromArray(FLOATS, x, p + 40));
                t = numbers(q.and(BYTE_1)).fma(fromArray(FLOATS, x, p + 56), t);
                q = q.lanewise(LSHR, 16);
                u = numbers(q.and(BYTE)).fma(fromArray(FLOATS, x, p + 64), ZERO);
                u = numbers(q.and(BYTE_1)).fma(fromArray(FLOATS, x, p + 72), u);
                d = broadcast(FLOATS, SCALES[(int) scales >>> 16 & 255]).blend(SCALES[(int) (scales >>> 24) & 255], UPPER_FLOATS);
                r = t.add(u).fma(d, r);
                a = a.lanewise(LSHR, 4);
                b = b.lanewise(LSHR, 4);
                h = h.lanewise(LSHR, 4);
                scales >>>= 32;
                p = p + 2 * PREPARED & ByteColumns.PLACE;
            }
            sum = s.add(r).fma(whole, sum);
            block += 210 * half;
        }
        sum = sum.add(sum.rearrange(Lanes.FOLD_4)); // as Lanes.sum
        sum = sum.add(sum.rearrange(Lanes.FOLD_2));
        return (sum.lane(0) + sum.lane(1)) * ByteColumns.SCALE;
    }
}
