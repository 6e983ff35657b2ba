package squall.text.jinja;

import java.util.List;
import java.util.Map;

/** {@code str.format}: fields by position or name, with attributes, elements, {@code !s}, {@code !r} and a layout. */
final class Format {
    private final Run run;
    private final String format;
    private final Arguments arguments;
    private int at;
    private int next;

    private Format(Run run, String format, Arguments arguments) {
        this.run = run;
        this.format = format;
        this.arguments = arguments;
    }

    static String format(Run run, String format, Arguments arguments) {
        return new Format(run, format, arguments).format();
    }

    private String format() {
        StringBuilder out = new StringBuilder();
        while (at < format.length()) {
            char c = format.charAt(at++);
            if ((c == '{' || c == '}') && at < format.length() && format.charAt(at) == c) {
                at++;
                out.append(c);
            } else if (c == '}') {
                throw new TemplateException("a single '}' in a format string");
            } else if (c != '{') {
                out.append(c);
            } else {
                int end = format.indexOf('}', at);
                int nested = format.indexOf('{', at);
                if (end < 0 || nested >= 0 && nested < end) {
                    throw new TemplateException(end < 0 ? "a single '{' in a format string" : "nested format fields are not supported");
                }
                String piece = field(format.substring(at, end));
                run.spendText((long) out.length() + piece.length());
                out.append(piece);
                at = end + 1;
            }
        }
        return out.toString();
    }

    private String field(String field) {
        int colon = field.indexOf(':');
        String layout = colon < 0 ? "" : field.substring(colon + 1);
        String rest = colon < 0 ? field : field.substring(0, colon);
        int bang = rest.indexOf('!');
        String conversion = bang < 0 ? "" : rest.substring(bang + 1);
        Object value = lookup(bang < 0 ? rest : rest.substring(0, bang));
        switch (conversion) {
            case "" -> { }
            case "s" -> value = Show.text(run, value);
            case "r" -> value = Show.repr(run, value);
            default -> throw new TemplateException("the conversion '!" + conversion + "' is not supported");
        }
        return layout.isEmpty() ? Show.text(run, value) : laidOut(value, layout);
    }

    private Object lookup(String path) {
        int i = 0;
        while (i < path.length() && path.charAt(i) != '.' && path.charAt(i) != '[') {
            i++;
        }
        Object value = first(path.substring(0, i));
        while (i < path.length()) {
            boolean element = path.charAt(i) == '[';
            int end = element ? path.indexOf(']', i) : i + 1;
            while (!element && end < path.length() && path.charAt(end) != '.' && path.charAt(end) != '[') {
                end++;
            }
            if (end < 0 || end == i + 1) {
                throw new TemplateException("the format field " + Show.repr(path) + " is not complete");
            }
            String name = path.substring(i + 1, end);
            value = element ? Items.get(value, index(name)) : Attributes.get(value, name);
            i = element ? end + 1 : end;
        }
        return value;
    }

    private Object first(String name) {
        Object index = name.isEmpty() ? (Object) (long) next++ : index(name);
        if (index instanceof Long position) {
            List<Object> positional = arguments.positional();
            if (position >= positional.size()) {
                throw new TemplateException("a format field has no value: " + position);
            }
            return positional.get(position.intValue());
        }
        Map<String, Object> named = arguments.named();
        if (!named.containsKey(name)) {
            throw new TemplateException("a format field has no value: " + Show.repr(name));
        }
        return named.get(name);
    }

    private static Object index(String name) {
        boolean digits = !name.isEmpty() && name.length() < 10 && name.chars().allMatch(c -> c >= '0' && c <= '9');
        return digits ? (Object) Long.valueOf(name) : name;
    }

    private String laidOut(Object value, String layout) {
        int i = 0;
        String fill = " ";
        char align = 0;
        int afterFill = layout.offsetByCodePoints(0, 1);
        if (afterFill < layout.length() && "<>=^".indexOf(layout.charAt(afterFill)) >= 0) {
            fill = layout.substring(0, afterFill);
            align = layout.charAt(afterFill);
            i = afterFill + 1;
        } else if ("<>=^".indexOf(layout.charAt(0)) >= 0) {
            align = layout.charAt(i++);
        }
        char sign = charAt(layout, i, "+- ");
        i += sign == 0 ? 0 : 1;
        if (charAt(layout, i, "0") != 0) {
            fill = align == 0 ? "0" : fill;
            align = align == 0 ? '=' : align;
            i++;
        }
        int widthEnd = digits(layout, i);
        int width = widthEnd == i ? 0 : Integer.parseInt(layout.substring(i, widthEnd));
        char grouping = charAt(layout, widthEnd, ",_");
        i = widthEnd + (grouping == 0 ? 0 : 1);
        int precision = -1;
        if (charAt(layout, i, ".") != 0) {
            int end = digits(layout, i + 1);
            precision = end == i + 1 ? -2 : Integer.parseInt(layout.substring(i + 1, end));
            i = end;
        }
        String type = layout.substring(i);
        Spec spec = new Spec(fill, align, sign == 0 ? '-' : sign, width, grouping, precision);
        String text = precision == -2 ? null : typed(value, spec, type, sign != 0);
        if (text == null) {
            throw new TemplateException("the format layout " + Show.repr(layout) + " is not supported for " + Types.name(value));
        }
        return text;
    }

    /** The value laid out, or null if that is not supported. */
    private String typed(Object value, Spec spec, String type, boolean signed) {
        if (Types.text(value) != null) {
            boolean plain = !signed && spec.grouping() == 0 && spec.align() != '=';
            return plain && (type.isEmpty() || type.equals("s")) ? spec.text(run, Types.text(value)) : null;
        }
        if (type.length() == 1 && "fF%".indexOf(type.charAt(0)) >= 0 && Numbers.is(value)) {
            return spec.number(run, value, type.charAt(0));
        }
        boolean integer = Numbers.isInteger(value) && !(value instanceof Boolean && type.isEmpty()) && spec.precision() < 0;
        if (integer && (type.isEmpty() || type.length() == 1 && "dxXob".indexOf(type.charAt(0)) >= 0)) {
            boolean commas = spec.grouping() == ',' && !type.isEmpty() && !type.equals("d");
            boolean zeroGroups = spec.grouping() != 0 && spec.align() == '=';
            return commas || zeroGroups ? null : spec.number(run, value, type.isEmpty() ? 'd' : type.charAt(0));
        }
        return null;
    }

    private static char charAt(String text, int i, String allowed) {
        return i < text.length() && allowed.indexOf(text.charAt(i)) >= 0 ? text.charAt(i) : 0;
    }

    private static int digits(String text, int from) {
        int i = from;
        while (charAt(text, i, "0123456789") != 0) {
            i++;
        }
        if (i - from > 9) {
            throw new TemplateException("a width or precision in a format is too large");
        }
        return i;
    }
}
