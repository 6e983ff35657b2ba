package squall.text.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** {@code tojson}: Python's {@code json.dumps(value, ensure_ascii=False)} with its other arguments. */
final class Json {
    private final Run run;
    private final StringBuilder out = new StringBuilder();
    private final boolean ascii;
    private final boolean sorted;
    private final String indent;
    private final String itemSeparator;
    private final String keySeparator;

    private Json(Run run, Object[] options) {
        this.run = run;
        this.ascii = Types.truth(Arguments.or(options[1], false));
        this.indent = indent(run, Arguments.or(options[2], null));
        this.sorted = Types.truth(Arguments.or(options[4], false));
        Object separators = Arguments.or(options[3], null);
        if (separators == null) {
            itemSeparator = indent == null ? ", " : ",";
            keySeparator = ": ";
        } else {
            List<Object> both = Types.list(run, separators);
            if (both.size() != 2 || Types.text(both.get(0)) == null || Types.text(both.get(1)) == null) {
                throw new TemplateException("tojson: separators must be two strings");
            }
            itemSeparator = Types.text(both.get(0));
            keySeparator = Types.text(both.get(1));
        }
    }

    static String filter(Run run, Object value, Arguments arguments) {
        List<Object> positional = new ArrayList<>();
        positional.add(value);
        positional.addAll(arguments.positional());
        Object[] options = new Arguments(positional, arguments.named())
            .bind("tojson", 1, "x", "ensure_ascii", "indent", "separators", "sort_keys");
        Json json = new Json(run, options);
        json.value(value, 0);
        run.spendText(json.out.length());
        return json.out.toString();
    }

    private static String indent(Run run, Object indent) {
        if (indent == null || Types.text(indent) != null) {
            return Types.text(indent);
        }
        int width = Math.max(0, Numbers.small(indent, "tojson: indent"));
        run.spendText(width);
        return " ".repeat(width);
    }

    private void value(Object value, int depth) {
        run.spend(1);
        String text = Types.text(value);
        if (text != null) {
            quote(text);
        } else if (value instanceof Map<?, ?> map) {
            object(map, depth);
        } else if (value instanceof List<?> list && !(value instanceof Range)) {
            array(list, depth);
        } else if (value == null || value instanceof Boolean) {
            out.append(value == null ? "null" : value.toString());
        } else if (value instanceof Double real) {
            out.append(real(real));
        } else if (Numbers.is(value)) {
            run.spendBits(Numbers.bits(value));
            out.append(Show.scalar(value));
        } else {
            throw unserializable(value);
        }
    }

    private void array(List<?> list, int depth) {
        out.append('[');
        for (int i = 0; i < list.size(); i++) {
            item(i, depth);
            value(list.get(i), depth + 1);
        }
        close(']', list.size(), depth);
    }

    private void object(Map<?, ?> map, int depth) {
        out.append('{');
        int i = 0;
        for (Map.Entry<?, ?> entry : entries(map)) {
            item(i++, depth);
            Object key = entry.getKey();
            quote(key instanceof String name ? name : key == null ? "null" : Show.scalar(key));
            out.append(keySeparator);
            value(entry.getValue(), depth + 1);
        }
        close('}', map.size(), depth);
    }

    private List<Map.Entry<?, ?>> entries(Map<?, ?> map) {
        List<Map.Entry<?, ?>> entries = new ArrayList<>(map.entrySet());
        if (sorted) {
            entries.sort((a, b) -> Types.compare(run, "<", a.getKey(), b.getKey()));
        }
        return entries;
    }

    private void item(int index, int depth) {
        run.spendText(itemSeparator.length() + keySeparator.length());
        if (index > 0) {
            out.append(itemSeparator);
        }
        newline(depth + 1);
    }

    private void close(char bracket, int size, int depth) {
        if (size > 0) {
            newline(depth);
        }
        out.append(bracket);
    }

    private void newline(int depth) {
        if (indent != null) {
            run.spendText((long) depth * indent.length());
            out.append('\n').repeat(indent, depth);
        }
    }

    private static String real(double value) {
        if (Double.isNaN(value)) {
            return "NaN";
        }
        return Double.isInfinite(value) ? value > 0 ? "Infinity" : "-Infinity" : Show.real(value);
    }

    private void quote(String text) {
        run.spendText(text.length());
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '"' -> out.append("\\\"");
                case '\\' -> out.append("\\\\");
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                case '\f' -> out.append("\\f");
                case '\b' -> out.append("\\b");
                default -> {
                    if (c < ' ' || ascii && c > '~') {
                        Show.hex(out.append("\\u"), c, 4);
                    } else {
                        out.append(c);
                    }
                }
            }
        }
        out.append('"');
    }

    private static TemplateException unserializable(Object value) {
        String what = value instanceof Undefined undefined ? undefined.message() : "found " + Types.name(value);
        return new TemplateException("tojson takes strings, numbers, lists and mappings: " + what);
    }
}
