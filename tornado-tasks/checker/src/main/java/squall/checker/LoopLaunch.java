package squall.checker;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A kernel of {@code @Parallel} loops, or a sequential one. The Java method runs once, with its loops in order; every
 * turn of the innermost {@code @Parallel} loop counts as a work-item of its own, and what lies outside of it as work
 * that every work-item does.
 */
final class LoopLaunch extends Launch {

    private static final int OUTSIDE = 0;

    private final List<HeapArray> privates = new ArrayList<>();
    private final int depth;
    private final int[] now = new int[4];
    private int turns;
    private int[] values = new int[64];

    LoopLaunch(Kernel kernel, String task, Object[] arguments) {
        super(kernel, task, arguments);
        this.depth = kernel.report().parallelDepth();
    }

    @Override
    void run() {
        Probe.groupSize = 1;
        Probe.globalPhase = 0;
        Probe.localPhase = 0;
        become(depth == 0 ? 1 : OUTSIDE);
        call(arguments);
    }

    private static void become(int item) {
        Probe.item = item;
        Probe.group = item;
    }

    void turn(int level, int value) {
        now[level] = value;
        if (level + 1 < depth) {
            become(OUTSIDE);
            return;
        }
        turns++;
        int at = turns * depth;
        if (at + depth > values.length) {
            values = Arrays.copyOf(values, 2 * (at + depth));
        }
        System.arraycopy(now, 0, values, at, depth);
        become(turns);
    }

    void left(int level) {
        become(OUTSIDE);
    }

    @Override
    void beforeWrite(int index, String name) {
        if (depth > 0 && Probe.item == OUTSIDE) {
            throw Probe.failure(Fault.RACE, index, "element " + index + " of " + name
                    + " is written outside of the @Parallel loop, which every work-item does: write inside it or in a task of its own");
        }
    }

    @Override
    String describe(int item) {
        if (depth == 0) {
            return "the only work-item";
        }
        return item == OUTSIDE ? "every work-item (outside of the @Parallel loop)"
                : "turn " + Arrays.toString(Arrays.copyOfRange(values, item * depth, item * depth + depth)) + " of the @Parallel loop";
    }

    @Override
    List<HeapArray> locals() {
        return List.of();
    }

    @Override
    List<HeapArray> privates() {
        return privates;
    }
}
