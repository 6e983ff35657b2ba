package squall.text.jinja;

import java.util.List;
import java.util.Map;

/** {@code text % values} and the filter {@code format}: the conversions {@code s r d i u x X o f F c %}. */
final class Printf {
    private final Run run;
    private final String format;
    private final Object values;
    private final List<?> list;
    private int at;
    private int taken;

    private Printf(Run run, String format, Object values) {
        this.run = run;
        this.format = format;
        this.values = values;
        this.list = values instanceof Tuple tuple ? tuple : java.util.Collections.singletonList(values);
    }

    static String format(Run run, String format, Object values) {
        return new Printf(run, format, values).format();
    }

    private String format() {
        StringBuilder out = new StringBuilder();
        boolean named = false;
        while (at < format.length()) {
            char c = format.charAt(at++);
            if (c != '%') {
                out.append(c);
                continue;
            }
            named |= at < format.length() && format.charAt(at) == '(';
            String piece = conversion();
            run.spendText((long) out.length() + piece.length());
            out.append(piece);
        }
        boolean sole = values instanceof Undefined || values instanceof Map<?, ?> || values instanceof List<?> && !(values instanceof Tuple);
        if (!named && !sole && taken < list.size()) {
            throw new TemplateException("not all values are used by the format " + Show.repr(format));
        }
        return out.toString();
    }

    private String conversion() {
        Object value = Arguments.MISSING;
        if (peek() == '(') {
            int end = format.indexOf(')', at);
            if (end < 0 || !(values instanceof Map<?, ?> map)) {
                throw new TemplateException("the format " + Show.repr(format) + " needs a mapping");
            }
            String key = format.substring(at + 1, end);
            if (!map.containsKey(key)) {
                throw new TemplateException("the format has no value for " + Show.repr(key));
            }
            value = map.get(key);
            at = end + 1;
        }
        String flags = "";
        while (peek() != 0 && "-+ 0#".indexOf(peek()) >= 0) {
            flags += format.charAt(at++);
        }
        int width = digits();
        int precision = -1;
        if (peek() == '.') {
            at++;
            precision = Math.max(0, digits());
        }
        char type = peek();
        at++;
        if (type == '%') {
            return "%";
        }
        if (flags.indexOf('#') >= 0 || "srdiuxXofFc".indexOf(type) < 0) {
            throw new TemplateException("the conversion '%" + flags + (type == 0 ? "" : type) + "' is not supported");
        }
        if (value == Arguments.MISSING) {
            if (taken >= list.size()) {
                throw new TemplateException("too few values for the format " + Show.repr(format));
            }
            value = list.get(taken++);
        }
        return converted(value, type, flags, Math.max(0, width), precision);
    }

    private String converted(Object value, char type, String flags, int width, int precision) {
        boolean left = flags.indexOf('-') >= 0;
        char sign = flags.indexOf('+') >= 0 ? '+' : flags.indexOf(' ') >= 0 ? ' ' : '-';
        boolean zeros = flags.indexOf('0') >= 0 && !left;
        if (type == 's' || type == 'r' || type == 'c') {
            String text = type == 's' ? Show.text(run, value) : type == 'r' ? Show.repr(run, value) : character(value);
            return new Spec(" ", left ? '<' : '>', '-', width, (char) 0, type == 'c' ? -1 : precision).text(run, text);
        }
        if (value instanceof Undefined undefined) {
            throw undefined.error();
        }
        boolean real = type == 'f' || type == 'F';
        if (!Numbers.is(value) || value instanceof Double && "xXo".indexOf(type) >= 0) {
            throw new TemplateException("'%" + type + "' needs a number, found " + Types.name(value));
        }
        if (precision >= 0 && !real) {
            throw new TemplateException("a precision with '%" + type + "' is not supported");
        }
        Object number = !real && value instanceof Double whole ? Conversions.truncate(whole) : value;
        char kind = real || "xXo".indexOf(type) >= 0 ? type : 'd';
        return new Spec(zeros ? "0" : " ", left ? '<' : zeros ? '=' : '>', sign, width, (char) 0, precision).number(run, number, kind);
    }

    private static String character(Object value) {
        String text = Types.text(value);
        if (text != null && text.codePointCount(0, text.length()) == 1) {
            return text;
        }
        if (!(value instanceof Long code) || code < 0 || code > Character.MAX_CODE_POINT) {
            throw new TemplateException("'%c' needs one character");
        }
        return Character.toString(code.intValue());
    }

    private char peek() {
        return at < format.length() ? format.charAt(at) : 0;
    }

    private int digits() {
        int start = at;
        while (peek() >= '0' && peek() <= '9') {
            at++;
        }
        if (at - start > 9) {
            throw new TemplateException("a width or precision in a format is too large");
        }
        return at == start ? -1 : Integer.parseInt(format.substring(start, at));
    }
}
