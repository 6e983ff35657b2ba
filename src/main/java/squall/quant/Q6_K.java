package squall.quant;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.FloatVector.broadcast;
import static jdk.incubator.vector.FloatVector.fromArray;
import static jdk.incubator.vector.IntVector.fromMemorySegment;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static squall.quant.ByteColumns.BYTE;
import static squall.quant.ByteColumns.BYTE_1;
import static squall.quant.ByteColumns.PLACE;
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
import static squall.quant.LittleEndian.i32;
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

    private final RowGroups groups = new Groups(this);

    @Override public RowGroups rowGroups() {
        return groups;
    }

    /**
     * Words: for each sub-block three, of which word k has values 5 k to 5 k + 4, six bits each, and on top two bits of value 15, the lowest in
     * word 0. Bytes: the scales. Halves: d. Activations, for each sub-block: [-32 * the sum of x | by words, / a number's place: 5, those of
     * value 15: 1].
     */
    private static final class Groups extends RowGroups {
        private static final int PREPARED = 1 + 18;
        private static final int WORDS_AT = HALVES + 16 * BYTES;
        /** Of scales, to the next group's. */
        private static final int GROUP = 16 * ROWS;
        private static final IntVector SIX_0 = IntVector.broadcast(INTS, 63), SIX_1 = IntVector.broadcast(INTS, 63 << 6);
        private static final IntVector SIX_2 = IntVector.broadcast(INTS, 63 << 12), SIX_3 = IntVector.broadcast(INTS, 63 << 18);

        Groups(Codec codec) {
            super(codec, 48, 16, 208, 1);
        }

        @Override int word(MemorySegment block, long at, int i) {
            int s = i / 3, k = i % 3, word = number(block, at, s, 15) >>> 2 * k << 30;
            for (int m = 0; m < 5; m++) word |= number(block, at, s, 5 * k + m) << 6 * m;
            return word;
        }

        /** The six bits of value m of sub-block s. */
        private static int number(MemorySegment block, long at, int s, int m) {
            int l = s % 2 * 16 + m, j = s % 8 / 2;
            int low = u8(block, at + s / 8 * 64 + j % 2 * 32 + l) >>> j / 2 * 4 & 15;
            return low | (u8(block, at + 128 + s / 8 * 32 + l) >>> 2 * j & 3) << 4;
        }

        @Override int oneByte(MemorySegment block, long at, int i) {
            return u8(block, at + 192 + i);
        }

        @Override public int preparedSize(int n) {
            return n / 16 * PREPARED;
        }

        @Override public void prepare(float[] dst, float[] x, int xAt, int n) {
            for (int i = 0, at = 0; i < n; i += 16, at += PREPARED) {
                float sum = 0;
                for (int j = 0; j < 16; j++) sum += x[xAt + i + j];
                dst[at] = -32 * ByteColumns.ONE * sum;
                for (int k = 0; k < 3; k++) {
                    for (int m = 0; m < 5; m++) dst[at + 1 + 6 * k + m] = x[xAt + i + 5 * k + m] * ByteColumns.UNIT / (1 << 6 * (m % 4));
                    dst[at + 6 + 6 * k] = x[xAt + i + 15] * ByteColumns.UNIT * (1 << 2 * k);
                }
            }
        }

        @Override public void decode(MemorySegment w, long at, int first, float[] dst, int dstAt, int step, int n, float[] factors) {
            at += 210L * ROWS * first;
            for (int i = 0; i < n; i += 256) {
                dotFactors(factors, 0, w, at);
                at += WORDS_AT;
                int f = 0;
                for (int turn = 1; turn < 1 << 16; turn <<= 1) { // shifted, not counted: see BlockCodec
                    FloatVector scale = fromArray(FLOATS, factors, f);
                    IntVector last = IntVector.zero(INTS);
                    for (int word = 1; word < 1 << 3; word <<= 1) {
                        IntVector q = Lanes.i32(w, at);
                        last = last.lanewise(LSHR, 2).or(q.lanewise(LSHR, 30).lanewise(LSHL, 4));
                        toFloat(q.and(63).sub(32)).mul(scale).intoArray(dst, dstAt);
                        toFloat(q.lanewise(LSHR, 6).and(63).sub(32)).mul(scale).intoArray(dst, dstAt + step);
                        toFloat(q.lanewise(LSHR, 12).and(63).sub(32)).mul(scale).intoArray(dst, dstAt + 2 * step);
                        toFloat(q.lanewise(LSHR, 18).and(63).sub(32)).mul(scale).intoArray(dst, dstAt + 3 * step);
                        toFloat(q.lanewise(LSHR, 24).and(63).sub(32)).mul(scale).intoArray(dst, dstAt + 4 * step);
                        at += WORDS;
                        dstAt += 5 * step;
                    }
                    toFloat(last.sub(32)).mul(scale).intoArray(dst, dstAt);
                    dstAt += step;
                    f += ROWS;
                }
            }
        }

        private static void dotFactors(float[] factors, MemorySegment w, long at, long step) {
            for (int g = 0; g < GROUPS; g++) dotFactors(factors, GROUP * g, w, at + g * step);
        }

        /** {@code factors[to + ROWS * s + r] = d * scale s} of row r. */
        private static void dotFactors(float[] factors, int to, MemorySegment w, long at) {
            FloatVector d = halves(w, at);
            at += HALVES;
            for (int turn = 1; turn < 1 << 16; turn <<= 1) { // shifted, not counted: see BlockCodec
                toFloat(Lanes.i8(w, at)).mul(d).intoArray(factors, to);
                at += BYTES;
                to += ROWS;
            }
        }

        @Override void dots(float[] y, int yAt, int yStep, MemorySegment w, long at, long step, float[] x, int n, float[] factors) {
            FloatVector a0 = zero(), a1 = zero(), a2 = zero(), a3 = zero();
            int p = 0;
            for (int i = 0; i < n; i += 256) {
                dotFactors(factors, w, at, step);
                int f = 0;
                at += WORDS_AT;
                for (int turn = 1; turn < 1 << 16; turn <<= 1) { // shifted, not counted: see BlockCodec
                    FloatVector s0 = broadcast(FLOATS, x[p]), s1 = s0, s2 = s0, s3 = s0;
                    FloatVector t0 = zero(), t1 = zero(), t2 = zero(), t3 = zero();
                    p = p + 1 & PLACE;
                    for (int word = 1; word < 1 << 3; word <<= 1) {
                        IntVector q0 = fromMemorySegment(INTS, w, at, LITTLE_ENDIAN);
                        IntVector q1 = fromMemorySegment(INTS, w, at + step, LITTLE_ENDIAN);
                        IntVector q2 = fromMemorySegment(INTS, w, at + 2 * step, LITTLE_ENDIAN);
                        IntVector q3 = fromMemorySegment(INTS, w, at + 3 * step, LITTLE_ENDIAN);
                        FloatVector v = broadcast(FLOATS, x[p]);
                        p = p + 1 & PLACE;
                        s0 = numbers(q0.and(SIX_0)).fma(v, s0);
                        s1 = numbers(q1.and(SIX_0)).fma(v, s1);
                        s2 = numbers(q2.and(SIX_0)).fma(v, s2);
                        s3 = numbers(q3.and(SIX_0)).fma(v, s3);
                        v = broadcast(FLOATS, x[p]);
                        p = p + 1 & PLACE;
                        t0 = numbers(q0.and(SIX_1)).fma(v, t0);
                        t1 = numbers(q1.and(SIX_1)).fma(v, t1);
                        t2 = numbers(q2.and(SIX_1)).fma(v, t2);
                        t3 = numbers(q3.and(SIX_1)).fma(v, t3);
                        v = broadcast(FLOATS, x[p]);
                        p = p + 1 & PLACE;
                        s0 = numbers(q0.and(SIX_2)).fma(v, s0);
                        s1 = numbers(q1.and(SIX_2)).fma(v, s1);
                        s2 = numbers(q2.and(SIX_2)).fma(v, s2);
                        s3 = numbers(q3.and(SIX_2)).fma(v, s3);
                        v = broadcast(FLOATS, x[p]);
                        p = p + 1 & PLACE;
                        t0 = numbers(q0.and(SIX_3)).fma(v, t0);
                        t1 = numbers(q1.and(SIX_3)).fma(v, t1);
                        t2 = numbers(q2.and(SIX_3)).fma(v, t2);
                        t3 = numbers(q3.and(SIX_3)).fma(v, t3);
                        q0 = q0.lanewise(LSHR, 24);
                        q1 = q1.lanewise(LSHR, 24);
                        q2 = q2.lanewise(LSHR, 24);
                        q3 = q3.lanewise(LSHR, 24);
                        v = broadcast(FLOATS, x[p]);
                        p = p + 1 & PLACE;
                        s0 = numbers(q0.and(SIX_0)).fma(v, s0);
                        s1 = numbers(q1.and(SIX_0)).fma(v, s1);
                        s2 = numbers(q2.and(SIX_0)).fma(v, s2);
                        s3 = numbers(q3.and(SIX_0)).fma(v, s3);
                        v = broadcast(FLOATS, x[p]);
                        p = p + 1 & PLACE;
                        t0 = numbers(q0.lanewise(LSHR, 6)).fma(v, t0);
                        t1 = numbers(q1.lanewise(LSHR, 6)).fma(v, t1);
                        t2 = numbers(q2.lanewise(LSHR, 6)).fma(v, t2);
                        t3 = numbers(q3.lanewise(LSHR, 6)).fma(v, t3);
                        at += WORDS;
                    }
                    a0 = s0.add(t0).fma(fromArray(FLOATS, factors, f), a0);
                    a1 = s1.add(t1).fma(fromArray(FLOATS, factors, f + GROUP), a1);
                    a2 = s2.add(t2).fma(fromArray(FLOATS, factors, f + 2 * GROUP), a2);
                    a3 = s3.add(t3).fma(fromArray(FLOATS, factors, f + 3 * GROUP), a3);
                    f = f + ROWS & PLACE;
                }
            }
            a0.mul(ByteColumns.SCALE).intoArray(y, yAt);
            a1.mul(ByteColumns.SCALE).intoArray(y, yAt + yStep);
            a2.mul(ByteColumns.SCALE).intoArray(y, yAt + 2 * yStep);
            a3.mul(ByteColumns.SCALE).intoArray(y, yAt + 3 * yStep);
        }
    }
}
