package squall.cpu;

import java.lang.foreign.MemorySegment;
import java.util.List;
import squall.ops.Weight;
import squall.quant.RowGroups;

/**
 * A matrix, or one for each expert, as products read it.
 *
 * @param weight  what it stands for
 * @param groups  how rows are laid out side by side, or null: they lie as they are stored, there or elsewhere. Rows that fill no group lie as stored
 *                behind the last one
 * @param experts a segment for each expert, as long as that of the weight
 */
record LaidWeight(Weight weight, RowGroups groups, List<MemorySegment> experts) {

    /** As it is stored. */
    static LaidWeight asStored(Weight w) {
        return new LaidWeight(w, null, w.experts());
    }

    long rowBytes() {
        return weight.format().rowBytes(weight.cols());
    }

    /** Rows of whole groups. */
    int groupedRows() {
        return groups == null ? 0 : weight.rows() / RowGroups.ROWS * RowGroups.ROWS;
    }
}
