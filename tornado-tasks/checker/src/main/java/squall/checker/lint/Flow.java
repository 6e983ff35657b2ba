package squall.checker.lint;

import java.lang.classfile.Opcode;
import java.lang.classfile.instruction.BranchInstruction;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;

/** Follows values through one method until nothing changes, then looks at every instruction once with what is known. */
final class Flow {

    private static final int TURNS_BEFORE_WIDENING = 3;

    /** Variables and operand stack before an instruction. */
    static final class Frame {
        final Value[] locals;
        final List<Value> stack;

        Frame(Value[] locals, List<Value> stack) {
            this.locals = locals;
            this.stack = stack;
        }

        Frame copy() {
            return new Frame(locals.clone(), new ArrayList<>(stack));
        }

        void push(Value value) {
            stack.add(value);
        }

        Value pop() {
            return stack.removeLast();
        }

        Value top() {
            return stack.getLast();
        }

        void store(int slot, Value value) {
            locals[slot] = value.from(-1);
            stack.replaceAll(v -> v.slot() == slot ? v.from(-1) : v);
        }
    }

    private final MethodCode code;
    private final Step step;
    private final Frame[] before;
    private final int[] visits;
    private final Deque<Integer> work = new ArrayDeque<>();

    Flow(MethodCode code, Step step) {
        this.code = code;
        this.step = step;
        this.before = new Frame[code.code.size()];
        this.visits = new int[code.code.size()];
    }

    /** The value returned, or null. */
    Value run(Value[] arguments) {
        Value[] locals = new Value[code.variableSlots];
        int slot = 0;
        for (Value argument : arguments) {
            locals[slot] = argument;
            slot += argument.wide() ? 2 : 1;
        }
        reach(0, new Frame(locals, new ArrayList<>()));
        while (!work.isEmpty()) {
            int index = work.pop();
            Frame after = before[index].copy();
            step.apply(index, after, false);
            spread(index, after);
        }
        Value result = null;
        for (int i = 0; i < before.length; i++) {
            if (before[i] != null) {
                Value returned = step.apply(i, before[i].copy(), true);
                result = result == null ? returned : returned == null ? result : Value.join(result, returned);
            }
        }
        return result;
    }

    private void spread(int index, Frame after) {
        if (!code.isConditional(index)) {
            for (int next : code.next(index)) {
                reach(next, after);
            }
            return;
        }
        Frame untaken = after.copy();
        Opcode opcode = ((BranchInstruction) code.code.get(index)).opcode();
        Frame compared = before[index];
        if (refine(opcode, compared, after, true)) {
            reach(code.jump(index), after);
        }
        if (refine(opcode, compared, untaken, false)) {
            reach(index + 1, untaken);
        }
    }

    private void reach(int index, Frame frame) {
        Frame known = before[index];
        if (known == null) {
            before[index] = frame.copy();
            work.add(index);
            return;
        }
        visits[index]++;
        boolean widen = visits[index] > TURNS_BEFORE_WIDENING;
        boolean changed = false;
        for (int i = 0; i < known.locals.length; i++) {
            Value met = meet(known.locals[i], frame.locals[i], widen);
            changed |= met != known.locals[i] && (met == null || !met.equals(known.locals[i]));
            known.locals[i] = met;
        }
        for (int i = 0; i < known.stack.size(); i++) {
            Value met = meet(known.stack.get(i), frame.stack.get(i), widen);
            Value kept = met == null ? Value.OBJECT : met;
            changed |= !kept.equals(known.stack.get(i));
            known.stack.set(i, kept);
        }
        if (changed) {
            work.add(index);
        }
    }

    private static Value meet(Value known, Value arriving, boolean widen) {
        Value met = Value.join(known, arriving);
        return widen ? Value.widen(known, met) : met;
    }

    /** Narrows the variables that a condition compares; false if the edge cannot be taken. */
    private static boolean refine(Opcode opcode, Frame compared, Frame frame, boolean taken) {
        List<Value> stack = compared.stack;
        String name = opcode.name();
        if (name.startsWith("IF_ICMP")) {
            Value left = stack.get(stack.size() - 2);
            Value right = stack.getLast();
            String relation = taken ? name.substring(7) : negated(name.substring(7));
            return narrow(frame, left, relation, right) && narrow(frame, right, mirrored(relation), left);
        }
        if (Arrays.asList("IFEQ", "IFNE", "IFLT", "IFGE", "IFGT", "IFLE").contains(name) && stack.getLast().whole()) {
            String relation = taken ? name.substring(2) : negated(name.substring(2));
            return narrow(frame, stack.getLast(), relation, Value.ints(0, 0));
        }
        return true;
    }

    private static String negated(String relation) {
        return switch (relation) {
            case "EQ" -> "NE";
            case "NE" -> "EQ";
            case "LT" -> "GE";
            case "GE" -> "LT";
            case "GT" -> "LE";
            default -> "GT";
        };
    }

    private static String mirrored(String relation) {
        return switch (relation) {
            case "LT" -> "GT";
            case "GT" -> "LT";
            case "LE" -> "GE";
            case "GE" -> "LE";
            default -> relation;
        };
    }

    private static boolean narrow(Frame frame, Value left, String relation, Value right) {
        long least = Long.MIN_VALUE;
        long most = Long.MAX_VALUE;
        switch (relation) {
            case "EQ" -> {
                least = right.low();
                most = right.high();
            }
            case "LT" -> most = right.high() - 1;
            case "LE" -> most = right.high();
            case "GT" -> least = right.low() + 1;
            case "GE" -> least = right.low();
            default -> { }
        }
        if (left.low() > most || left.high() < least) {
            return false;
        }
        if (left.slot() >= 0 && frame.locals[left.slot()] != null) {
            frame.locals[left.slot()] = frame.locals[left.slot()].clamped(least, most);
        }
        return true;
    }
}
