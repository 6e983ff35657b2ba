package squall.text.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** {@code of[index]} and {@code of[start:stop:step]}, by Python's rules: negative ones count from the end. */
final class Items {
    private Items() {
    }

    static Object get(Object of, Object index) {
        if (of instanceof Undefined undefined) {
            throw undefined.error();
        }
        Object item = itemOrNothing(of, index);
        if (item != Arguments.MISSING) {
            return item;
        }
        Object method = index instanceof String name ? Attributes.own(of, name) : Arguments.MISSING;
        if (method != Arguments.MISSING) {
            return method;
        }
        return index instanceof String name ? Undefined.attribute(of, name) : Undefined.element(of, index);
    }

    /** The element, or {@link Arguments#MISSING} where there is none or the value has no elements. */
    static Object itemOrNothing(Object of, Object index) {
        if (of instanceof Map<?, ?> map) {
            if (Types.unhashable(index)) {
                return Arguments.MISSING;
            }
            Object key = Types.sought(index);
            Object value = map.get(key);
            return value != null || map.containsKey(key) ? value : Arguments.MISSING;
        }
        if (!Numbers.isInteger(index) || index instanceof BigInteger) {
            return Arguments.MISSING;
        }
        long at = Numbers.big(index).longValue();
        String text = Types.text(of);
        if (text != null) {
            int length = text.codePointCount(0, text.length());
            at = at < 0 ? at + length : at;
            return at < 0 || at >= length ? Arguments.MISSING
                : rewrap(of, Character.toString(text.codePointAt(text.offsetByCodePoints(0, (int) at))));
        }
        if (of instanceof List<?> list) {
            at = at < 0 ? at + list.size() : at;
            return at < 0 || at >= list.size() ? Arguments.MISSING : list.get((int) at);
        }
        return Arguments.MISSING;
    }

    /** A piece of a string is marked as HTML if the string is. */
    static Object rewrap(Object of, String piece) {
        return of instanceof Markup ? new Markup(piece) : piece;
    }

    static Object slice(Run run, Object of, Object start, Object stop, Object step) {
        if (of instanceof Undefined undefined) {
            throw undefined.error();
        }
        String text = Types.text(of);
        int[] points = text == null ? null : text.codePoints().toArray();
        List<?> list = of instanceof List<?> items ? items : null;
        if (text == null && list == null) {
            throw new TemplateException("a value of type " + Types.name(of) + " has no slices");
        }
        int length = text == null ? list.size() : points.length;
        run.spend(1 + length / 8);
        long by = step == null ? 1 : Numbers.small(step, "the step of a slice");
        if (by == 0) {
            throw new TemplateException("the step of a slice cannot be 0");
        }
        long from = bound(start, by > 0 ? 0 : length - 1L, length, by);
        long to = bound(stop, by > 0 ? length : -1, length, by);
        if (of instanceof Range range) {
            return new Range(range.start + from * range.step, range.start + to * range.step, range.step * by);
        }
        if (text != null) {
            StringBuilder out = new StringBuilder();
            for (long i = from; by > 0 ? i < to : i > to; i += by) {
                out.appendCodePoint(points[(int) i]);
            }
            return rewrap(of, out.toString());
        }
        List<Object> out = new ArrayList<>();
        for (long i = from; by > 0 ? i < to : i > to; i += by) {
            run.spend(1);
            out.add(list.get((int) i));
        }
        return of instanceof Tuple ? Tuple.of(out) : out;
    }

    /** A bound within the sequence; going down, -1 is the place before the first element. */
    private static long bound(Object given, long otherwise, int length, long step) {
        if (given == null) {
            return otherwise;
        }
        long at = Numbers.small(given, "the bound of a slice");
        if (at < 0) {
            at += length;
        }
        return step > 0 ? Math.clamp(at, 0, length) : Math.clamp(at, -1, length - 1);
    }
}
