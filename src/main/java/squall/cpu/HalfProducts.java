package squall.cpu;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;
import squall.quant.Lanes;

/** Products of few queries with half-precision keys of a page, lane by lane: the first half of {@link HalfTile}. */
abstract sealed class HalfProducts permits OneKeyProducts, TwoKeyProducts {
    static final int L = Lanes.COUNT;
    /** Elements that one load brings. */
    static final int PAIRS = 2 * L;
    /**
     * Masks an index. It changes nothing, arrays are shorter; but then the compiler knows that a small number added to it stays
     * an int, and loads have their address in one instruction.
     */
    static final int PLACE = (1 << 28) - 1;
    private static final IntVector PLACES = IntVector.broadcast(Lanes.INTS, 0x8FFFE000);
    private static final VectorShuffle<Float> EVENS = VectorShuffle.fromOp(Lanes.FLOATS, i -> 2 * i % L);
    private static final VectorShuffle<Float> ODDS = VectorShuffle.fromOp(Lanes.FLOATS, i -> 2 * i % L + 1);
    private static final VectorMask<Float> SECOND_HALF = VectorMask.fromLong(Lanes.FLOATS, -1L << L / 2);

    final int headDim;
    /** Products of queries and keys, still to be summed over the lanes: [4, PAGE, L]. */
    final float[] lanes = new float[4 * KvCache.PAGE * L];

    HalfProducts(int headDim) {
        this.headDim = headDim;
    }

    /** The way for this width: vectors of 512 bits come with thirty-two registers. @param queries room for the queries in pairs */
    static HalfProducts of(int headDim, float[] queries) {
        return L > 8 ? new TwoKeyProducts(headDim, queries.length) : new OneKeyProducts(headDim, queries);
    }

    /** Takes a query of which {@code many} lie together: its pairs go to element {@code to} and every {@code many * PAIRS} from there. */
    abstract void query(int to, int many, float[] q, int at, float factor);

    /** Lanes of positions [from, to) of the page for the two or four queries from element {@code first} on. */
    abstract void score(MemorySegment page, long keysAt, long valuesAt, int from, int to, int first, int many);

    /** Elements of even places of the next PAIRS. */
    static FloatVector evens(float[] q, int at, float factor) {
        return picked(q, at, EVENS).mul(FloatVector.broadcast(Lanes.FLOATS, factor));
    }

    /** Those of odd places. */
    static FloatVector odds(float[] q, int at, float factor) {
        return picked(q, at, ODDS).mul(FloatVector.broadcast(Lanes.FLOATS, factor));
    }

    private static FloatVector picked(float[] q, int at, VectorShuffle<Float> which) {
        return FloatVector.fromArray(Lanes.FLOATS, q, at).rearrange(which)
                .blend(FloatVector.fromArray(Lanes.FLOATS, q, at + L).rearrange(which), SECOND_HALF);
    }

    /** The upper half of each int, times 2^-112. */
    static FloatVector inPlace(IntVector v) {
        return v.lanewise(VectorOperators.ASHR, 3).and(PLACES).reinterpretAsFloats();
    }
}
