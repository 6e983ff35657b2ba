package squall.checker.lint;

import java.lang.classfile.Attributes;
import java.lang.classfile.Instruction;
import java.lang.classfile.instruction.IncrementInstruction;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.classfile.instruction.LoadInstruction;
import java.lang.classfile.instruction.ReturnInstruction;
import java.lang.classfile.instruction.StoreInstruction;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Rules on the shape of a method: loops, branches, returns. The compiler lays a loop out in one piece, test first. */
final class Shapes {

    private final Analysis analysis;
    private final MethodCode code;
    private final int size;
    /** Last instruction of each loop, by its first. */
    private final Map<Integer, Integer> loops = new TreeMap<>();
    private final BitSet[] live;

    private Shapes(Analysis analysis, MethodCode code) {
        this.analysis = analysis;
        this.code = code;
        this.size = code.code.size();
        for (int i = 0; i < size; i++) {
            int target = code.jump(i);
            if (target >= 0 && target <= i) {
                loops.merge(target, i, Math::max);
            }
        }
        this.live = liveVariables();
    }

    static void check(Analysis analysis, MethodCode code, boolean kernel) {
        if (code.hasHandlers()) {
            analysis.broken(code, 0, Rule.CONTROL, "try");
        }
        if (!code.hasVariableTable()) {
            analysis.broken(code, 0, Rule.NO_DEBUG_INFO, "");
        }
        Shapes shapes = new Shapes(analysis, code);
        if (kernel) {
            code.method.findAttribute(Attributes.runtimeVisibleParameterAnnotations()).ifPresent(all -> all.parameterAnnotations()
                    .stream().flatMap(List::stream).filter(a -> a.className().stringValue().endsWith("/Reduce;"))
                    .forEach(a -> analysis.broken(code, 0, Rule.REDUCE, "")));
        } else {
            shapes.returnsInLoops();
        }
        shapes.parallelLoops();
        shapes.branchesThatEndInLoops();
        shapes.conditionsInLoopTests();
        shapes.orOfAnd();
        shapes.returnsBeforeBarriers();
    }

    /** Instructions inside a branch that holds a loop. The test of a loop is no branch: all turns come through it. */
    static BitSet branchesWithLoops(MethodCode code) {
        Shapes shapes = new Shapes(null, code);
        BitSet inside = new BitSet();
        for (int i = 0; i < shapes.size; i++) {
            int from = i;
            int to = code.jump(i);
            if (code.isConditional(i) && to > i && !shapes.leavesLoop(i, to)) {
                if (code.isGoto(to - 1) && code.jump(to - 1) > to) {
                    shapes.markIfHoldsLoop(inside, to, code.jump(to - 1));
                }
                shapes.markIfHoldsLoop(inside, from + 1, to);
            }
        }
        return inside;
    }

    private boolean leavesLoop(int index, int target) {
        return loops.entrySet().stream().anyMatch(loop -> loop.getKey() <= index && index <= loop.getValue() && target > loop.getValue());
    }

    private void markIfHoldsLoop(BitSet inside, int from, int to) {
        if (loops.entrySet().stream().anyMatch(loop -> loop.getKey() >= from && loop.getValue() < to)) {
            inside.set(from, to);
        }
    }

    /** Variables that are read before they are written again, from each instruction on. */
    private BitSet[] liveVariables() {
        BitSet[] before = new BitSet[size + 1];
        for (int i = 0; i <= size; i++) {
            before[i] = new BitSet();
        }
        boolean changed = true;
        while (changed) {
            changed = false;
            for (int i = size - 1; i >= 0; i--) {
                BitSet now = new BitSet();
                for (int next : code.next(i)) {
                    now.or(before[next]);
                }
                switch (code.code.get(i)) {
                    case StoreInstruction store -> now.clear(store.slot());
                    case LoadInstruction load -> now.set(load.slot());
                    case IncrementInstruction increment -> now.set(increment.slot());
                    default -> { }
                }
                changed |= !now.equals(before[i]);
                before[i] = now;
            }
        }
        return before;
    }

    private void returnsInLoops() {
        loops.forEach((head, end) -> {
            for (int i = head; i < end; i++) {
                if (code.code.get(i) instanceof ReturnInstruction) {
                    analysis.broken(code, i, Rule.EARLY_RETURN, code.name());
                }
            }
        });
    }

    private void returnsBeforeBarriers() {
        int barrier = size - 1;
        while (barrier >= 0 && !analysis.waits(code, barrier)) {
            barrier--;
        }
        for (int i = 0; i < barrier; i++) {
            if (code.code.get(i) instanceof ReturnInstruction) {
                analysis.broken(code, i, Rule.RETURN_BEFORE_BARRIER, "in line " + code.line(barrier));
            }
        }
    }

    private void parallelLoops() {
        int outerEnd = -1;
        for (MethodCode.ParallelLoop loop : code.parallelLoops) {
            if (outerEnd >= 0 && loop.start() >= outerEnd) {
                analysis.broken(code, loop.start(), Rule.TWO_PARALLEL_LOOPS, "");
            }
            outerEnd = outerEnd < 0 ? loop.end() : Math.max(outerEnd, loop.end());
            for (int i = loop.start(); i < loop.end(); i++) {
                parallelStep(loop, i);
            }
        }
    }

    private void parallelStep(MethodCode.ParallelLoop loop, int index) {
        Instruction instruction = code.code.get(index);
        if (instruction instanceof IncrementInstruction increment && increment.slot() == loop.slot() && increment.constant() < 0) {
            analysis.broken(code, index, Rule.BACKWARD_PARALLEL_LOOP, "");
        }
        int slot = stored(instruction);
        boolean counter = code.parallelLoops.stream().anyMatch(other -> other.slot() == slot && other.start() <= index && index < other.end());
        if (slot >= 0 && !counter && live[loop.start()].get(slot)) {
            analysis.broken(code, index, Rule.CARRIED_BY_PARALLEL_LOOP, "");
        }
    }

    private static int stored(Instruction instruction) {
        return switch (instruction) {
            case StoreInstruction store -> store.slot();
            case IncrementInstruction increment -> increment.slot();
            default -> -1;
        };
    }

    /**
     * {@code if (c) { ..., loop } else { ... }} and the other way round. The loop's exit then jumps straight to where
     * the branches meet, or falls into it.
     */
    private void branchesThatEndInLoops() {
        loops.forEach((head, end) -> {
            int exit = exit(head, end);
            if (exit < 0 || leavesAnotherLoop(head, end, exit)) {
                return;
            }
            if (exit > end + 1) {
                carriedIfElse(end + 1, exit, head);
            } else if (exit < size && code.isGoto(exit) && code.jump(exit) > exit) {
                carriedIfElse(exit + 1, code.jump(exit), head);
            } else {
                for (int jump = 0; jump < head; jump++) {
                    if (code.isGoto(jump) && code.jump(jump) == exit) {
                        carriedIfElse(jump + 1, exit, head);
                    }
                }
            }
        });
    }

    /** Looks at the variables that an if/else assigns, given where its else branch begins and where both meet. */
    private void carriedIfElse(int otherwise, int meeting, int loop) {
        int condition = conditionTo(otherwise, Math.min(otherwise, loop));
        if (condition < 0) {
            return;
        }
        for (int i = condition + 1; i < meeting; i++) {
            int slot = stored(code.code.get(i));
            if (slot >= 0 && live[meeting].get(slot)) {
                analysis.broken(code, loop, Rule.CARRIED_PAST_LOOP_BRANCH, "assigned in line " + code.line(i));
                return;
            }
        }
    }

    /** Where a loop goes on when its test fails. */
    private int exit(int head, int end) {
        if (code.isConditional(end)) {
            return end + 1;
        }
        for (int i = head; i <= end; i++) {
            if (code.isConditional(i) && code.jump(i) > end) {
                return code.jump(i);
            }
        }
        return -1;
    }

    /** {@code for (...; i < (c ? a : b); ...)}: both values meet before the jump out of the loop, and nothing is stored on the way. */
    private void conditionsInLoopTests() {
        loops.forEach((head, end) -> {
            for (int i = head; i <= end && stored(code.code.get(i)) < 0; i++) {
                if (code.isConditional(i) && code.jump(i) > end) {
                    if (meets(head, i)) {
                        analysis.broken(code, i, Rule.CONDITION_IN_LOOP_TEST, "");
                    }
                    return;
                }
            }
        });
    }

    private boolean meets(int from, int to) {
        for (int i = from; i < to; i++) {
            if (code.isGoto(i) && code.jump(i) > i && code.jump(i) <= to) {
                return true;
            }
        }
        return false;
    }

    private boolean leavesAnotherLoop(int head, int end, int exit) {
        return loops.entrySet().stream().anyMatch(outer -> outer.getKey() < head && outer.getValue() >= end && exit > outer.getValue());
    }

    /** The last condition before {@code limit} that skips to {@code target}, where an else branch begins. */
    private int conditionTo(int target, int limit) {
        for (int i = limit - 1; i >= 0; i--) {
            if (code.isConditional(i) && code.jump(i) == target && code.jump(i) > i) {
                return i;
            }
        }
        return -1;
    }

    /** A condition that jumps to behind two or more others, all of which skip to one and the same other place. */
    private void orOfAnd() {
        for (int i = 0; i < size; i++) {
            int target = code.jump(i);
            if (code.isConditional(i) && target > i + 2 && code.isConditional(target - 1) && skipsAlike(i + 1, target)) {
                analysis.broken(code, i, Rule.OR_OF_AND, "");
            }
        }
    }

    private boolean skipsAlike(int from, int to) {
        int elsewhere = code.jump(to - 1);
        int conditions = 0;
        for (int i = from; i < to; i++) {
            Instruction instruction = code.code.get(i);
            if (code.isConditional(i)) {
                if (code.jump(i) != elsewhere) {
                    return false;
                }
                conditions++;
            } else if (code.isGoto(i) || stored(instruction) >= 0
                    || instruction instanceof InvokeInstruction call && call.type().stringValue().endsWith("V")) {
                return false;
            }
        }
        return conditions >= 2 && elsewhere > to;
    }
}
