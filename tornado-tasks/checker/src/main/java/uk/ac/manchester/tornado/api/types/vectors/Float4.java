package uk.ac.manchester.tornado.api.types.vectors;

import java.nio.FloatBuffer;
import java.util.Arrays;

/** 4 floats in registers. */
public final class Float4 implements TornadoVectorsInterface<FloatBuffer> {

    private final float[] lanes = new float[4];

    public Float4() {
    }

    public Float4(float x, float y, float z, float w) {
        lanes[0] = x;
        lanes[1] = y;
        lanes[2] = z;
        lanes[3] = w;
    }

    public static Float4 add(Float4 a, Float4 b) {
        Float4 result = new Float4();
        for (int i = 0; i < 4; i++) {
            result.lanes[i] = a.lanes[i] + b.lanes[i];
        }
        return result;
    }

    public static Float4 sub(Float4 a, Float4 b) {
        Float4 result = new Float4();
        for (int i = 0; i < 4; i++) {
            result.lanes[i] = a.lanes[i] - b.lanes[i];
        }
        return result;
    }

    public static Float4 mult(Float4 a, Float4 b) {
        Float4 result = new Float4();
        for (int i = 0; i < 4; i++) {
            result.lanes[i] = a.lanes[i] * b.lanes[i];
        }
        return result;
    }

    public static Float4 div(Float4 a, Float4 b) {
        Float4 result = new Float4();
        for (int i = 0; i < 4; i++) {
            result.lanes[i] = a.lanes[i] / b.lanes[i];
        }
        return result;
    }

    public static Float4 min(Float4 a, Float4 b) {
        Float4 result = new Float4();
        for (int i = 0; i < 4; i++) {
            result.lanes[i] = Math.min(a.lanes[i], b.lanes[i]);
        }
        return result;
    }

    public static Float4 max(Float4 a, Float4 b) {
        Float4 result = new Float4();
        for (int i = 0; i < 4; i++) {
            result.lanes[i] = Math.max(a.lanes[i], b.lanes[i]);
        }
        return result;
    }

    public static Float4 add(Float4 a, float b) {
        Float4 result = new Float4();
        for (int i = 0; i < 4; i++) {
            result.lanes[i] = a.lanes[i] + b;
        }
        return result;
    }

    public static Float4 sub(Float4 a, float b) {
        Float4 result = new Float4();
        for (int i = 0; i < 4; i++) {
            result.lanes[i] = a.lanes[i] - b;
        }
        return result;
    }

    public static Float4 mult(Float4 a, float b) {
        Float4 result = new Float4();
        for (int i = 0; i < 4; i++) {
            result.lanes[i] = a.lanes[i] * b;
        }
        return result;
    }

    public static Float4 div(Float4 a, float b) {
        Float4 result = new Float4();
        for (int i = 0; i < 4; i++) {
            result.lanes[i] = a.lanes[i] / b;
        }
        return result;
    }

    public static Float4 sqrt(Float4 a) {
        Float4 result = new Float4();
        for (int i = 0; i < 4; i++) {
            result.lanes[i] = (float) Math.sqrt(a.lanes[i]);
        }
        return result;
    }

    public static float min(Float4 a) {
        float result = a.lanes[0];
        for (float lane : a.lanes) {
            result = Math.min(result, lane);
        }
        return result;
    }

    public static float max(Float4 a) {
        float result = a.lanes[0];
        for (float lane : a.lanes) {
            result = Math.max(result, lane);
        }
        return result;
    }

    public static float dot(Float4 a, Float4 b) {
        float sum = 0f;
        for (int i = 0; i < 4; i++) {
            sum += a.lanes[i] * b.lanes[i];
        }
        return sum;
    }

    public static float sum(Float4 a) {
        return a.lanes[0] + a.lanes[1] + a.lanes[2] + a.lanes[3];
    }

    public static boolean isEqual(Float4 a, Float4 b) {
        return Arrays.equals(a.lanes, b.lanes);
    }

    public float get(int index) {
        return lanes[index];
    }

    public void set(int index, float value) {
        lanes[index] = value;
    }

    public void set(Float4 other) {
        System.arraycopy(other.lanes, 0, lanes, 0, 4);
    }

    public float getX() {
        return lanes[0];
    }

    public void setX(float value) {
        lanes[0] = value;
    }

    public float getY() {
        return lanes[1];
    }

    public void setY(float value) {
        lanes[1] = value;
    }

    public float getZ() {
        return lanes[2];
    }

    public void setZ(float value) {
        lanes[2] = value;
    }

    public float getW() {
        return lanes[3];
    }

    public void setW(float value) {
        lanes[3] = value;
    }

    public Float4 duplicate() {
        Float4 copy = new Float4();
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
        return 4;
    }

    @Override
    public long getNumBytes() {
        return 16;
    }

    @Override
    public String toString() {
        return Arrays.toString(lanes);
    }
}
