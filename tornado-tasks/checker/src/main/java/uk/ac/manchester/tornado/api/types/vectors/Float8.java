package uk.ac.manchester.tornado.api.types.vectors;

import java.nio.FloatBuffer;
import java.util.Arrays;

/** 8 floats in registers. */
public final class Float8 implements TornadoVectorsInterface<FloatBuffer> {

    private final float[] lanes = new float[8];

    public Float8() {
    }

    public Float8(float s0, float s1, float s2, float s3, float s4, float s5, float s6, float s7) {
        lanes[0] = s0;
        lanes[1] = s1;
        lanes[2] = s2;
        lanes[3] = s3;
        lanes[4] = s4;
        lanes[5] = s5;
        lanes[6] = s6;
        lanes[7] = s7;
    }

    public static Float8 add(Float8 a, Float8 b) {
        Float8 result = new Float8();
        for (int i = 0; i < 8; i++) {
            result.lanes[i] = a.lanes[i] + b.lanes[i];
        }
        return result;
    }

    public static Float8 sub(Float8 a, Float8 b) {
        Float8 result = new Float8();
        for (int i = 0; i < 8; i++) {
            result.lanes[i] = a.lanes[i] - b.lanes[i];
        }
        return result;
    }

    public static Float8 mult(Float8 a, Float8 b) {
        Float8 result = new Float8();
        for (int i = 0; i < 8; i++) {
            result.lanes[i] = a.lanes[i] * b.lanes[i];
        }
        return result;
    }

    public static Float8 div(Float8 a, Float8 b) {
        Float8 result = new Float8();
        for (int i = 0; i < 8; i++) {
            result.lanes[i] = a.lanes[i] / b.lanes[i];
        }
        return result;
    }

    public static Float8 min(Float8 a, Float8 b) {
        Float8 result = new Float8();
        for (int i = 0; i < 8; i++) {
            result.lanes[i] = Math.min(a.lanes[i], b.lanes[i]);
        }
        return result;
    }

    public static Float8 max(Float8 a, Float8 b) {
        Float8 result = new Float8();
        for (int i = 0; i < 8; i++) {
            result.lanes[i] = Math.max(a.lanes[i], b.lanes[i]);
        }
        return result;
    }

    public static Float8 add(Float8 a, float b) {
        Float8 result = new Float8();
        for (int i = 0; i < 8; i++) {
            result.lanes[i] = a.lanes[i] + b;
        }
        return result;
    }

    public static Float8 sub(Float8 a, float b) {
        Float8 result = new Float8();
        for (int i = 0; i < 8; i++) {
            result.lanes[i] = a.lanes[i] - b;
        }
        return result;
    }

    public static Float8 mult(Float8 a, float b) {
        Float8 result = new Float8();
        for (int i = 0; i < 8; i++) {
            result.lanes[i] = a.lanes[i] * b;
        }
        return result;
    }

    public static Float8 div(Float8 a, float b) {
        Float8 result = new Float8();
        for (int i = 0; i < 8; i++) {
            result.lanes[i] = a.lanes[i] / b;
        }
        return result;
    }

    public static Float8 sqrt(Float8 a) {
        Float8 result = new Float8();
        for (int i = 0; i < 8; i++) {
            result.lanes[i] = (float) Math.sqrt(a.lanes[i]);
        }
        return result;
    }

    public static float min(Float8 a) {
        float result = a.lanes[0];
        for (float lane : a.lanes) {
            result = Math.min(result, lane);
        }
        return result;
    }

    public static float max(Float8 a) {
        float result = a.lanes[0];
        for (float lane : a.lanes) {
            result = Math.max(result, lane);
        }
        return result;
    }

    public static float dot(Float8 a, Float8 b) {
        float sum = 0f;
        for (int i = 0; i < 8; i++) {
            sum += a.lanes[i] * b.lanes[i];
        }
        return sum;
    }

    public static boolean isEqual(Float8 a, Float8 b) {
        return Arrays.equals(a.lanes, b.lanes);
    }

    public float get(int index) {
        return lanes[index];
    }

    public void set(int index, float value) {
        lanes[index] = value;
    }

    public void set(Float8 other) {
        System.arraycopy(other.lanes, 0, lanes, 0, 8);
    }

    public float getS0() {
        return lanes[0];
    }

    public void setS0(float value) {
        lanes[0] = value;
    }

    public float getS1() {
        return lanes[1];
    }

    public void setS1(float value) {
        lanes[1] = value;
    }

    public float getS2() {
        return lanes[2];
    }

    public void setS2(float value) {
        lanes[2] = value;
    }

    public float getS3() {
        return lanes[3];
    }

    public void setS3(float value) {
        lanes[3] = value;
    }

    public float getS4() {
        return lanes[4];
    }

    public void setS4(float value) {
        lanes[4] = value;
    }

    public float getS5() {
        return lanes[5];
    }

    public void setS5(float value) {
        lanes[5] = value;
    }

    public float getS6() {
        return lanes[6];
    }

    public void setS6(float value) {
        lanes[6] = value;
    }

    public float getS7() {
        return lanes[7];
    }

    public void setS7(float value) {
        lanes[7] = value;
    }

    public Float4 getLow() {
        return new Float4(lanes[0], lanes[1], lanes[2], lanes[3]);
    }

    public Float4 getHigh() {
        return new Float4(lanes[4], lanes[5], lanes[6], lanes[7]);
    }

    public Float8 duplicate() {
        Float8 copy = new Float8();
        copy.set(this);
        return copy;
    }

    public float[] getArray() {
        return lanes;
    }

    public float[] toArray() {
        return lanes.clone();
    }

    @Override
    public void loadFromBuffer(FloatBuffer buffer) {
        buffer.get(lanes);
    }

    @Override
    public FloatBuffer asBuffer() {
        return FloatBuffer.wrap(lanes);
    }

    @Override
    public int size() {
        return 8;
    }

    @Override
    public long getNumBytes() {
        return 32;
    }

    @Override
    public String toString() {
        return Arrays.toString(lanes);
    }
}
