package squall.text.jinja;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/** The methods of Python strings. */
final class StringMethods {
    private StringMethods() {
    }

    static Object call(Run run, Object receiver, String name, Arguments arguments) {
        String text = Types.text(receiver);
        if (!(receiver instanceof Markup)) {
            return call(run, text, name, arguments);
        }
        // methods of marked strings escape their arguments: supported where that changes nothing
        for (Object argument : arguments.positional()) {
            String part = Types.text(argument);
            if (name.equals("join") || name.equals("format") || part != null && !Markup.escape(part).equals(part)) {
                throw new TemplateException("str." + name + "() of a string marked as safe is not supported");
            }
        }
        Object result = call(run, text, name, arguments);
        if (result instanceof List<?> pieces) {
            List<Object> marked = new ArrayList<>();
            pieces.forEach(piece -> marked.add(new Markup((String) piece)));
            return result instanceof Tuple ? Tuple.of(marked) : marked;
        }
        return result instanceof String piece ? new Markup(piece) : result;
    }

    private static Object call(Run run, String text, String method, Arguments arguments) {
        run.spendText(text.length());
        return switch (method) {
            case "strip", "lstrip", "rstrip" -> {
                Object chars = Arguments.or(arguments.bindPositional(method, 0, "chars")[0], null);
                yield strip(run, text, chars == null ? null : string(chars, method),
                    !method.equals("rstrip"), !method.equals("lstrip"));
            }
            case "startswith", "endswith" ->
                affix(text, method.equals("startswith"), arguments.bindPositional(method, 1, "affix", "start", "end"), method);
            case "split", "rsplit" ->
                split(run, text, method.equals("rsplit"), arguments.bind(method, 0, "sep", "maxsplit"), method);
            case "splitlines" -> Lines.split(text, Types.truth(Arguments.or(arguments.bind(method, 0, "keepends")[0], false)));
            case "replace" -> {
                Object[] values = arguments.bindPositional(method, 2, "old", "new", "count");
                yield replace(run, text, string(values[0], method), string(values[1], method),
                    Numbers.small(Arguments.or(values[2], -1L), "a count"));
            }
            case "join" -> join(run, text, arguments.bindPositional(method, 1, "items")[0], method);
            case "find", "rfind", "index", "rindex", "count" ->
                search(run, text, method, arguments.bindPositional(method, 1, "part", "start", "end"));
            case "partition", "rpartition" ->
                partition(run, text, string(arguments.bindPositional(method, 1, "sep")[0], method), method.charAt(0) == 'r');
            case "removeprefix" -> {
                String prefix = string(arguments.bindPositional(method, 1, "prefix")[0], method);
                yield text.startsWith(prefix) ? text.substring(prefix.length()) : text;
            }
            case "removesuffix" -> {
                String suffix = string(arguments.bindPositional(method, 1, "suffix")[0], method);
                yield text.endsWith(suffix) ? text.substring(0, text.length() - suffix.length()) : text;
            }
            case "ljust", "rjust", "center" -> {
                Object[] values = arguments.bindPositional(method, 1, "width", "fill");
                yield pad(run, text, Numbers.small(values[0], "a width"), string(Arguments.or(values[1], " "), method),
                    method.charAt(0));
            }
            case "zfill" -> zeroFill(run, text, Numbers.small(arguments.bindPositional(method, 1, "width")[0], "a width"));
            case "format" -> Format.format(run, text, arguments);
            default -> {
                arguments.bindPositional(method, 0);
                yield Letters.call(text, method);
            }
        };
    }

    static String string(Object value, String where) {
        String text = Types.text(value);
        if (text == null) {
            throw new TemplateException(where + " needs a string, found " + Types.name(value));
        }
        return text;
    }

    /** @param chars the characters to take away, or null for white space */
    static String strip(Run run, String text, String chars, boolean left, boolean right) {
        if (chars == null) {
            String rest = right ? Blanks.stripEnd(text) : text;
            return left ? Blanks.stripStart(rest) : rest;
        }
        run.spendSearch(text.length(), chars.length());
        int start = 0;
        int end = text.length();
        while (left && start < end && chars.indexOf(text.codePointAt(start)) >= 0) {
            start += Character.charCount(text.codePointAt(start));
        }
        while (right && end > start && chars.indexOf(text.codePointBefore(end)) >= 0) {
            end -= Character.charCount(text.codePointBefore(end));
        }
        return text.substring(start, end);
    }

    private static boolean affix(String text, boolean start, Object[] values, String method) {
        String part = text;
        if (values[1] != Arguments.MISSING || values[2] != Arguments.MISSING) {
            int length = text.codePointCount(0, text.length());
            int from = CollectionMethods.edge(Arguments.or(values[1], 0L), length);
            int to = CollectionMethods.edge(Arguments.or(values[2], (long) length), length);
            if (from > to || values[1] instanceof Long given && given > length) {
                return false;
            }
            part = text.substring(text.offsetByCodePoints(0, from), text.offsetByCodePoints(0, to));
        }
        List<?> affixes = values[0] instanceof Tuple tuple ? tuple : List.of(string(values[0], method));
        for (Object affix : affixes) {
            String wanted = string(affix, method);
            if (start ? part.startsWith(wanted) : part.endsWith(wanted)) {
                return true;
            }
        }
        return false;
    }

    private static List<Object> split(Run run, String text, boolean fromEnd, Object[] values, String method) {
        Object separator = Arguments.or(values[0], null);
        int most = Numbers.small(Arguments.or(values[1], -1L), "maxsplit");
        int limit = most < 0 ? Integer.MAX_VALUE : most;
        List<Object> parts = new ArrayList<>();
        if (separator == null) {
            splitBlanks(text, fromEnd, limit, parts);
        } else {
            String mark = string(separator, method);
            if (mark.isEmpty()) {
                throw new TemplateException(method + ": the separator is empty");
            }
            run.spendSearch(text.length(), mark.length());
            splitAt(text, mark, fromEnd, limit, parts);
        }
        run.spend(parts.size());
        return fromEnd ? new ArrayList<>(parts.reversed()) : parts;
    }

    private static void splitAt(String text, String mark, boolean fromEnd, int limit, List<Object> parts) {
        if (fromEnd) {
            int end = text.length();
            for (int i; parts.size() < limit && (i = text.lastIndexOf(mark, end - mark.length())) >= 0 && end >= mark.length(); end = i) {
                parts.add(text.substring(i + mark.length(), end));
            }
            parts.add(text.substring(0, end));
            return;
        }
        int start = 0;
        for (int i; parts.size() < limit && (i = text.indexOf(mark, start)) >= 0; start = i + mark.length()) {
            parts.add(text.substring(start, i));
        }
        parts.add(text.substring(start));
    }

    /** At runs of white space, with none at the ends. The rest after the last split keeps its inner blanks. */
    private static void splitBlanks(String text, boolean fromEnd, int limit, List<Object> parts) {
        int start = 0;
        int end = text.length();
        while (true) {
            while (start < end && Blanks.is(text.charAt(fromEnd ? end - 1 : start))) {
                if (fromEnd) {
                    end--;
                } else {
                    start++;
                }
            }
            if (start == end || parts.size() == limit) {
                break;
            }
            int i = fromEnd ? end : start;
            while (fromEnd ? i > start && !Blanks.is(text.charAt(i - 1)) : i < end && !Blanks.is(text.charAt(i))) {
                i += fromEnd ? -1 : 1;
            }
            parts.add(fromEnd ? text.substring(i, end) : text.substring(start, i));
            if (fromEnd) {
                end = i;
            } else {
                start = i;
            }
        }
        if (start < end) {
            parts.add(text.substring(start, end));
        }
    }

    static String replace(Run run, String text, String old, String replacement, int count) {
        run.spendSearch(text.length(), old.length());
        int limit = count < 0 ? Integer.MAX_VALUE : count;
        StringBuilder out = new StringBuilder();
        int at = 0;
        for (int done = 0; done < limit; done++) {
            int found = old.isEmpty() ? nextGap(text, at, done) : text.indexOf(old, at);
            if (found < 0) {
                break;
            }
            run.spendText((long) out.length() + found - at + replacement.length() > Integer.MAX_VALUE / 2
                ? Long.MAX_VALUE : found - at + replacement.length());
            out.append(text, at, found).append(replacement);
            at = found + old.length();
        }
        return at == 0 && out.isEmpty() ? text : out.append(text, at, text.length()).toString();
    }

    /** An empty string is found before each character and at the end. */
    private static int nextGap(String text, int at, int done) {
        if (done == 0) {
            return 0;
        }
        return at >= text.length() ? -1 : text.offsetByCodePoints(at, 1);
    }

    static String join(Run run, String separator, Object items, String method) {
        StringBuilder out = new StringBuilder();
        int count = 0;
        for (Iterator<Object> i = Types.iterate(items); i.hasNext();) {
            String item = string(i.next(), method);
            run.spendText(item.length() + separator.length());
            if (count++ > 0) {
                out.append(separator);
            }
            out.append(item);
        }
        run.spendText(out.length());
        return out.toString();
    }

    private static Object search(Run run, String text, String name, Object[] values) {
        String part = string(values[0], name);
        run.spendSearch(text.length(), part.length());
        int length = text.codePointCount(0, text.length());
        int from = CollectionMethods.edge(Arguments.or(values[1], 0L), length);
        int to = CollectionMethods.edge(Arguments.or(values[2], (long) length), length);
        boolean beyond = from > to || values[1] instanceof Long given && given > length;
        int base = text.offsetByCodePoints(0, from);
        String within = beyond ? "" : text.substring(base, text.offsetByCodePoints(0, to));
        if (name.equals("count")) {
            return beyond ? 0L : occurrences(within, part);
        }
        int found = beyond ? -1 : name.charAt(0) == 'r' ? within.lastIndexOf(part) : within.indexOf(part);
        if (found < 0 && name.endsWith("index")) {
            throw new TemplateException("str." + name + "(): the part is not in the string");
        }
        return found < 0 ? -1L : (long) text.codePointCount(0, base + found);
    }

    private static long occurrences(String text, String part) {
        if (part.isEmpty()) {
            return text.codePointCount(0, text.length()) + 1L;
        }
        long count = 0;
        for (int i = text.indexOf(part); i >= 0; i = text.indexOf(part, i + part.length())) {
            count++;
        }
        return count;
    }

    private static Tuple partition(Run run, String text, String mark, boolean last) {
        if (mark.isEmpty()) {
            throw new TemplateException("str.partition(): the separator is empty");
        }
        run.spendSearch(text.length(), mark.length());
        int i = last ? text.lastIndexOf(mark) : text.indexOf(mark);
        if (i < 0) {
            return last ? new Tuple("", "", text) : new Tuple(text, "", "");
        }
        return new Tuple(text.substring(0, i), mark, text.substring(i + mark.length()));
    }

    /** @param side {@code l}, {@code r} or {@code c}: where the text goes, as in {@code ljust, rjust, center} */
    static String pad(Run run, String text, int width, String fill, char side) {
        if (fill.codePointCount(0, fill.length()) != 1) {
            throw new TemplateException("a fill character must be one character");
        }
        int missing = Math.max(0, width - text.codePointCount(0, text.length()));
        run.spendText((long) missing + text.length());
        int left = switch (side) {
            case 'l' -> 0;
            case 'r' -> missing;
            default -> missing / 2 + (missing & width & 1);
        };
        return fill.repeat(left) + text + fill.repeat(missing - left);
    }

    private static String zeroFill(Run run, String text, int width) {
        boolean signed = text.startsWith("-") || text.startsWith("+");
        String digits = pad(run, signed ? text.substring(1) : text, signed ? width - 1 : width, "0", 'r');
        return signed ? text.charAt(0) + digits : digits;
    }
}
