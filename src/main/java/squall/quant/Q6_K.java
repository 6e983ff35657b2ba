package squall.quant;

import static squall.quant.Lanes.COUNT;
import static squall.quant.Lanes.toFloat;
import static squall.quant.Lanes.zero;
import static squall.quant.LittleEndian.f16;
import static squall.quant.LittleEndian.i64;
import static squall.quant.LittleEndian.i8;
import static squall.quant.LittleEndian.u8;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

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
                    IntVector h = Lanes.u8(w, qh + j).lanewise(VectorOperators.LSHR, shift);
                    IntVector q0 = q.and(15).or(h.and(3).lanewise(VectorOperators.LSHL, 4)).sub(32);
                    IntVector q1 = q.lanewise(VectorOperators.LSHR, 4).or(h.and(48)).sub(32);
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
                    IntVector h = Lanes.u8(w, qh + j).lanewise(VectorOperators.LSHR, shift);
                    IntVector q0 = q.and(15).or(h.and(3).lanewise(VectorOperators.LSHL, 4)).sub(32);
                    IntVector q1 = q.lanewise(VectorOperators.LSHR, 4).or(h.and(48)).sub(32);
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
    private static final IntVector LOWS = IntVector.broadcast(Lanes.INTS, 0x0F0F0F0F);
    private static final IntVector PAIRS = IntVector.broadcast(Lanes.INTS, 0x03030303);

    /** For each byte v as a signed number [0, 0, 0, 0, v, v, v, v, 0, 0, 0, 0]: either half of a vector by one load. */
    private static final float[] SCALES = new float[256 * 12];

    static {
        for (int v = 0; v < 256; v++) for (int l = 4; l < 8; l++) SCALES[12 * v + l] = (byte) v;
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
            for (int l = 0; l < 8; l++)
                for (int j = 0; j < 4; j++) dst[at + 8 + 8 * j + l] = x[xAt + i + 4 * l + j] * ByteColumns.PER_BYTE[j % 2];
        }
    }

    @Override public void dots(float[] y, int yAt, int yStep, MemorySegment w, long offsetBytes, long stepBytes, float[] x, int n) {
        if (ByteColumns.ON) {
            y[yAt] = dotByColumns(w, offsetBytes, x, n);
            y[yAt + yStep] = dotByColumns(w, offsetBytes + stepBytes, x, n);
        } else super.dots(y, yAt, yStep, w, offsetBytes, stepBytes, x, n);
    }

    /** Half a block at a time: bits are put together for 32 values at once, byte by byte, and then taken column by column. */
    private static float dotByColumns(MemorySegment w, long block, float[] x, int n) {
        FloatVector sum = zero();
        int p = 0;
        for (int i = 0; i < n; i += 128) {
            int half = i / 128 % 2;
            long ql = block + 64 * half;
            IntVector a = Lanes.i32(w, ql), b = Lanes.i32(w, ql + 32), h = Lanes.i32(w, block + 128 + 32 * half);
            long scales = i64(w, block + 192 + 8 * half);
            FloatVector s = zero(), r = zero();
            for (int turn = 1; turn < 1 << 4; turn <<= 1) { // shifted, not counted: see BlockCodec
                IntVector q = a.and(LOWS).or(h.and(PAIRS).lanewise(VectorOperators.LSHL, 4));
                FloatVector t = toFloat(q.and(ByteColumns.BYTE)).fma(Lanes.f32(x, p + 8), Lanes.f32(x, p));
                t = toFloat(q.and(ByteColumns.BYTE_1)).fma(Lanes.f32(x, p + 16), t);
                q = q.lanewise(VectorOperators.LSHR, 16);
                FloatVector u = toFloat(q.and(ByteColumns.BYTE)).mul(Lanes.f32(x, p + 24));
                t = toFloat(q.and(ByteColumns.BYTE_1)).fma(Lanes.f32(x, p + 32), u).add(t);
                int first = (int) scales & 255, second = (int) (scales >>> 8) & 255;
                s = t.fma(Lanes.f32(SCALES, 12 * first + 4), s);
                r = t.fma(Lanes.f32(SCALES, 12 * second), r);
                scales >>>= 16;
                IntVector highNibbles = a.lanewise(VectorOperators.LSHR, 4);
                a = b;
                b = highNibbles;
                h = h.lanewise(VectorOperators.LSHR, 2);
                p = p + PREPARED & ByteColumns.PLACE;
            }
            sum = s.add(r).fma(Halves.spread(w, block + 208), sum);
            block += 210 * half;
        }
        return Lanes.sum(sum);
    }
}
