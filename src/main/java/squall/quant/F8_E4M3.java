package squall.quant;

import static squall.quant.LittleEndian.u8;

import java.lang.foreign.MemorySegment;

/**
 * Eight-bit float of safetensors (E4M3FN): no infinities, the largest finite value is 448, 0x7F and 0xFF are NaN.
 * <pre>
 * | sign 1 | e 4 | m 3 |    value = e == 0 ? m * 2^-9 : (1 + m/8) * 2^(e-7)
 * </pre>
 * The scale grid that goes with a matrix is a tensor of its own and is not applied here.
 */
final class F8_E4M3 extends BlockCodec {
    F8_E4M3() {
        super(1, 1);
    }

    @Override public float at(MemorySegment w, long offsetBytes, int i) {
        int b = u8(w, offsetBytes + i);
        int e = b >> 3 & 15, m = b & 7;
        if (e == 15 && m == 7) return Float.NaN;
        float magnitude = e == 0 ? m * 0x1p-9f : (1 + m / 8f) * Math.scalb(1f, e - 7);
        return b < 128 ? magnitude : -magnitude;
    }
}
