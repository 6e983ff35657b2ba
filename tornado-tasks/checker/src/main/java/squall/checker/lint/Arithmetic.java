package squall.checker.lint;

import java.lang.classfile.Instruction;
import java.lang.classfile.Opcode;
import java.lang.classfile.instruction.ConstantInstruction;
import java.lang.classfile.instruction.ConvertInstruction;
import java.lang.classfile.instruction.OperatorInstruction;
import java.util.List;

/** Intervals through operators, and the rules on signs. */
final class Arithmetic {

    private static final long BYTE_MASK = 0xFF;
    private static final long SHORT_MASK = 0xFFFF;

    private Arithmetic() {
    }

    static void apply(Analysis analysis, Analysis.Place place, OperatorInstruction operator, Flow.Frame frame) {
        Opcode opcode = operator.opcode();
        String name = opcode.name();
        if (opcode == Opcode.ARRAYLENGTH) {
            frame.pop();
            frame.push(Value.ints(0, Integer.MAX_VALUE));
            return;
        }
        if (name.endsWith("NEG")) {
            Value value = frame.pop();
            frame.push(value.whole() ? value.result(value, negated(value.high()), negated(value.low())) : value.from(-1));
            return;
        }
        Value right = frame.pop();
        Value left = frame.pop();
        if (name.startsWith("LCMP") || name.startsWith("FCMP") || name.startsWith("DCMP")) {
            frame.push(Value.ints(-1, 1));
            return;
        }
        frame.push(left.whole() ? whole(analysis, place, name.substring(1), left, right) : left.from(-1));
    }

    private static long negated(long value) {
        return value == Long.MIN_VALUE ? Long.MAX_VALUE : -value;
    }

    private static Value whole(Analysis analysis, Analysis.Place place, String operator, Value left, Value right) {
        return switch (operator) {
            case "ADD" -> left.result(right, add(left.low(), right.low()), add(left.high(), right.high()));
            case "SUB" -> left.result(right, add(left.low(), negated(right.high())), add(left.high(), negated(right.low())));
            case "MUL" -> product(left, right);
            case "DIV", "REM" -> divided(analysis, place, operator, left, right);
            case "SHL" -> shiftedLeft(left, right);
            case "SHR" -> {
                if (Step.signLost(left)) {
                    analysis.broken(place, Rule.UNSIGNED_INTERMEDIATE, "shifted right");
                }
                yield shiftedRight(left, right);
            }
            case "USHR" -> {
                analysis.broken(place, Rule.UNSIGNED_SHIFT, "");
                yield left.result(right, Long.MIN_VALUE, Long.MAX_VALUE);
            }
            case "AND" -> masked(analysis, place, left, right);
            default -> joined(left, right);
        };
    }

    /** Saturating: an index that overflows is an error of its own. */
    private static long add(long a, long b) {
        long sum = a + b;
        return ((a ^ sum) & (b ^ sum)) < 0 ? (a < 0 ? Long.MIN_VALUE : Long.MAX_VALUE) : sum;
    }

    private static long multiply(long a, long b) {
        long high = Math.multiplyHigh(a, b);
        long low = a * b;
        return high == 0 && low >= 0 || high == -1 && low < 0 ? low : (a < 0) == (b < 0) ? Long.MAX_VALUE : Long.MIN_VALUE;
    }

    private static Value product(Value left, Value right) {
        long[] ends = {multiply(left.low(), right.low()), multiply(left.low(), right.high()),
            multiply(left.high(), right.low()), multiply(left.high(), right.high())};
        long low = ends[0];
        long high = ends[0];
        for (long end : ends) {
            low = Math.min(low, end);
            high = Math.max(high, end);
        }
        return left.result(right, low, high);
    }

    private static Value divided(Analysis analysis, Analysis.Place place, String operator, Value left, Value right) {
        if (Step.signLost(left) || Step.signLost(right)) {
            analysis.broken(place, Rule.UNSIGNED_INTERMEDIATE, "divided");
        }
        boolean powerOfTwo = right.constant() && right.low() > 1 && Long.bitCount(right.low()) == 1;
        if (powerOfTwo && left.mayBeNegative()) {
            analysis.broken(place, Rule.POWER_OF_TWO_DIVISION, (operator.equals("DIV") ? "/ " : "% ") + right.low());
        }
        long divisor = right.constant() && right.low() > 0 ? right.low() : 1;
        if (operator.equals("DIV")) {
            return left.result(right, left.low() / divisor, left.high() / divisor);
        }
        long most = right.high() == Long.MIN_VALUE ? Long.MAX_VALUE : Math.max(Math.abs(right.high()), Math.abs(Math.max(right.low(), -Long.MAX_VALUE))) - 1;
        return left.result(right, left.mayBeNegative() ? Math.max(left.low(), -most) : 0, Math.min(Math.max(left.high(), 0), most));
    }

    private static Value shiftedLeft(Value left, Value right) {
        long most = left.kind() == 'I' ? Integer.MAX_VALUE : Long.MAX_VALUE;
        long factor = right.constant() && right.low() >= 0 && right.low() < 62 ? 1L << right.low() : 0;
        boolean fits = factor != 0 && left.low() >= 0 && multiply(left.high(), factor) <= most;
        return fits ? left.result(right, left.low() * factor, left.high() * factor) : left.result(right, Long.MIN_VALUE, Long.MAX_VALUE);
    }

    private static Value shiftedRight(Value left, Value right) {
        if (!right.constant()) {
            return left.result(right, Math.min(left.low(), 0), Math.max(left.high(), -1));
        }
        int by = (int) right.low() & (left.kind() == 'I' ? 31 : 63);
        return left.result(right, left.low() >> by, left.high() >> by);
    }

    private static Value masked(Analysis analysis, Analysis.Place place, Value a, Value b) {
        Value mask = b.constant() ? b : a;
        Value value = mask == b ? a : b;
        if (mask.constant() && mask.low() >= 0) {
            if (mask.low() == SHORT_MASK && value.is(Value.FROM_BF16)) {
                analysis.broken(place, Rule.BF16_MASK, "");
            }
            boolean ofByte = mask.low() == BYTE_MASK && within(value, Byte.MIN_VALUE, Byte.MAX_VALUE);
            boolean ofShort = mask.low() == SHORT_MASK && within(value, Short.MIN_VALUE, Short.MAX_VALUE);
            Value result = value.result(mask, 0, value.low() >= 0 ? Math.min(value.high(), mask.low()) : mask.low());
            return value.mayBeNegative() && (ofByte || ofShort) ? result.with(Value.WIDENED) : result;
        }
        if (a.low() >= 0 || b.low() >= 0) {
            return a.result(b, 0, a.low() >= 0 && b.low() >= 0 ? Math.min(a.high(), b.high()) : a.low() >= 0 ? a.high() : b.high());
        }
        return a.result(b, Long.MIN_VALUE, Long.MAX_VALUE);
    }

    private static boolean within(Value value, long least, long most) {
        return value.low() >= least && value.high() <= most;
    }

    /** Or, exclusive or: of non-negative operands no bit beyond the higher one's. */
    private static Value joined(Value left, Value right) {
        if (left.low() < 0 || right.low() < 0) {
            return left.result(right, Long.MIN_VALUE, Long.MAX_VALUE);
        }
        long bits = Long.highestOneBit(Math.max(left.high(), right.high()));
        return left.result(right, 0, bits == 0 ? 0 : (bits << 1) - 1 < 0 ? Long.MAX_VALUE : (bits << 1) - 1);
    }

    static void convert(Analysis analysis, Analysis.Place place, ConvertInstruction convert, Flow.Frame frame) {
        Value value = frame.pop();
        switch (convert.opcode()) {
            case I2F, I2D, I2L, L2F, L2D -> {
                if (Step.signLost(value) && !signDropped(place)) {
                    analysis.broken(place, Rule.UNSIGNED_INTERMEDIATE, "converted");
                }
                String to = convert.opcode().name().substring(2);
                frame.push(to.equals("L") ? value.as('J') : to.equals("F") ? Value.FLOAT : Value.DOUBLE);
            }
            case I2B -> frame.push(narrowed(value, Byte.MIN_VALUE, Byte.MAX_VALUE));
            case I2S -> frame.push(narrowed(value, Short.MIN_VALUE, Short.MAX_VALUE));
            case I2C -> frame.push(narrowed(value, 0, Character.MAX_VALUE));
            case L2I -> frame.push(within(value, Integer.MIN_VALUE, Integer.MAX_VALUE) ? value.as('I')
                    : Value.ints(Integer.MIN_VALUE, Integer.MAX_VALUE));
            case F2I, D2I -> frame.push(Value.ints(Integer.MIN_VALUE, Integer.MAX_VALUE));
            case F2L, D2L -> frame.push(Value.longs(Long.MIN_VALUE, Long.MAX_VALUE));
            default -> frame.push(convert.opcode().name().endsWith("F") ? Value.FLOAT : Value.DOUBLE);
        }
    }

    /** An int packed into half a long: {@code (long) high << 32} or {@code (long) low & 0xFFFFFFFFL}. */
    private static boolean signDropped(Analysis.Place place) {
        List<Instruction> next = place.code().code.subList(place.index() + 1, Math.min(place.code().code.size(), place.index() + 3));
        if (next.size() < 2 || !(next.getFirst() instanceof ConstantInstruction constant)) {
            return false;
        }
        Object by = constant.constantValue();
        return by.equals(32) && next.getLast().opcode() == Opcode.LSHL || by.equals(0xFFFFFFFFL) && next.getLast().opcode() == Opcode.LAND;
    }

    private static Value narrowed(Value value, long least, long most) {
        return within(value, least, most) && !value.is(Value.WIDENED) ? value.from(-1) : Value.ints(least, most);
    }
}
