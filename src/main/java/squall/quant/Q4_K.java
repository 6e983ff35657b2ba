package squall.quant;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.FloatVector.broadcast;
import static jdk.incubator.vector.FloatVector.fromArray;
import static jdk.incubator.vector.IntVector.fromMemorySegment;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static squall.quant.ByteColumns.HIGH;
import static squall.quant.ByteColumns.HIGH_1;
import static squall.quant.ByteColumns.LOW;
import static squall.quant.ByteColumns.LOW_1;
import static squall.quant.ByteColumns.PLACE;
import static squall.quant.ByteColumns.ZERO;
import static squall.quant.ByteColumns.layNibbles;
import static squall.quant.ByteColumns.numbers;
import static squall.quant.Lanes.COUNT;
import static squall.quant.Lanes.FLOATS;
import static squall.quant.Lanes.INTS;
import static squall.quant.Lanes.toFloat;
import static squall.quant.Lanes.zero;
import static squall.quant.LittleEndian.f16;
import static squall.quant.LittleEndian.i32;
import static squall.quant.LittleEndian.u8;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorShuffle;

/**
 * 256 nibbles, a six-bit scale and minimum for each 32: {@code y = (d * sc) * q - dmin * mn}, each product rounded
 * before the difference.
 * <pre>
 * byte 0    2      4            16
 *      | d  | dmin | scales[12] | qs[128] |
 * </pre>
 * Value {@code 64 t + l} ({@code t < 4, l < 32}) is the low nibble of {@code qs[32 t + l]}, value {@code 64 t + 32 + l} the high one.
 * The scales are packed as {@link SixBitScales} draws.
 */
final class Q4_K extends BlockCodec {
    Q4_K() {
        super(256, 144);
    }

    @Override public float at(MemorySegment w, long offsetBytes, int i) {
        int s = i / 32;
        int b = u8(w, offsetBytes + 16 + s / 2 * 32 + i % 32);
        int q = s % 2 == 0 ? b & 15 : b >> 4;
        float d = f16(w, offsetBytes), dmin = f16(w, offsetBytes + 2);
        int scale = SixBitScales.scaleAt(w, offsetBytes + 4, s), minimum = SixBitScales.minimumAt(w, offsetBytes + 4, s);
        return d * scale * q - dmin * minimum;
    }

    @Override public void decode(MemorySegment w, long offsetBytes, float[] dst, int dstAt, int n) {
        for (int i = 0; i < n; i += 256, offsetBytes += 144) {
            float d = f16(w, offsetBytes), dmin = f16(w, offsetBytes + 2);
            long scales = SixBitScales.scales(w, offsetBytes + 4);
            long minima = SixBitScales.minima(w, offsetBytes + 4);
            long qs = offsetBytes + 16;
            int at = dstAt + i;
            for (int turn = 1; turn < 1 << 4; turn <<= 1) { // shifted, not counted: see BlockCodec
                float d0 = d * (scales & 63), d1 = d * (scales >>> 8 & 63);
                float m0 = dmin * (minima & 63), m1 = dmin * (minima >>> 8 & 63);
                for (int j = 0; j < 32; j += COUNT) {
                    IntVector q = Lanes.u8(w, qs + j);
                    IntVector q0 = q.and(15);
                    IntVector q1 = q.lanewise(LSHR, 4);
                    toFloat(q0).mul(d0).sub(m0).intoArray(dst, at + j);
                    toFloat(q1).mul(d1).sub(m1).intoArray(dst, at + 32 + j);
                }
                scales >>>= 16;
                minima >>>= 16;
                qs += 32;
                at += 64;
            }
        }
    }

    @Override public float dot(MemorySegment w, long offsetBytes, float[] x, int xAt, int n) {
        FloatVector a = zero(), b = zero();
        for (int i = 0; i < n; i += 256, offsetBytes += 144) {
            float d = f16(w, offsetBytes), dmin = f16(w, offsetBytes + 2);
            long scales = SixBitScales.scales(w, offsetBytes + 4);
            long minima = SixBitScales.minima(w, offsetBytes + 4);
            long qs = offsetBytes + 16;
            int at = xAt + i;
            for (int turn = 1; turn < 1 << 4; turn <<= 1) { // shifted, not counted: see BlockCodec
                float d0 = d * (scales & 63), d1 = d * (scales >>> 8 & 63);
                float m0 = dmin * (minima & 63), m1 = dmin * (minima >>> 8 & 63);
                for (int j = 0; j < 32; j += COUNT) {
                    IntVector q = Lanes.u8(w, qs + j);
                    IntVector q0 = q.and(15);
                    IntVector q1 = q.lanewise(LSHR, 4);
                    a = toFloat(q0).mul(d0).sub(m0).fma(Lanes.f32(x, at + j), a);
                    b = toFloat(q1).mul(d1).sub(m1).fma(Lanes.f32(x, at + 32 + j), b);
                }
                scales >>>= 16;
                minima >>>= 16;
                qs += 32;
                at += 64;
            }
        }
        return Lanes.sum(a.add(b));
    }

    // prepared, for each block: [-1 * the sums of x of the sub-blocks: 8 | for each 64: by byte columns, 8 of low nibbles, 8 of high
    // ones / 16, ...]

    private static final int PREPARED = 8 + 256;

    @Override public int preparedSize(int n) {
        return ByteColumns.ON ? n / 256 * PREPARED : n;
    }

    @Override public void prepare(float[] dst, float[] x, int xAt, int n) {
        if (!ByteColumns.ON) {
            super.prepare(dst, x, xAt, n);
            return;
        }
        for (int i = 0, at = 0; i < n; i += 256, at += PREPARED)
            for (int s = 0; s < 8; s++) {
                int from = xAt + i + 32 * s;
                float sum = 0;
                for (int j = 0; j < 32; j++) sum += x[from + j];
                dst[at + s] = -ByteColumns.ONE * sum;
                ByteColumns.lay(dst, at + 8 + s / 2 * 64 + s % 2 * 8, 16, x, from, s % 2 == 0 ? 1 : 1 / 16f);
            }
    }

    @Override public void dots(float[] y, int yAt, int yStep, MemorySegment w, long offsetBytes, long stepBytes, float[] x, int n) {
        if (ByteColumns.ON) {
            y[yAt] = dotByColumns(w, offsetBytes, x, n);
            y[yAt + yStep] = dotByColumns(w, offsetBytes + stepBytes, x, n);
        } else super.dots(y, yAt, yStep, w, offsetBytes, stepBytes, x, n);
    }

    /** Minima and scales of a block are brought into vectors before its inner loop. Written as {@link ByteColumns} says. */
    private static float dotByColumns(MemorySegment w, long at, float[] x, int n) {
        FloatVector sum = zero();
        int p = 0;
        for (int i = 0; i < n; i += 256, at += 144) {
            long scales = SixBitScales.scales(w, at + 4);
            FloatVector minima = toFloat(Lanes.i8(SixBitScales.minima(w, at + 4)));
            FloatVector d = Halves.spread(w, at);
            sum = minima.mul(Lanes.f32(x, p)).fma(Halves.spread(w, at + 2), sum);
            FloatVector low = zero(), high = zero();
            long qs = at + 16;
            p += 8;
            for (int turn = 1; turn < 1 << 4; turn <<= 1) { // shifted, not counted: see BlockCodec
                IntVector q = fromMemorySegment(INTS, w, qs, LITTLE_ENDIAN);
                FloatVector s = numbers(q.and(LOW)).fma(fromArray(FLOATS, x, p), ZERO);
                FloatVector t = numbers(q.and(HIGH)).fma(fromArray(FLOATS, x, p + 8), ZERO);
                s = numbers(q.and(LOW_1)).fma(fromArray(FLOATS, x, p + 16), s);
                t = numbers(q.and(HIGH_1)).fma(fromArray(FLOATS, x, p + 24), t);
                q = q.lanewise(LSHR, 16);
                s = numbers(q.and(LOW)).fma(fromArray(FLOATS, x, p + 32), s);
                t = numbers(q.and(HIGH)).fma(fromArray(FLOATS, x, p + 40), t);
                s = numbers(q.and(LOW_1)).fma(fromArray(FLOATS, x, p + 48), s);
                t = numbers(q.and(HIGH_1)).fma(fromArray(FLOATS, x, p + 56), t);
                low = s.fma(broadcast(FLOATS, SixBitScales.VALUES[(int) scales & 63]), low);
                high = t.fma(broadcast(FLOATS, SixBitScales.VALUES[(int) scales >>> 8 & 63]), high);
                scales >>>= 16;
                qs += 32;
                p = p + 64 & ByteColumns.PLACE;
            }
            sum = low.add(high).fma(d, sum);
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
     * Words: the three of scales; for each sub-block four of nibbles, value 8 j + k (k < 4) in the low nibble of byte k of word j, value
     * 8 j + 4 + k in the high one. Halves: d, dmin. Activations, for each sub-block: [by words and nibbles, / a nibble's place in 16
     * bits: 32 | -1 * the sum of x].
     */
    private static final class Groups extends RowGroups {
        private static final int PREPARED = 32 + 1;
        /** Which value has nibble i of its word, eight values a word. */
        private static final VectorShuffle<Float> BY_NIBBLE = VectorShuffle.fromOp(FLOATS, i -> i / 8 * 8 + i % 8 / 2 + i % 2 * 4);
        private static final int WORDS_AT = 2 * HALVES + 3 * WORDS;
        /** Of scales and minima, to the next sub-block's; and to the next group's. */
        private static final int PAIR = 2 * ROWS, GROUP = 8 * PAIR;
        private static final IntVector SIX = IntVector.broadcast(INTS, 0x3F3F3F3F);
        private static final IntVector FOUR = IntVector.broadcast(INTS, 0x0F0F0F0F);
        private static final IntVector TWO = IntVector.broadcast(INTS, 0x30303030);

        Groups(Codec codec) {
            super(codec, 3 + 32, 0, 0, 2);
        }

        @Override int word(MemorySegment block, long at, int i) {
            if (i < 3) return i32(block, at + 4 + 4 * i);
            int s = (i - 3) / 4, shift = s % 2 * 4;
            long qs = at + 16 + s / 2 * 32 + (i - 3) % 4 * 8;
            return i32(block, qs) >>> shift & 0x0F0F0F0F | (i32(block, qs + 4) >>> shift & 0x0F0F0F0F) << 4;
        }

        @Override public int preparedSize(int n) {
            return n / 32 * PREPARED;
        }

        @Override public void prepare(float[] dst, float[] x, int xAt, int n) {
            for (int i = 0, at = 0; i < n; i += 32, at += PREPARED) {
                FloatVector sum = zero();
                for (int j = 0; j < 32; j += COUNT) {
                    FloatVector v = Lanes.f32(x, xAt + i + j);
                    layNibbles(dst, at + j, v.rearrange(BY_NIBBLE));
                    sum = sum.add(v);
                }
                dst[at + 32] = -ByteColumns.ONE * Lanes.sum(sum);
            }
        }

        @Override public void decode(MemorySegment w, long at, int first, float[] dst, int dstAt, int step, int n, float[] factors) {
            at += 144L * ROWS * first;
            for (int i = 0; i < n; i += 256) {
                dotFactors(factors, 0, w, at);
                at += WORDS_AT;
                int f = 0;
                for (int turn = 1; turn < 1 << 8; turn <<= 1) { // shifted, not counted: see BlockCodec
                    FloatVector scale = fromArray(FLOATS, factors, f), minimum = fromArray(FLOATS, factors, f + ROWS);
                    for (int word = 1; word < 1 << 4; word <<= 1) {
                        IntVector q = Lanes.i32(w, at);
                        for (int b = 1; b < 1 << 4; b <<= 1) {
                            toFloat(q.and(15)).mul(scale).sub(minimum).intoArray(dst, dstAt);
                            toFloat(q.lanewise(LSHR, 4).and(15)).mul(scale).sub(minimum).intoArray(dst, dstAt + 4 * step);
                            q = q.lanewise(LSHR, 8);
                            dstAt += step;
                        }
                        at += WORDS;
                        dstAt += 4 * step;
                    }
                    f += PAIR;
                }
            }
        }

        private static void dotFactors(float[] factors, MemorySegment w, long at, long step) {
            for (int g = 0; g < GROUPS; g++) dotFactors(factors, GROUP * g, w, at + g * step);
        }

        /** {@code factors[to + PAIR s + r] = d * scale s} of row r, and ROWS further on {@code dmin * minimum s}. */
        private static void dotFactors(float[] factors, int to, MemorySegment w, long at) {
            IntVector a = fromMemorySegment(INTS, w, at + 2 * HALVES, LITTLE_ENDIAN);
            IntVector b = fromMemorySegment(INTS, w, at + 2 * HALVES + WORDS, LITTLE_ENDIAN);
            IntVector c = fromMemorySegment(INTS, w, at + 2 * HALVES + 2 * WORDS, LITTLE_ENDIAN);
            FloatVector d = halves(w, at), dmin = halves(w, at + HALVES);
            IntVector scales = a.and(SIX), minima = b.and(SIX);
            for (int turn = 1; turn < 1 << 2; turn <<= 1) { // shifted, not counted: see BlockCodec
                for (int four = 1; four < 1 << 4; four <<= 1) {
                    ((FloatVector) scales.and(63).convert(I2F, 0)).mul(d).intoArray(factors, to);
                    ((FloatVector) minima.and(63).convert(I2F, 0)).mul(dmin).intoArray(factors, to + ROWS);
                    scales = scales.lanewise(LSHR, 8);
                    minima = minima.lanewise(LSHR, 8);
                    to += PAIR;
                }
                scales = c.and(FOUR).or(a.lanewise(LSHR, 2).and(TWO));
                minima = c.lanewise(LSHR, 4).and(FOUR).or(b.lanewise(LSHR, 2).and(TWO));
            }
        }

        @Override void dots(float[] y, int yAt, int yStep, MemorySegment w, long at, long step, float[] x, int n, float[] factors) {
            FloatVector a0 = zero(), a1 = zero(), a2 = zero(), a3 = zero();
            int p = 0;
            for (int i = 0; i < n; i += 256) {
                dotFactors(factors, w, at, step);
                int f = 0;
                at += WORDS_AT;
                for (int turn = 1; turn < 1 << 8; turn <<= 1) { // shifted, not counted: see BlockCodec
                    FloatVector s0 = zero(), s1 = zero(), s2 = zero(), s3 = zero();
                    FloatVector t0 = zero(), t1 = zero(), t2 = zero(), t3 = zero();
                    for (int word = 1; word < 1 << 4; word <<= 1) {
                        IntVector q0 = fromMemorySegment(INTS, w, at, LITTLE_ENDIAN);
                        IntVector q1 = fromMemorySegment(INTS, w, at + step, LITTLE_ENDIAN);
                        IntVector q2 = fromMemorySegment(INTS, w, at + 2 * step, LITTLE_ENDIAN);
                        IntVector q3 = fromMemorySegment(INTS, w, at + 3 * step, LITTLE_ENDIAN);
                        FloatVector v = broadcast(FLOATS, x[p]);
                        p = p + 1 & PLACE;
                        s0 = numbers(q0.and(LOW)).fma(v, s0);
                        s1 = numbers(q1.and(LOW)).fma(v, s1);
                        s2 = numbers(q2.and(LOW)).fma(v, s2);
                        s3 = numbers(q3.and(LOW)).fma(v, s3);
                        v = broadcast(FLOATS, x[p]);
                        p = p + 1 & PLACE;
                        t0 = numbers(q0.and(HIGH)).fma(v, t0);
                        t1 = numbers(q1.and(HIGH)).fma(v, t1);
                        t2 = numbers(q2.and(HIGH)).fma(v, t2);
                        t3 = numbers(q3.and(HIGH)).fma(v, t3);
                        v = broadcast(FLOATS, x[p]);
                        p = p + 1 & PLACE;
                        s0 = numbers(q0.and(LOW_1)).fma(v, s0);
                        s1 = numbers(q1.and(LOW_1)).fma(v, s1);
                        s2 = numbers(q2.and(LOW_1)).fma(v, s2);
                        s3 = numbers(q3.and(LOW_1)).fma(v, s3);
                        v = broadcast(FLOATS, x[p]);
                        p = p + 1 & PLACE;
                        t0 = numbers(q0.and(HIGH_1)).fma(v, t0);
                        t1 = numbers(q1.and(HIGH_1)).fma(v, t1);
                        t2 = numbers(q2.and(HIGH_1)).fma(v, t2);
                        t3 = numbers(q3.and(HIGH_1)).fma(v, t3);
                        q0 = q0.lanewise(LSHR, 16);
                        q1 = q1.lanewise(LSHR, 16);
                        q2 = q2.lanewise(LSHR, 16);
                        q3 = q3.lanewise(LSHR, 16);
                        v = broadcast(FLOATS, x[p]);
                        p = p + 1 & PLACE;
                        s0 = numbers(q0.and(LOW)).fma(v, s0);
                        s1 = numbers(q1.and(LOW)).fma(v, s1);
                        s2 = numbers(q2.and(LOW)).fma(v, s2);
                        s3 = numbers(q3.and(LOW)).fma(v, s3);
                        v = broadcast(FLOATS, x[p]);
                        p = p + 1 & PLACE;
                        t0 = numbers(q0.and(HIGH)).fma(v, t0);
                        t1 = numbers(q1.and(HIGH)).fma(v, t1);
                        t2 = numbers(q2.and(HIGH)).fma(v, t2);
                        t3 = numbers(q3.and(HIGH)).fma(v, t3);
                        v = broadcast(FLOATS, x[p]);
                        p = p + 1 & PLACE;
                        s0 = numbers(q0.and(LOW_1)).fma(v, s0);
                        s1 = numbers(q1.and(LOW_1)).fma(v, s1);
                        s2 = numbers(q2.and(LOW_1)).fma(v, s2);
                        s3 = numbers(q3.and(LOW_1)).fma(v, s3);
                        v = broadcast(FLOATS, x[p]);
                        p = p + 1 & PLACE;
                        t0 = numbers(q0.and(HIGH_1)).fma(v, t0);
                        t1 = numbers(q1.and(HIGH_1)).fma(v, t1);
                        t2 = numbers(q2.and(HIGH_1)).fma(v, t2);
                        t3 = numbers(q3.and(HIGH_1)).fma(v, t3);
                        at += WORDS;
                    }
                    FloatVector sum = broadcast(FLOATS, x[p]);
                    p = p + 1 & PLACE;
                    a0 = s0.add(t0).fma(fromArray(FLOATS, factors, f), sum.fma(fromArray(FLOATS, factors, f + ROWS), a0));
                    a1 = s1.add(t1).fma(fromArray(FLOATS, factors, f + GROUP), sum.fma(fromArray(FLOATS, factors, f + GROUP + ROWS), a1));
                    a2 = s2.add(t2).fma(fromArray(FLOATS, factors, f + 2 * GROUP), sum.fma(fromArray(FLOATS, factors, f + 2 * GROUP + ROWS), a2));
                    a3 = s3.add(t3).fma(fromArray(FLOATS, factors, f + 3 * GROUP), sum.fma(fromArray(FLOATS, factors, f + 3 * GROUP + ROWS), a3));
                    f = f + PAIR & PLACE;
                }
            }
            a0.mul(ByteColumns.SCALE).intoArray(y, yAt);
            a1.mul(ByteColumns.SCALE).intoArray(y, yAt + yStep);
            a2.mul(ByteColumns.SCALE).intoArray(y, yAt + 2 * yStep);
            a3.mul(ByteColumns.SCALE).intoArray(y, yAt + 3 * yStep);
        }
    }
}
