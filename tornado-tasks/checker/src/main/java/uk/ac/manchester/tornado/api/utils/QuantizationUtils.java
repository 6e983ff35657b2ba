package uk.ac.manchester.tornado.api.utils;

import uk.ac.manchester.tornado.api.types.arrays.Int8Array;

/** Dot products of four signed bytes; one instruction on CUDA and PTX, refused by OpenCL. */
public class QuantizationUtils {

    /** {@code c + sum a[offsetA + i] * b[offsetB + i]}, i below four. */
    public static int dp4a(Int8Array a, long offsetA, Int8Array b, long offsetB, int c) {
        int sum = c;
        for (int i = 0; i < 4; i++) {
            sum += a.get((int) offsetA + i) * b.get((int) offsetB + i);
        }
        return sum;
    }

    public static int dp4a(Int8Array a, long offsetA, byte[] b, long offsetB, int c) {
        int sum = c;
        for (int i = 0; i < 4; i++) {
            sum += a.get((int) offsetA + i) * b[(int) offsetB + i];
        }
        return sum;
    }

    /** The same with the four bytes of each operand in one int, lowest first. */
    public static int dp4a_packed(int a, int b, int c) {
        int sum = c;
        for (int shift = 0; shift < 32; shift += 8) {
            sum += (byte) (a >> shift) * (byte) (b >> shift);
        }
        return sum;
    }

    public static float dequantizeFusedResult(int dot, float scaleA, float scaleB) {
        return dot * scaleA * scaleB;
    }
}
