package squall.tornado.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Arrays;
import java.util.BitSet;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import squall.ops.Routing;
import squall.tornado.Chosen;
import squall.tornado.Region;
import squall.tornado.Rig;
import squall.tornado.TestDevice;
import squall.tornado.Traits;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** The choice of experts against its definition. */
class RouterTest {
    private static Chosen chosen(Rig rig, int used) {
        IntArray ids = new IntArray(Rig.BUCKET * used);
        ids.init(-1);
        return new Chosen(ids, rig.region(used), used);
    }

    @ParameterizedTest @CsvSource({"GROUPS, 512, 10, NORMALISED, 0", "GROUPS, 512, 10, RAW, 1", "GROUPS, 128, 8, NORMALISED, 0", "GROUPS, 5, 5, RAW, 0",
        "GROUPS, 70, 1, NORMALISED, 1", "WARPS, 512, 10, NORMALISED, 0", "WARPS, 300, 10, RAW, 1", "WARPS, 256, 8, NORMALISED, 1", "WARPS, 5, 5, RAW, 0"})
    void choosesTheLargest(Traits.Shape shape, int experts, int used, Routing.Weights kind, int shared) {
        assumeTrue(shape != Traits.Shape.WARPS || TestDevice.hasWarps(), "the backend has no warps");
        Rig rig = new Rig(experts, 0, new Traits(shape, 64, false));
        rig.plan(new int[] {0, 0, 5});
        Region logits = rig.region(experts);
        // few different values, so that there are ties
        for (int r = 0; r < 5; r++) for (int e = 0; e < experts; e++) rig.set(logits, r, e, rig.random.nextInt(40) / 8f);
        Chosen chosen = chosen(rig, used + shared);
        Region scalar = shared == 0 ? null : rig.region(1);
        rig.changing(chosen.ids()).play(tape -> Router.record(tape, chosen, logits, experts, kind, scalar));
        for (int r = 0; r < 5; r++) {
            double[] p = rig.row(logits, r);
            double max = Arrays.stream(p).max().orElseThrow();
            for (int e = 0; e < experts; e++) p[e] = Math.exp(p[e] - max);
            double divisor = Arrays.stream(p).sum();
            double[] weights = new double[used + shared];
            for (int j = 0; j < used; j++) {
                int best = 0;
                for (int e = 1; e < experts; e++) if (p[e] > p[best]) best = e;
                assertEquals(best, chosen.ids().get(r * (used + shared) + j), "row " + r + ", place " + j);
                weights[j] = p[best];
                p[best] = -1;
            }
            if (kind == Routing.Weights.NORMALISED) divisor = Arrays.stream(weights).sum();
            for (int j = 0; j < used; j++) weights[j] /= divisor;
            if (shared == 1) {
                assertEquals(experts, chosen.ids().get(r * (used + 1) + used));
                weights[used] = Definitions.sigmoid(rig.get(scalar, r, 0));
            }
            rig.expect(chosen.weights(), r, weights, 1e-6);
        }
        for (int i = 5 * (used + shared); i < chosen.ids().getSize(); i++) assertEquals(-1, chosen.ids().get(i));
        rig.nothingElseChanged();
    }

    @ParameterizedTest @EnumSource(names = {"GROUPS", "WARPS"}) void notANumberStillGivesDifferentExperts(Traits.Shape shape) {
        assumeTrue(shape != Traits.Shape.WARPS || TestDevice.hasWarps(), "the backend has no warps");
        Rig rig = new Rig(1, 0, new Traits(shape, 64, false));
        rig.plan(new int[] {0, 0, 3});
        int experts = 100;
        Region logits = rig.region(experts);
        for (int e = 0; e < experts; e++) {
            rig.set(logits, 0, e, Float.NaN);
            if (e % 3 == 0) rig.set(logits, 1, e, Float.NaN);
            rig.set(logits, 2, e, Float.NEGATIVE_INFINITY);
        }
        Chosen chosen = chosen(rig, 8);
        rig.changing(chosen.ids()).play(tape -> Router.record(tape, chosen, logits, experts, Routing.Weights.NORMALISED, null));
        for (int r = 0; r < 3; r++) {
            BitSet found = new BitSet();
            for (int j = 0; j < 8; j++) {
                int id = chosen.ids().get(r * 8 + j);
                assertTrue(id >= 0 && id < experts, "expert " + id);
                found.set(id);
            }
            assertEquals(8, found.cardinality());
            rig.scratch(chosen.weights(), r, 0, 8);
        }
        rig.nothingElseChanged();
    }
}
