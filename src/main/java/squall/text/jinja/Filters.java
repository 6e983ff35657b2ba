package squall.text.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The filters of {@code value | filter(arguments)}: here those on text and single values. */
final class Filters {
    private Filters() {
    }

    static boolean exists(String name) {
        return switch (name) {
            case "abs", "attr", "capitalize", "center", "d", "default", "e", "escape", "float", "forceescape", "format", "indent",
                "int", "lower", "replace", "round", "safe", "string", "title", "tojson", "trim", "truncate", "upper",
                "wordcount" -> true;
            default -> SequenceFilters.exists(name);
        };
    }

    static Object apply(Run run, String name, Object value, Arguments arguments) {
        return switch (name) {
            case "tojson" -> Json.filter(run, value, arguments);
            case "d", "default" -> {
                Object[] options = arguments.bind(name, 0, "default_value", "boolean");
                boolean falseToo = Types.truth(Arguments.or(options[1], false));
                yield value instanceof Undefined || falseToo && !Types.truth(value) ? Arguments.or(options[0], "") : value;
            }
            case "trim" -> {
                Object chars = Arguments.or(arguments.bind(name, 0, "chars")[0], null);
                String text = Show.text(run, value);
                run.spendText(text.length());
                String set = chars == null ? null : StringMethods.string(chars, "trim");
                yield Items.rewrap(value, StringMethods.strip(run, text, set, true, true));
            }
            case "string" -> bare(name, arguments, value instanceof Markup ? value : Show.text(run, value));
            case "safe" -> bare(name, arguments, new Markup(Show.text(run, value)));
            case "e", "escape" -> bare(name, arguments, value instanceof Markup ? value : escaped(run, value));
            case "forceescape" -> bare(name, arguments, escaped(run, value));
            case "upper", "lower", "capitalize" -> {
                arguments.bind(name, 0);
                String text = Show.text(run, value);
                run.spendText(text.length());
                yield Items.rewrap(value, (String) Letters.call(text, name));
            }
            case "replace" -> replace(run, value, arguments);
            case "int" -> Conversions.integer(value, arguments);
            case "float" -> Conversions.real(value, arguments);
            case "round" -> Conversions.round(value, arguments);
            case "abs" -> bare(name, arguments, absolute(value));
            case "attr" -> attribute(value, arguments);
            case "title", "wordcount", "center", "indent", "truncate", "format" ->
                ofText(run, name, value, arguments);
            default -> SequenceFilters.apply(run, name, value, arguments);
        };
    }

    private static Object bare(String name, Arguments arguments, Object result) {
        arguments.bind(name, 0);
        return result;
    }

    private static Markup escaped(Run run, Object value) {
        String text = Show.text(run, value);
        run.spendText(text.length());
        return new Markup(Markup.escape(text));
    }

    private static String replace(Run run, Object value, Arguments arguments) {
        Object[] options = arguments.bind("replace", 2, "old", "new", "count");
        Object count = Arguments.or(options[2], null);
        return StringMethods.replace(run, Show.text(run, value), Show.text(run, options[0]), Show.text(run, options[1]),
            count == null ? -1 : Numbers.small(count, "a count"));
    }

    private static Object absolute(Object value) {
        if (value instanceof Double real) {
            return Math.abs(real);
        }
        if (!Numbers.isInteger(value)) {
            throw new TemplateException("abs needs a number, found " + Types.name(value));
        }
        return Numbers.narrow(Numbers.big(value).abs());
    }

    private static Object attribute(Object value, Arguments arguments) {
        String name = StringMethods.string(arguments.bind("attr", 1, "name")[0], "attr");
        if (value instanceof Undefined undefined) {
            throw undefined.error();
        }
        Object own = Attributes.own(value, name);
        return own == Arguments.MISSING ? Undefined.attribute(value, name) : own;
    }

    private static Object ofText(Run run, String name, Object value, Arguments arguments) {
        String text = Show.text(run, value);
        run.spendText(text.length());
        return switch (name) {
            case "title" -> bare(name, arguments, title(text));
            case "wordcount" -> bare(name, arguments, words(text));
            case "center" -> {
                int width = Numbers.small(Arguments.or(arguments.bind(name, 0, "width")[0], 80L), "a width");
                yield Items.rewrap(value, StringMethods.pad(run, text, width, " ", 'c'));
            }
            case "indent" -> {
                StringMethods.string(value, name);
                yield Items.rewrap(value, indent(run, text, arguments));
            }
            case "truncate" -> {
                StringMethods.string(value, name);
                yield Items.rewrap(value, truncate(run, text, arguments));
            }
            default -> {
                if (!arguments.positional().isEmpty() && !arguments.named().isEmpty() || value instanceof Markup) {
                    throw new TemplateException("format takes either positional or keyword arguments");
                }
                Map<String, Object> named = arguments.named();
                yield Printf.format(run, text, named.isEmpty() ? Tuple.of(arguments.positional()) : named);
            }
        };
    }

    /** Each part after a blank, a dash or an opening bracket with a capital first and small letters after. */
    private static String title(String text) {
        StringBuilder out = new StringBuilder(text.length());
        int start = 0;
        for (int i = 0; i <= text.length(); i++) {
            boolean boundary = i == text.length() || Blanks.is(text.charAt(i)) || "-({[<".indexOf(text.charAt(i)) >= 0;
            if (boundary) {
                if (i > start) {
                    int first = text.offsetByCodePoints(start, 1);
                    out.append(text.substring(start, first).toUpperCase(java.util.Locale.ROOT));
                    out.append(text.substring(first, i).toLowerCase(java.util.Locale.ROOT));
                }
                if (i < text.length()) {
                    out.append(text.charAt(i));
                }
                start = i + 1;
            }
        }
        return out.toString();
    }

    private static long words(String text) {
        long count = 0;
        boolean inWord = false;
        for (int c : text.codePoints().toArray()) {
            boolean letter = c == '_' || Character.isLetterOrDigit(c) || Character.getType(c) == Character.LETTER_NUMBER
                || Character.getType(c) == Character.OTHER_NUMBER;
            count += letter && !inWord ? 1 : 0;
            inWord = letter;
        }
        return count;
    }

    private static String indent(Run run, String text, Arguments arguments) {
        Object[] options = arguments.bind("indent", 0, "width", "first", "blank");
        Object width = Arguments.or(options[0], 4L);
        String indent = Types.text(width);
        if (indent == null) {
            int blanks = Math.max(0, Numbers.small(width, "the width of indent"));
            run.spendText(blanks);
            indent = " ".repeat(blanks);
        }
        boolean blankToo = Types.truth(Arguments.or(options[2], false));
        StringBuilder out = new StringBuilder(Types.truth(Arguments.or(options[1], false)) ? indent : "");
        List<Object> lines = Lines.split(text + "\n", false);
        for (int i = 0; i < lines.size(); i++) {
            String line = (String) lines.get(i);
            String margin = i > 0 && (blankToo || !line.isEmpty()) ? indent : "";
            run.spendText((long) out.length() + margin.length() + line.length() > Integer.MAX_VALUE / 2
                ? Long.MAX_VALUE : margin.length() + line.length());
            out.append(i > 0 ? "\n" : "").append(margin).append(line);
        }
        return out.toString();
    }

    private static String truncate(Run run, String text, Arguments arguments) {
        Object[] options = arguments.bind("truncate", 0, "length", "killwords", "end", "leeway");
        int length = Numbers.small(Arguments.or(options[0], 255L), "the length of truncate");
        boolean cut = Types.truth(Arguments.or(options[1], false));
        String end = StringMethods.string(Arguments.or(options[2], "..."), "truncate");
        Object given = Arguments.or(options[3], null);
        int leeway = given == null ? 5 : Numbers.small(given, "the leeway of truncate");
        int kept = length - end.codePointCount(0, end.length());
        if (kept < 0 || leeway < 0) {
            throw new TemplateException("truncate: the length must not be below that of its end mark, the leeway not below 0");
        }
        if (text.codePointCount(0, text.length()) <= (long) length + leeway) {
            return text;
        }
        String start = text.substring(0, text.offsetByCodePoints(0, kept));
        int blank = start.lastIndexOf(' ');
        return (cut || blank < 0 ? start : start.substring(0, blank)) + end;
    }

    /** The filter named by an argument of {@code map}. */
    static Object named(Run run, List<Object> filter, Map<String, Object> options, Object value) {
        if (!(filter.getFirst() instanceof String name)) {
            throw new TemplateException("the name of a filter must be a string");
        }
        return apply(run, name, value, new Arguments(new ArrayList<>(filter.subList(1, filter.size())), options));
    }
}
