package squall.tornado.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import squall.ops.HeadShape;
import squall.ops.StepPlan;
import squall.quant.Format;
import squall.tornado.Bank;
import squall.tornado.Pages;
import squall.tornado.Region;
import squall.tornado.Rig;
import squall.tornado.Small;
import squall.tornado.TestDevice;
import squall.tornado.Traits;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/** Attention over scattered pages against its definition. */
class AttentionTest {
    private static final Traits TRAITS = new Traits(Traits.Shape.GROUPS, 64, false);
    private static final double TOLERANCE = 1e-6;
    /** Of queries, keys, weights and values that have eleven bits: scores of some units are that much off. */
    private static final double ROUNDED = 4e-3;
    private static final int SLOTS = 4;
    private static final int PAGES_PER_SLOT = 4;
    private static final int LAYER = 1;

    /** Two layers of pages, handed to the slots in no order. */
    private static Pages pages(Rig rig, int kvHeads, int dim) {
        return pages(rig, kvHeads, dim, false);
    }

    private static Pages pages(Rig rig, int kvHeads, int dim, boolean half) {
        return pages(rig, kvHeads, dim, half, PAGES_PER_SLOT, SLOTS * PAGES_PER_SLOT * Pages.SIZE * kvHeads * dim + 12);
    }

    private static Pages pages(Rig rig, int kvHeads, int dim, boolean half, int perSlot, int layerStride) {
        int all = SLOTS * perSlot;
        int[] table = new int[all];
        for (int i = 0; i < all; i++) table[i] = i * 5 % all;
        int size = LAYER * layerStride + all * Pages.SIZE * kvHeads * dim;
        FloatArray keys = rig.floats(size), values = rig.floats(size);
        return new Pages(half ? halves(keys) : keys, half ? halves(values) : values, IntArray.fromArray(table), perSlot, layerStride,
                kvHeads, dim);
    }

    private static HalfFloatArray halves(FloatArray floats) {
        HalfFloatArray halves = new HalfFloatArray(floats.getSize());
        for (int i = 0; i < floats.getSize(); i++) halves.set(i, new HalfFloat(floats.get(i)));
        return halves;
    }

    private static float kept(TornadoNativeArray kept, int i) {
        return kept instanceof HalfFloatArray halves ? halves.get(i).getFloat32() : ((FloatArray) kept).get(i);
    }

    private static float[] copy(TornadoNativeArray kept) {
        float[] copy = new float[kept.getSize()];
        for (int i = 0; i < copy.length; i++) copy[i] = kept(kept, i);
        return copy;
    }

    private static int at(Pages p, int slot, int position) {
        int page = p.table().get(slot * p.pagesPerSlot() + position / Pages.SIZE);
        return LAYER * p.layerStride() + (page * Pages.SIZE + position % Pages.SIZE) * p.kvHeads() * p.headDim();
    }

    /** Attention of one head: q at qAt of the row, over positions 0 .. position. */
    private static void attend(double[] y, double[] q, int head, Pages p, int slot, int position, int heads) {
        int dim = p.headDim();
        int inRow = head / (heads / p.kvHeads()) * dim;
        double[] score = new double[position + 1];
        for (int t = 0; t <= position; t++) {
            for (int i = 0; i < dim; i++) score[t] += q[head * dim + i] * kept(p.keys(), at(p, slot, t) + inRow + i);
            score[t] /= Math.sqrt(dim);
        }
        double max = Arrays.stream(score).max().orElseThrow();
        double sum = 0;
        for (int t = 0; t <= position; t++) sum += score[t] = Math.exp(score[t] - max);
        for (int t = 0; t <= position; t++)
            for (int i = 0; i < dim; i++) y[head * dim + i] += score[t] / sum * kept(p.values(), at(p, slot, t) + inRow + i);
    }

    /** Steps of a row alone, of the start of a prompt, of its continuation over the end of a page, and of many rows. */
    private static final int[][] FEW = {{2, 150, 1}, {0, 0, 3}, {3, 62, 4}};
    /** Rows of the largest recording whose rows have splits. */
    private static final int MOST_OF_FEW = 64;
    /** Rows of a recording that warps do not serve alone. */
    private static final int MANY_WARPS = 65;
    private static final int[][] MANY = {{2, 150, 1}, {0, 0, 18}, {1, 240, 1}, {3, 50, 19}};

    @ParameterizedTest @CsvSource({
        "ROWS, 1, 1, 7", "ROWS, 1, 1, 8", "ROWS, 4, 2, 24", "ROWS, 6, 2, 33", "ROWS, 9, 3, 64", "ROWS, 2, 1, 128", "ROWS, 2, 2, 256",
        "GROUPS, 1, 1, 7", "GROUPS, 4, 2, 20", "GROUPS, 6, 2, 33", "GROUPS, 9, 1, 65", "GROUPS, 2, 1, 128", "GROUPS, 8, 1, 256",
        "WARPS, 1, 1, 7", "WARPS, 4, 2, 20", "WARPS, 18, 2, 64", "WARPS, 5, 1, 130", "WARPS, 8, 1, 256"})
    void attention(Traits.Shape shape, int heads, int kvHeads, int dim) {
        assumeTrue(shape != Traits.Shape.ROWS || TestDevice.hasVectors(), "the backend has no vectors of eight");
        assumeTrue(shape != Traits.Shape.WARPS || TestDevice.hasWarps(), "the backend has no warps");
        Traits traits = new Traits(shape, 64, false);
        check(new Rig(heads * dim, LAYER, traits).few(), FEW, heads, kvHeads, dim, false, false);
        check(new Rig(heads * dim, LAYER, traits).few(), FEW, heads, kvHeads, dim, true, false);
        check(new Rig(heads * dim, LAYER, traits).rows(shape == Traits.Shape.WARPS ? MANY_WARPS : Rig.BUCKET), MANY, heads, kvHeads, dim, heads % 2 == 0, false);
    }

    @ParameterizedTest @CsvSource({"3, 1, 20", "9, 1, 64", "8, 2, 256"})
    void attentionOverHalves(int heads, int kvHeads, int dim) {
        assumeTrue(TestDevice.hasWarps(), "the backend has no warps");
        Traits traits = new Traits(Traits.Shape.WARPS, 64, true);
        check(new Rig(heads * dim, LAYER, traits).few(), FEW, heads, kvHeads, dim, true, true);
        check(new Rig(heads * dim, LAYER, traits).rows(MANY_WARPS), MANY, heads, kvHeads, dim, false, true);
    }

    /** A head and its mate, heads in no power of two, and as many as there are queries of a row. */
    @ParameterizedTest @CsvSource({"2, 2, 32", "5, 1, 32", "12, 2, 64", "4, 1, 128", "8, 2, 256", "32, 1, 32"})
    void promptsOnTensorCores(int heads, int kvHeads, int dim) {
        assumeTrue(TestDevice.hasWarps(), "the backend has no tensor cores");
        Traits traits = new Traits(Traits.Shape.WARPS, 64, true, false, false);
        Rig rig = new Rig(heads * dim, LAYER, traits).rows(MANY_WARPS);
        assertTrue(AttentionTiles.serves(rig.frame(), pages(rig, kvHeads, dim, true), heads));
        check(rig, MANY, heads, kvHeads, dim, heads % 4 == 0, true, ROUNDED);
    }

    /** The first row of all sees the first position of the first page of an array: nothing lies before it. */
    @Test void promptAtTheStartOfItsArray() {
        assumeTrue(TestDevice.hasWarps(), "the backend has no tensor cores");
        Rig rig = new Rig(8 * 32, LAYER, new Traits(Traits.Shape.WARPS, 64, true, false, false)).rows(MANY_WARPS);
        check(rig, new int[][] {{0, 0, 18}, {2, 150, 1}, {3, 50, 19}}, pages(rig, 2, 32, true, PAGES_PER_SLOT, 0), 8, false, ROUNDED);
    }

    /** Some of a tensor core's eight columns, all, and more than that. */
    @ParameterizedTest @CsvSource({"5, 1, 64", "18, 2, 32", "3, 1, 128", "4, 1, 256"})
    void fewRowsOnTensorCores(int heads, int kvHeads, int dim) {
        assumeTrue(TestDevice.hasWarps(), "the backend has no tensor cores");
        Traits traits = new Traits(Traits.Shape.WARPS, 64, true, false, false);
        assertTrue(AttentionPages.serves(new Rig(heads * dim, LAYER, traits).few().frame(), pages(new Rig(1, LAYER, traits), kvHeads, dim, true)));
        check(new Rig(heads * dim, LAYER, traits).few(), new int[][] {{2, 150, 1}, {1, 63, 1}}, heads, kvHeads, dim, heads % 2 == 0, true, ROUNDED);
    }

    /** Contexts so long that a split has several pages, and begins and ends within one. */
    @ParameterizedTest @CsvSource({"32", "256"}) void longContextsOnTensorCores(int dim) {
        assumeTrue(TestDevice.hasWarps(), "the backend has no tensor cores");
        Rig rig = new Rig(dim, LAYER, new Traits(Traits.Shape.WARPS, 64, true, false, false)).rows(MOST_OF_FEW);
        Pages pages = pages(rig, 1, dim, true, 23, 0);
        int each = AttentionWarps.each(1350, AttentionWarps.splits(rig.frame(), 1), Pages.SIZE);
        assertTrue(each > 2 * Pages.SIZE && each % Pages.SIZE != 0, each + " positions a split");
        check(rig, new int[][] {{3, 1349, 1}, {1, 700, 1}}, pages, 2, false, ROUNDED);
    }

    /** What is merged becomes a product's operand and is nowhere in the arena; rows that are not alive add nothing. */
    @ParameterizedTest @CsvSource({"4, 2, 32", "3, 1, 64", "2, 1, 256"}) void operandsOfALibrary(int heads, int kvHeads, int dim) {
        assumeTrue(TestDevice.hasLibrary(), "no cuBLAS here");
        Rig rig = new Rig(heads * dim, LAYER, new Traits(Traits.Shape.WARPS, 64, true, false, true, true, TRAITS.choices())).few();
        rig.library(19, heads * dim);
        Pages pages = pages(rig, kvHeads, dim, true);
        assertTrue(Attention.rounds(rig.frame(), pages, heads));
        StepPlan plan = rig.plan(new int[][] {{2, 150, 1}, {1, 63, 1}, {3, 7, 1}});
        Bank file = Banks.of(Format.BF16, 19, heads * dim, 1), w = Banks.wide(file);
        Region q = rig.region(heads * dim), gate = rig.region(heads * (dim + 2)), y = rig.region(19);
        Region partial = rig.region(Attention.partialWidth(rig.frame(), heads, kvHeads, dim));
        HeadShape shape = new HeadShape(heads, dim, dim + 2, 1);
        rig.play(tape -> {
            Attention.record(tape, null, q, pages, heads, partial, gate, shape);
            LibraryProduct.recordAdd(tape, y, w);
        }, pages.keys(), pages.values(), pages.table(), w.array());
        for (StepPlan.Segment s : plan.segments()) {
            double[] out = new double[heads * dim];
            for (int h = 0; h < heads; h++) attend(out, rig.row(q, s.begin()), h, pages, s.slot(), s.start(), heads);
            for (int i = 0; i < out.length; i++) out[i] *= Definitions.sigmoid(rig.get(gate, s.begin(), 1 + i / dim * (dim + 2) + i % dim));
            Banks.expect(rig, y, s.begin(), rig.rowBefore(y, s.begin()), file, out, 2 * ROUNDED);
        }
        rig.scratch(partial);
        rig.nothingElseChanged();
    }

    private static void check(Rig rig, int[][] segments, int heads, int kvHeads, int dim, boolean gated, boolean half) {
        check(rig, segments, heads, kvHeads, dim, gated, half, TOLERANCE);
    }

    private static void check(Rig rig, int[][] segments, int heads, int kvHeads, int dim, boolean gated, boolean half, double tolerance) {
        check(rig, segments, pages(rig, kvHeads, dim, half), heads, gated, tolerance);
    }

    private static void check(Rig rig, int[][] segments, Pages pages, int heads, boolean gated, double tolerance) {
        StepPlan plan = rig.plan(segments);
        int kvHeads = pages.kvHeads(), dim = pages.headDim();
        Region q = rig.region(heads * dim);
        Region y = rig.region(heads * dim);
        Region gate = rig.region(heads * (dim + 2));
        Region partial = rig.region(Math.max(1, Attention.partialWidth(rig.frame(), heads, kvHeads, dim)));
        HeadShape shape = new HeadShape(heads, dim, dim + 2, 1);
        rig.play(tape -> Attention.record(tape, y, q, pages, heads, partial, gated ? gate : null, shape),
                pages.keys(), pages.values(), pages.table());
        for (StepPlan.Segment s : plan.segments())
            for (int r = s.begin(); r < s.end(); r++) {
                double[] out = new double[heads * dim];
                for (int h = 0; h < heads; h++) attend(out, rig.row(q, r), h, pages, s.slot(), s.start() + r - s.begin(), heads);
                for (int i = 0; gated && i < out.length; i++)
                    out[i] *= Definitions.sigmoid(rig.get(gate, r, 1 + i / dim * (dim + 2) + i % dim));
                rig.expect(y, r, out, tolerance);
            }
        rig.scratch(partial);
        rig.nothingElseChanged();
    }

    @ParameterizedTest @EnumSource(names = {"ROWS", "GROUPS"}) void largeScoresDoNotOverflow(Traits.Shape shape) {
        assumeTrue(shape != Traits.Shape.ROWS || TestDevice.hasVectors(), "the backend has no vectors of eight");
        Rig rig = new Rig(3, LAYER, new Traits(shape, 64, false)).few();
        rig.plan(new int[] {1, 100, 1});
        Pages pages = pages(rig, 1, 16);
        Region q = rig.region(16);
        Region y = rig.region(16);
        Region partial = rig.region(Attention.partialWidth(rig.frame(), 1, 1, 16));
        for (int i = 0; i < 16; i++) rig.set(q, 0, i, 300f * rig.get(q, 0, i));
        rig.play(tape -> Attention.record(tape, y, q, pages, 1, partial), pages.keys(), pages.values(), pages.table());
        double[] out = new double[16];
        attend(out, rig.row(q, 0), 0, pages, 1, 100, 1);
        rig.expect(y, 0, out, 1e-4);   // scores of about 1000 are rounded to 1e-4
        rig.scratch(partial);
        rig.nothingElseChanged();
    }

    @ParameterizedTest @ValueSource(booleans = {false, true}) void append(boolean half) {
        assumeTrue(!half || TestDevice.hasWarps(), "the backend may have no halves");
        Rig rig = new Rig(4, LAYER, TRAITS);
        StepPlan plan = rig.plan(new int[] {2, 150, 1}, new int[] {0, 0, 3}, new int[] {3, 62, 4});
        Pages pages = pages(rig, 2, 9, half);
        float[] keys = copy(pages.keys());
        float[] values = copy(pages.values());
        Region k = rig.region(18);
        Region v = rig.region(18);
        for (StepPlan.Segment s : plan.segments())
            for (int r = s.begin(); r < s.end(); r++)
                for (int i = 0; i < 18; i++) {
                    keys[at(pages, s.slot(), s.start() + r - s.begin()) + i] = rounded(rig.get(k, r, i), half);
                    values[at(pages, s.slot(), s.start() + r - s.begin()) + i] = rounded(rig.get(v, r, i), half);
                }
        rig.changing(pages.keys(), pages.values()).play(tape -> Attention.append(tape, k, v, pages), pages.table());
        rig.nothingElseChanged();
        same(keys, pages.keys());
        same(values, pages.values());
    }

    private static float rounded(float x, boolean half) {
        return half ? Float.float16ToFloat(Float.floatToFloat16(x)) : x;
    }

    @ParameterizedTest @CsvSource({"GROUPS, 4, 2, 20, 5, false", "GROUPS, 3, 3, 9, 4, false", "GROUPS, 2, 1, 128, 32, false",
        "WARPS, 4, 2, 20, 5, false", "WARPS, 3, 3, 9, 4, true", "WARPS, 2, 1, 256, 32, true", "WARPS, 2, 2, 128, 64, false"})
    void normRopeAndAppendInOneTask(Traits.Shape shape, int heads, int kvHeads, int dim, int frequencies, boolean half) {
        assumeTrue(shape != Traits.Shape.WARPS || TestDevice.hasWarps(), "the backend has no warps");
        Rig rig = new Rig(5, LAYER, new Traits(shape, 64, half));
        StepPlan plan = rig.plan(FEW);
        Pages pages = pages(rig, kvHeads, dim, half);
        float[] keys = copy(pages.keys());
        float[] values = copy(pages.values());
        HeadShape queries = new HeadShape(heads, dim, 2 * dim + 1, 3);
        Region q = rig.region(heads * (2 * dim + 1) + 3);
        Region y = rig.region(heads * dim);
        Region both = rig.region(2 * kvHeads * dim);
        Region k = Rig.part(both, 0, kvHeads * dim);
        Region v = Rig.part(both, kvHeads * dim, kvHeads * dim);
        Small all = rig.small(2 * dim + 3);
        Small queryNorm = new Small(all.array(), all.layerStride(), all.at(), dim);
        Small keyNorm = new Small(all.array(), all.layerStride(), all.at() + dim + 3, dim);
        FloatArray angles = rig.floats(200 * 2 * frequencies);
        HeadNormRope.Projected from = new HeadNormRope.Projected(q, queries, queryNorm, k, v, keyNorm);
        rig.changing(pages.keys(), pages.values()).play(tape ->
                HeadNormRope.recordAppending(tape, y, from, pages, 1e-6f, angles, frequencies), all.array(), angles, pages.table());
        for (StepPlan.Segment s : plan.segments())
            for (int r = s.begin(); r < s.end(); r++) {
                int position = s.start() + r - s.begin();
                rig.expect(y, r, RowKernelsTest.rotated(rig, rig.row(q, r), queries, queryNorm, angles, frequencies, position), TOLERANCE);
                double[] key = RowKernelsTest.rotated(rig, rig.row(k, r), HeadShape.packed(kvHeads, dim), keyNorm, angles, frequencies, position);
                int at = at(pages, s.slot(), position);
                for (int i = 0; i < key.length; i++) {
                    assertEquals(key[i], kept(pages.keys(), at + i), 1e-5 + (half ? Math.abs(key[i]) / 2048 : 0));
                    keys[at + i] = kept(pages.keys(), at + i);
                    values[at + i] = rounded(rig.get(v, r, i), half);
                }
            }
        rig.nothingElseChanged();
        same(keys, pages.keys());
        same(values, pages.values());
    }

    private static void same(float[] expected, TornadoNativeArray found) {
        for (int i = 0; i < expected.length; i++) assertEquals(expected[i], kept(found, i), "element " + i);
    }
}
