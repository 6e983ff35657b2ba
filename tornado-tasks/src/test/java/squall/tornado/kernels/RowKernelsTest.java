package squall.tornado.kernels;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import squall.ops.HeadShape;
import squall.tornado.Region;
import squall.tornado.Rig;
import squall.tornado.Small;
import squall.tornado.TestDevice;
import squall.tornado.Traits;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/** Norms and element-wise operations against their definitions. */
class RowKernelsTest {
    private static final Traits TRAITS = new Traits(Traits.Shape.GROUPS, 64, false);
    private static final double TOLERANCE = 1e-6;

    private static Rig rig(long seed) {
        return rig(seed, TRAITS.shape());
    }

    private static Rig rig(long seed, Traits.Shape shape) {
        Rig rig = new Rig(seed, 2, new Traits(shape, 64, false));
        rig.plan(new int[] {1, 3, 4}, new int[] {0, 0, 1});
        return rig;
    }

    @ParameterizedTest @CsvSource({"GROUPS, 1", "GROUPS, 7", "GROUPS, 64", "GROUPS, 65", "GROUPS, 300", "GROUPS, 1024", "WARPS, 1", "WARPS, 65",
        "WARPS, 300", "WARPS, 1024", "WARPS, 2560", "WARPS, 4100"})
    void rowNorm(Traits.Shape shape, int width) {
        assumeTrue(shape != Traits.Shape.WARPS || TestDevice.hasWarps(), "the backend has no warps");
        Rig rig = rig(width, shape);
        Region x = rig.region(width);
        Region y = rig.region(width);
        Small weight = rig.small(width);
        rig.play(tape -> RowNorm.record(tape, y, x, weight, 1e-6f), weight.array());
        for (int r = 0; r < rig.rows(); r++) rig.expect(y, r, normed(rig, rig.row(x, r), weight), TOLERANCE);
        rig.nothingElseChanged();
    }

    @ParameterizedTest @EnumSource(names = {"GROUPS", "WARPS"}) void rowNormInPlace(Traits.Shape shape) {
        assumeTrue(shape != Traits.Shape.WARPS || TestDevice.hasWarps(), "the backend has no warps");
        Rig rig = rig(2, shape);
        Region x = rig.region(100);
        Small weight = rig.small(100);
        rig.play(tape -> RowNorm.record(tape, x, x, weight, 0.1f), weight.array());
        for (int r = 0; r < rig.rows(); r++) {
            double[] before = rig.rowBefore(x, r);
            double scale = Definitions.normScale(before, 0, 100, 0.1);
            for (int i = 0; i < 100; i++) before[i] *= scale * rig.weight(weight, i);
            rig.expect(x, r, before, TOLERANCE);
        }
        rig.nothingElseChanged();
    }

    private static double[] normed(Rig rig, double[] x, Small weight) {
        double scale = Definitions.normScale(x, 0, x.length, 1e-6);
        for (int i = 0; i < x.length; i++) x[i] *= scale * rig.weight(weight, i);
        return x;
    }

    @ParameterizedTest @ValueSource(ints = {1, 13, 128}) void add(int width) {
        Rig rig = rig(width);
        Region x = rig.region(width);
        Region y = rig.region(width);
        rig.play(tape -> Elementwise.add(tape, x, y));
        for (int r = 0; r < rig.rows(); r++) {
            double[] sum = rig.rowBefore(x, r);
            for (int i = 0; i < width; i++) sum[i] += rig.get(y, r, i);
            rig.expect(x, r, sum, TOLERANCE);
        }
        rig.nothingElseChanged();
    }

    @Test void siluMulOverTwoPartsOfOneRow() {
        Rig rig = rig(5);
        Region both = rig.region(2 * 77);
        Region h = Rig.part(both, 0, 77);
        Region u = Rig.part(both, 77, 77);
        rig.set(h, 1, 3, -120f);
        rig.set(h, 1, 4, 120f);
        rig.play(tape -> Elementwise.siluMul(tape, h, u));
        for (int r = 0; r < rig.rows(); r++) {
            double[] y = rig.rowBefore(h, r);
            for (int i = 0; i < y.length; i++) y[i] *= Definitions.sigmoid(y[i]) * rig.get(u, r, i);
            rig.expect(h, r, y, TOLERANCE);
        }
        rig.nothingElseChanged();
    }

    @Test void sigmoidMulReadsTheGateBehindEachHead() {
        Rig rig = rig(6);
        HeadShape gate = new HeadShape(3, 20, 40, 20);
        Region y = rig.region(60);
        Region projected = rig.region(120);
        rig.play(tape -> Elementwise.sigmoidMul(tape, y, projected, gate));
        for (int r = 0; r < rig.rows(); r++) {
            double[] out = rig.rowBefore(y, r);
            for (int i = 0; i < out.length; i++) out[i] *= Definitions.sigmoid(rig.get(projected, r, 20 + i / 20 * 40 + i % 20));
            rig.expect(y, r, out, TOLERANCE);
        }
        rig.nothingElseChanged();
    }

    @Test void addGated() {
        Rig rig = rig(7);
        Region x = rig.region(50);
        Region y = rig.region(50);
        Region g = rig.region(1);
        rig.play(tape -> Elementwise.addGated(tape, x, y, g));
        for (int r = 0; r < rig.rows(); r++) {
            double[] sum = rig.rowBefore(x, r);
            for (int i = 0; i < sum.length; i++) sum[i] += Definitions.sigmoid(rig.get(g, r, 0)) * rig.get(y, r, i);
            rig.expect(x, r, sum, TOLERANCE);
        }
        rig.nothingElseChanged();
    }

    @Test void gather() {
        Rig rig = rig(8);
        Region x = rig.region(33);
        Region y = rig.region(33);
        int[] wanted = {1, 4, 17};
        rig.outputs(wanted);
        rig.play(tape -> Elementwise.gather(tape, y, x));
        for (int i = 0; i < wanted.length; i++) rig.expect(y, i, rig.row(x, wanted[i]), 0);
        rig.nothingElseChanged();
    }

    @ParameterizedTest @ValueSource(ints = {0, 2, 3, 5}) void headNormRope(int frequencies) {
        Rig rig = rig(9 + frequencies);
        HeadShape shape = new HeadShape(3, 11, 22, 0);
        Region x = rig.region(66);
        Region y = rig.region(33);
        Small weight = rig.small(11);
        FloatArray angles = rig.floats(Math.max(1, 20 * 2 * frequencies));
        rig.play(tape -> HeadNormRope.record(tape, y, x, shape, weight, 1e-6f, angles, frequencies), weight.array(), angles);
        for (int r = 0; r < rig.rows(); r++)
            rig.expect(y, r, rotated(rig, rig.row(x, r), shape, weight, angles, frequencies, r < 4 ? 3 + r : 0), TOLERANCE);
        rig.nothingElseChanged();
    }

    @Test void headNormRopeInPlace() {
        Rig rig = rig(10);
        Region x = rig.region(2 * 128);
        HeadShape shape = HeadShape.packed(2, 128);
        Small weight = rig.small(128);
        FloatArray angles = rig.floats(20 * 128);
        rig.play(tape -> HeadNormRope.record(tape, x, x, shape, weight, 1e-6f, angles, 64), weight.array(), angles);
        for (int r = 0; r < rig.rows(); r++)
            rig.expect(x, r, rotated(rig, rig.rowBefore(x, r), shape, weight, angles, 64, r < 4 ? 3 + r : 0), TOLERANCE);
        rig.nothingElseChanged();
    }

    static double[] rotated(Rig rig, double[] x, HeadShape shape, Small weight, FloatArray angles, int frequencies, int position) {
        double[] y = new double[shape.heads() * shape.dim()];
        for (int h = 0; h < shape.heads(); h++) {
            int from = shape.offset() + h * shape.stride();
            int to = h * shape.dim();
            double scale = Definitions.normScale(x, from, shape.dim(), 1e-6);
            for (int i = 0; i < shape.dim(); i++) y[to + i] = x[from + i] * scale * rig.weight(weight, i);
            for (int j = 0; j < frequencies; j++) {
                double cosine = angles.get(position * 2 * frequencies + j);
                double sine = angles.get(position * 2 * frequencies + frequencies + j);
                double a = y[to + j];
                double b = y[to + frequencies + j];
                y[to + j] = a * cosine - b * sine;
                y[to + frequencies + j] = b * cosine + a * sine;
            }
        }
        return y;
    }
}
