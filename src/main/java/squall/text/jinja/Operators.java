package squall.text.jinja;

import java.util.ArrayList;
import java.util.List;

/** The operators of expressions, by the types of their operands. */
final class Operators {
    private Operators() {
    }

    static Object unary(char operator, Object operand) {
        if (operand instanceof Undefined undefined) {
            throw undefined.error();
        }
        if (!Numbers.is(operand)) {
            throw new TemplateException("'" + operator + "' needs a number, found " + Types.name(operand));
        }
        if (operator == '-') {
            return Numbers.negate(operand);
        }
        return operand instanceof Boolean ? Numbers.narrow(Numbers.big(operand)) : operand;
    }

    static Object binary(Run run, String operator, Object a, Object b) {
        if (operator.equals("%") && Types.text(a) != null) {
            if (a instanceof Markup) {
                throw new TemplateException("'%' on a string marked as safe is not supported");
            }
            return Printf.format(run, Types.text(a), b);
        }
        if (a instanceof Undefined undefined) {
            throw undefined.error();
        }
        if (b instanceof Undefined undefined) {
            throw undefined.error();
        }
        if (Numbers.is(a) && Numbers.is(b)) {
            run.spendBits(Numbers.bits(a) + Numbers.bits(b));
            return switch (operator) {
                case "+" -> Numbers.add(a, b);
                case "-" -> Numbers.subtract(a, b);
                case "*" -> Numbers.multiply(a, b);
                case "/" -> Numbers.divide(a, b);
                case "//" -> Numbers.floorDivide(a, b);
                case "%" -> Numbers.modulo(a, b);
                default -> {
                    run.spendBits(Numbers.MAX_BITS / 4);
                    yield Numbers.power(a, b);
                }
            };
        }
        Object result = switch (operator) {
            case "+" -> join(run, a, b);
            case "*" -> Numbers.isInteger(b) ? repeat(run, a, b) : Numbers.isInteger(a) ? repeat(run, b, a) : null;
            default -> null;
        };
        if (result == null) {
            throw new TemplateException("'" + operator + "' is not supported between " + Types.name(a) + " and " + Types.name(b));
        }
        return result;
    }

    private static Object join(Run run, Object a, Object b) {
        String x = Types.text(a);
        String y = Types.text(b);
        if (x != null && y != null) {
            run.spendText((long) x.length() + y.length());
            if (a instanceof Markup || b instanceof Markup) {
                return new Markup((a instanceof Markup ? x : Markup.escape(x)) + (b instanceof Markup ? y : Markup.escape(y)));
            }
            return x.concat(y);
        }
        if (a instanceof List<?> p && b instanceof List<?> q && Types.name(a).equals(Types.name(b)) && !(a instanceof Range)) {
            run.spend(p.size() + q.size());
            List<Object> items = new ArrayList<>(p.size() + q.size());
            items.addAll(p);
            items.addAll(q);
            return a instanceof Tuple ? Tuple.of(items) : items;
        }
        return null;
    }

    private static Object repeat(Run run, Object sequence, Object count) {
        long times = Math.max(0, Numbers.small(count, "a count"));
        String text = Types.text(sequence);
        if (text != null) {
            run.spendText(text.length() * times);
            return Items.rewrap(sequence, text.isEmpty() ? "" : text.repeat((int) times));
        }
        if (!(sequence instanceof List<?> list) || sequence instanceof Range) {
            return null;
        }
        List<Object> items = new ArrayList<>();
        run.spend(list.size() * times);
        for (long i = 0; !list.isEmpty() && i < times; i++) {
            items.addAll(list);
        }
        return sequence instanceof Tuple ? Tuple.of(items) : items;
    }

    static boolean compare(Run run, String operator, Object a, Object b) {
        return switch (operator) {
            case "==" -> Types.equal(run, a, b);
            case "!=" -> !Types.equal(run, a, b);
            case "in" -> Types.contains(run, b, a);
            case "not in" -> !Types.contains(run, b, a);
            default -> Types.ordered(run, operator, a, b);
        };
    }
}
