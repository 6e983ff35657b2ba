package squall.tornado;

import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.LongArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/**
 * What products by cuBLAS go through, one set for all layers: a matrix that the library does not read as it is, is decoded into one array, the rows
 * are copied into another, and results that are not what is wanted yet come out of a third. A first reading notes the
 * largest need; then the arrays are made. What cuBLAS reads and writes starts at a {@link Boundary} of them.
 */
public final class LibraryScratch {
    /** Element of arrays of two bytes a number where the first row is, and that of results. */
    public static final int FIRST_HALF = Boundary.first(Short.BYTES);
    public static final int FIRST_RESULT = Boundary.first(Float.BYTES);

    private int weightCount;
    private int rowCount;
    private int productCount;
    private int factorCount;
    private int tileCount;
    private int chunkCount;
    private int chunkInts;
    private HalfFloatArray weights;
    private HalfFloatArray rows;
    private FloatArray products;
    private FloatArray factors;
    private LongArray tiles;
    private int pairCount;
    private IntArray pairs;
    private int choiceCount;
    private int hiddenCount;
    private IntArray choices;
    private HalfFloatArray hidden;
    private int brainCount;
    private ShortArray brains;

    /** Notes a product of {@code maxRows} rows with a matrix [outs, cols]. */
    public void need(int maxRows, int outs, int cols) {
        need(maxRows, cols);
        needWeights(outs, cols);
        needProducts(maxRows, outs);
    }

    /** Notes results. */
    public void needProducts(int maxRows, int outs) {
        productCount = Math.max(productCount, Math.multiplyExact(maxRows, outs));
    }

    /** Notes rows that are operands in BF16. */
    public void needBrains(int maxRows, int cols) {
        brainCount = Math.max(brainCount, Math.multiplyExact(maxRows, cols));
    }

    /** Notes rows that are operands. */
    public void need(int maxRows, int cols) {
        rowCount = Math.max(rowCount, Math.multiplyExact(maxRows, cols));
        factorCount = Math.max(factorCount, maxRows);
    }

    /** Notes rows that are operands of tensor cores, so many longs of them. */
    public void needTiles(int longs) {
        tileCount = Math.max(tileCount, longs);
    }

    /** Notes rows that are operands of tensor cores in pairs of halves, so many of them. */
    public void needPairs(int maxRows, int pairs) {
        pairCount = Math.max(pairCount, pairs);
        factorCount = Math.max(factorCount, maxRows);
    }

    /** Notes a matrix [outs, cols] that is decoded. */
    public void needWeights(int outs, int cols) {
        weightCount = Math.max(weightCount, Math.multiplyExact(outs, cols));
    }

    /** Notes choices of experts: ints to put them in order with, and hidden units of all of them. */
    public void needChoices(int ints, int units) {
        choiceCount = Math.max(choiceCount, ints);
        hiddenCount = Math.max(hiddenCount, units);
    }

    /** Notes so many full chunks of rows, and the ints of operands that each has. */
    public void needChunks(int chunks, int ints) {
        chunkCount = Math.max(chunkCount, chunks);
        chunkInts = Math.max(chunkInts, ints);
    }

    void include(LibraryScratch other) {
        brainCount = Math.max(brainCount, other.brainCount);
        choiceCount = Math.max(choiceCount, other.choiceCount);
        hiddenCount = Math.max(hiddenCount, other.hiddenCount);
        needChunks(other.chunkCount, other.chunkInts);
        tileCount = Math.max(tileCount, other.tileCount);
        pairCount = Math.max(pairCount, other.pairCount);
        weightCount = Math.max(weightCount, other.weightCount);
        rowCount = Math.max(rowCount, other.rowCount);
        productCount = Math.max(productCount, other.productCount);
        factorCount = Math.max(factorCount, other.factorCount);
    }

    /**
     * Makes the arrays, if any product goes through them.
     *
     * @param segments the most of a step: each may end with a part of a chunk
     */
    void allocate(int segments) {
        pairCount = Math.max(pairCount, Math.multiplyExact(chunkCount + segments, chunkInts));
        if (tileCount > 0) tiles = new LongArray(tileCount);
        if (choiceCount > 0) {
            choices = new IntArray(choiceCount);
            hidden = new HalfFloatArray(hiddenCount);
        }
        if (pairCount > 0) pairs = new IntArray(pairCount);
        if (brainCount > 0) brains = new ShortArray(FIRST_HALF + brainCount);
        if (weightCount > 0) weights = new HalfFloatArray(FIRST_HALF + weightCount);
        if (rowCount > 0) rows = new HalfFloatArray(FIRST_HALF + rowCount);
        if (productCount > 0) products = new FloatArray(FIRST_RESULT + productCount);
        if (factorCount > 0) factors = new FloatArray(factorCount);
    }

    /** For the device to make room for. */
    List<Object> arrays() {
        return Stream.of(weights, rows, products, factors, tiles, pairs, choices, hidden, brains).filter(Objects::nonNull).map(Object.class::cast).toList();
    }

    /** A matrix, [outs, cols]. */
    public HalfFloatArray weights() {
        return weights;
    }

    /** Operands, [maxRows, cols], each row divided by its factor. */
    public HalfFloatArray rows() {
        return rows;
    }

    /** Operands in BF16, [maxRows, cols]. */
    public ShortArray brains() {
        return brains;
    }

    /** Results, [maxRows, outs], to be multiplied with the row's factor unless operands are in BF16. */
    public FloatArray products() {
        return products;
    }

    /** Rows in bytes, see {@code ExpertStep}. */
    public LongArray tiles() {
        return tiles;
    }

    /** See {@code ExpertTiles}. */
    public IntArray choices() {
        return choices;
    }

    /** Hidden units of the choices, in order. */
    public HalfFloatArray hidden() {
        return hidden;
    }

    /** Operands of tensor cores, see {@code TileRows} and {@code DeltaProducts}. */
    public IntArray pairs() {
        return pairs;
    }

    /** One a row. */
    public FloatArray factors() {
        return factors;
    }
}
