package squall.tornado;

import squall.ops.StepPlan;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * What a step sends to the device, in one array of ints:
 * <pre>
 *   0        rows: how many are alive; kernels leave the others alone
 *   1        segments
 *   2        patches of the page table
 *   8        segments: slot, begin, end, start         4 ints each, {@code maxSegments} of them
 *   patchesAt  patches: index into the page table, page  2 ints each, {@code maxPatches} of them
 *   rowsAt     rows: token, position, slot, segment      4 ints each, {@code maxRows} of them
 * </pre>
 * Everything that changes from step to step is here, so that no task argument ever changes.
 */
public final class StepArray {
    public static final int ROWS = 0;
    public static final int SEGMENTS = 1;
    public static final int PATCHES = 2;
    public static final int FIRST_SEGMENT = 8;
    /** Ints of a segment and of a row. */
    public static final int RECORD = 4;
    public static final int TOKEN = 0;
    public static final int POSITION = 1;
    public static final int SLOT = 2;
    public static final int SEGMENT = 3;
    public static final int SEGMENT_SLOT = 0;
    public static final int SEGMENT_BEGIN = 1;
    public static final int SEGMENT_END = 2;
    public static final int SEGMENT_START = 3;

    final IntArray ints;
    final int patchesAt;
    final int rowsAt;
    final int maxRows;
    final boolean alone;
    private final int maxSegments;
    private final int maxPatches;

    StepArray(int maxRows, int maxSegments, int maxPatches) {
        this(maxRows, maxRows == 1, maxSegments, maxPatches);
    }

    /** alone: for rows that are alone in their segments. */
    StepArray(int maxRows, boolean alone, int maxSegments, int maxPatches) {
        this.maxRows = maxRows;
        this.alone = alone;
        this.maxSegments = maxSegments;
        this.maxPatches = maxPatches;
        patchesAt = FIRST_SEGMENT + RECORD * maxSegments;
        rowsAt = patchesAt + 2 * maxPatches;
        ints = new IntArray(rowsAt + RECORD * maxRows);
        ints.init(0);
    }

    boolean holds(StepPlan plan, int patches) {
        return plan.rows() <= maxRows && (!alone || plan.rows() == plan.segments().size()) && plan.segments().size() <= maxSegments && patches <= maxPatches;
    }

    /** @param patches pairs of (index into the page table, page) */
    void fill(StepPlan plan, int[] patches, int patchCount) {
        ints.set(ROWS, plan.rows());
        ints.set(SEGMENTS, plan.segments().size());
        ints.set(PATCHES, patchCount);
        for (int i = 0; i < 2 * patchCount; i++) ints.set(patchesAt + i, patches[i]);
        int number = 0;
        for (StepPlan.Segment s : plan.segments()) {
            int at = FIRST_SEGMENT + RECORD * number;
            ints.set(at + SEGMENT_SLOT, s.slot());
            ints.set(at + SEGMENT_BEGIN, s.begin());
            ints.set(at + SEGMENT_END, s.end());
            ints.set(at + SEGMENT_START, s.start());
            for (int r = s.begin(); r < s.end(); r++) {
                int row = rowsAt + RECORD * r;
                ints.set(row + TOKEN, plan.tokens()[r]);
                ints.set(row + POSITION, s.start() + r - s.begin());
                ints.set(row + SLOT, s.slot());
                ints.set(row + SEGMENT, number);
            }
            number++;
        }
    }
}
