package squall.tornado;

import java.util.List;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;

/**
 * What products by cuBLAS go through, one set for all layers: a library's task takes whole arrays, so that the matrix of a
 * layer is decoded into one, the rows are copied into another, and results come out of a third. A first reading notes the
 * largest need; then the arrays are made.
 */
public final class LibraryScratch {
    private int weightCount;
    private int rowCount;
    private int productCount;
    private int factorCount;
    private HalfFloatArray weights;
    private HalfFloatArray rows;
    private FloatArray products;
    private FloatArray factors;

    /** Notes a product of {@code maxRows} rows with a matrix [outs, cols]. */
    public void need(int maxRows, int outs, int cols) {
        need(maxRows, cols);
        weightCount = Math.max(weightCount, Math.multiplyExact(outs, cols));
        productCount = Math.max(productCount, Math.multiplyExact(maxRows, outs));
    }

    /** Notes rows that are operands. */
    public void need(int maxRows, int cols) {
        rowCount = Math.max(rowCount, Math.multiplyExact(maxRows, cols));
        factorCount = Math.max(factorCount, maxRows);
    }

    void include(LibraryScratch other) {
        weightCount = Math.max(weightCount, other.weightCount);
        rowCount = Math.max(rowCount, other.rowCount);
        productCount = Math.max(productCount, other.productCount);
        factorCount = Math.max(factorCount, other.factorCount);
    }

    /** Makes the arrays, if any product goes through them. */
    void allocate() {
        if (weightCount == 0) return;
        weights = new HalfFloatArray(weightCount);
        rows = new HalfFloatArray(rowCount);
        products = new FloatArray(productCount);
        factors = new FloatArray(factorCount);
    }

    /** For the device to make room for. */
    List<Object> arrays() {
        return weights == null ? List.of() : List.of(weights, rows, products, factors);
    }

    /** A matrix, [outs, cols]. */
    public HalfFloatArray weights() {
        return weights;
    }

    /** Operands, [maxRows, cols], each row divided by its factor. */
    public HalfFloatArray rows() {
        return rows;
    }

    /** Results, [maxRows, outs], to be multiplied with the row's factor. */
    public FloatArray products() {
        return products;
    }

    /** One a row. */
    public FloatArray factors() {
        return factors;
    }
}
