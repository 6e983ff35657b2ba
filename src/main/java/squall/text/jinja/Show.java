package squall.text.jinja;

import java.math.BigDecimal;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/** Values as text: Python's {@code str} and {@code repr}. */
final class Show {
    private Show() {
    }

    /** As {@code str(value)}, which is also what a template prints. */
    static String text(Run run, Object value) {
        if (value instanceof String text) {
            return text;
        }
        if (value instanceof Markup markup) {
            return markup.text();
        }
        if (value instanceof Undefined) {
            return "";
        }
        return repr(run, value);
    }

    /** The {@code repr} of a name or an index, for messages. */
    static String repr(Object small) {
        StringBuilder out = new StringBuilder();
        if (small instanceof String text) {
            quote(out, text);
        } else {
            out.append(small instanceof Long || small instanceof Boolean ? scalar(small) : Types.name(small));
        }
        return out.toString();
    }

    /** As {@code repr(value)}. */
    static String repr(Run run, Object value) {
        StringBuilder out = new StringBuilder();
        repr(run, out, value);
        run.spendText(out.length());
        return out.toString();
    }

    private static void repr(Run run, StringBuilder out, Object value) {
        run.spend(1);
        if (value == null || Numbers.is(value)) {
            run.spendBits(Numbers.bits(value));
            out.append(value == null ? "None" : scalar(value));
            return;
        }
        switch (value) {
            case String text -> {
                run.spendText((long) out.length() + text.length());
                quote(out, text);
            }
            case Range range -> out.append("range(").append(range.start).append(", ").append(range.stop)
                .append(range.step == 1 ? ")" : ", " + range.step + ")");
            case Tuple tuple -> {
                items(run, out.append('('), tuple.iterator());
                out.append(tuple.size() == 1 ? ",)" : ")");
            }
            case List<?> list -> items(run, out.append('['), list.iterator()).append(']');
            case Map<?, ?> map -> {
                out.append('{');
                String separator = "";
                for (Map.Entry<?, ?> entry : map.entrySet()) {
                    out.append(separator);
                    repr(run, out, entry.getKey());
                    repr(run, out.append(": "), entry.getValue());
                    separator = ", ";
                }
                out.append('}');
            }
            case DictView view -> items(run, out.append(Types.name(view)).append("(["), view.iterator()).append("])");
            case Undefined u -> out.append("Undefined");
            case Namespace namespace -> {
                repr(run, out.append("<Namespace "), namespace.attributes);
                out.append('>');
            }
            case Markup markup -> quote(out.append("Markup("), markup.text()).append(')');
            case Macro macro -> quote(out.append("<Macro "), macro.name()).append('>');
            case Loop loop -> out.append("<LoopContext ").append(loop.index0 + 1).append('/').append(loop.length()).append('>');
            default -> throw new TemplateException("a value of type " + Types.name(value) + " cannot be printed");
        }
    }

    private static StringBuilder items(Run run, StringBuilder out, Iterator<?> items) {
        String separator = "";
        while (items.hasNext()) {
            repr(run, out.append(separator), items.next());
            separator = ", ";
        }
        return out;
    }

    /** A number or truth value as Python writes it. */
    static String scalar(Object value) {
        if (value instanceof Boolean truth) {
            return truth ? "True" : "False";
        }
        if (value instanceof Double real) {
            return real(real);
        }
        String digits = value.toString();
        if (digits.length() > Numbers.MAX_DIGITS + 1) {
            throw new TemplateException("an integer of more than " + Numbers.MAX_DIGITS + " digits cannot be printed");
        }
        return digits;
    }

    /** The shortest digits that give the number back; an exponent below 1e-4 and from 1e16. */
    static String real(double value) {
        if (Double.isNaN(value)) {
            return "nan";
        }
        if (Double.isInfinite(value)) {
            return value > 0 ? "inf" : "-inf";
        }
        if (value == 0) {
            return 1 / value < 0 ? "-0.0" : "0.0";
        }
        BigDecimal decimal = new BigDecimal(Double.toString(Math.abs(value))).stripTrailingZeros();
        String digits = decimal.unscaledValue().toString();
        if (digits.length() == 2) { // Java writes two digits at least, also where one would do
            BigDecimal shorter = decimal.round(new java.math.MathContext(1));
            if (shorter.doubleValue() == Math.abs(value)) {
                decimal = shorter;
                digits = shorter.unscaledValue().toString();
            }
        }
        int exponent = digits.length() - 1 - decimal.scale();
        StringBuilder out = new StringBuilder(value < 0 ? "-" : "");
        if (exponent < -4 || exponent >= 16) {
            out.append(digits.charAt(0));
            if (digits.length() > 1) {
                out.append('.').append(digits, 1, digits.length());
            }
            out.append('e').append(exponent < 0 ? '-' : '+');
            return out.append(Math.abs(exponent) < 10 ? "0" : "").append(Math.abs(exponent)).toString();
        }
        String plain = decimal.toPlainString();
        return out.append(plain).append(plain.indexOf('.') < 0 ? ".0" : "").toString();
    }

    /** A string literal: single quotes unless it has such and no double ones; what does not print is escaped. */
    static StringBuilder quote(StringBuilder out, String text) {
        char quote = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? '"' : '\'';
        out.append(quote);
        for (int i = 0; i < text.length();) {
            int c = text.codePointAt(i);
            i += Character.charCount(c);
            switch (c) {
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                case '\\' -> out.append("\\\\");
                default -> {
                    if (c == quote) {
                        out.append('\\').append(quote);
                    } else if (prints(c)) {
                        out.appendCodePoint(c);
                    } else if (c < 0x100) {
                        hex(out.append("\\x"), c, 2);
                    } else if (c < 0x10000) {
                        hex(out.append("\\u"), c, 4);
                    } else {
                        hex(out.append("\\U"), c, 8);
                    }
                }
            }
        }
        return out.append(quote);
    }

    private static boolean prints(int c) {
        if (c >= ' ' && c < 0x7f) {
            return true;
        }
        return switch (Character.getType(c)) {
            case Character.CONTROL, Character.FORMAT, Character.SURROGATE, Character.PRIVATE_USE, Character.UNASSIGNED,
                Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR, Character.SPACE_SEPARATOR -> false;
            default -> true;
        };
    }

    static void hex(StringBuilder out, int value, int digits) {
        for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) {
            out.append(Character.forDigit(value >> shift & 15, 16));
        }
    }
}
