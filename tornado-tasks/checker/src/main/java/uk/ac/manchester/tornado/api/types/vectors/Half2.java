package uk.ac.manchester.tornado.api.types.vectors;

import java.nio.ShortBuffer;
import uk.ac.manchester.tornado.api.types.HalfFloat;

/** Two half-precision numbers in one register. CUDA only. */
public final class Half2 implements TornadoVectorsInterface<ShortBuffer> {

    private HalfFloat x;
    private HalfFloat y;

    public Half2() {
        this(new HalfFloat((short) 0), new HalfFloat((short) 0));
    }

    public Half2(HalfFloat x, HalfFloat y) {
        this.x = x;
        this.y = y;
    }

    public static Half2 add(Half2 a, Half2 b) {
        return new Half2(HalfFloat.add(a.x, b.x), HalfFloat.add(a.y, b.y));
    }

    public static Half2 add(Half2 a, HalfFloat b) {
        return add(a, new Half2(b, b));
    }

    public static Half2 sub(Half2 a, Half2 b) {
        return new Half2(HalfFloat.sub(a.x, b.x), HalfFloat.sub(a.y, b.y));
    }

    public static Half2 sub(Half2 a, HalfFloat b) {
        return sub(a, new Half2(b, b));
    }

    public static Half2 mult(Half2 a, Half2 b) {
        return new Half2(HalfFloat.mult(a.x, b.x), HalfFloat.mult(a.y, b.y));
    }

    public static Half2 mult(Half2 a, HalfFloat b) {
        return mult(a, new Half2(b, b));
    }

    public static Half2 div(Half2 a, Half2 b) {
        return new Half2(HalfFloat.div(a.x, b.x), HalfFloat.div(a.y, b.y));
    }

    public static Half2 div(Half2 a, HalfFloat b) {
        return div(a, new Half2(b, b));
    }

    /** {@code a * b + c}, each lane rounded once. */
    public static Half2 fma(Half2 a, Half2 b, Half2 c) {
        return new Half2(new HalfFloat(Math.fma(a.x.getFloat32(), b.x.getFloat32(), c.x.getFloat32())),
                new HalfFloat(Math.fma(a.y.getFloat32(), b.y.getFloat32(), c.y.getFloat32())));
    }

    public static float lowFloat(Half2 a) {
        return a.x.getFloat32();
    }

    public static float highFloat(Half2 a) {
        return a.y.getFloat32();
    }

    public static Half2 fromFloats(float low, float high) {
        return new Half2(new HalfFloat(low), new HalfFloat(high));
    }

    public static HalfFloat dot(Half2 a, Half2 b) {
        return HalfFloat.add(HalfFloat.mult(a.x, b.x), HalfFloat.mult(a.y, b.y));
    }

    public HalfFloat get(int index) {
        return index == 0 ? x : y;
    }

    public HalfFloat getX() {
        return x;
    }

    public void setX(HalfFloat value) {
        x = value;
    }

    public HalfFloat getY() {
        return y;
    }

    public void setY(HalfFloat value) {
        y = value;
    }

    @Override
    public void loadFromBuffer(ShortBuffer buffer) {
        x = new HalfFloat(buffer.get());
        y = new HalfFloat(buffer.get());
    }

    @Override
    public ShortBuffer asBuffer() {
        return ShortBuffer.wrap(new short[] {x.getHalfFloatValue(), y.getHalfFloatValue()});
    }

    @Override
    public int size() {
        return 2;
    }

    @Override
    public long getNumBytes() {
        return 4;
    }
}
