package squall.text.jinja;

import java.math.BigInteger;
import java.util.Collection;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/**
 * What Python asks of any value: its type, truth, length, items, equality, order and membership. What every prompt needs tests types
 * one by one: a pattern switch is linked when first run, which would cost more than rendering the prompt.
 */
final class Types {
    private Types() {
    }

    /** The name of the Python type. */
    static String name(Object value) {
        return switch (value) {
            case null -> "NoneType";
            case Boolean b -> "bool";
            case Long l -> "int";
            case BigInteger b -> "int";
            case Double d -> "float";
            case String s -> "str";
            case Markup m -> "Markup";
            case Range r -> "range";
            case Tuple t -> "tuple";
            case List<?> l -> "list";
            case Map<?, ?> m -> "dict";
            case Undefined u -> "Undefined";
            case Namespace n -> "Namespace";
            case Lazy l -> "generator";
            case DictView v -> "dict_" + v.kind().name().toLowerCase(java.util.Locale.ROOT);
            case Loop l -> "LoopContext";
            case Macro m -> "Macro";
            case Invocable i -> "function";
            default -> value.getClass().getSimpleName();
        };
    }

    /** The type as the reference names it in messages about undefined attributes. */
    static String describe(Object value) {
        if (value == null) {
            return "None";
        }
        return switch (value) {
            case Namespace n -> "jinja2.utils.Namespace object";
            case Loop l -> "jinja2.runtime.LoopContext object";
            case Macro m -> "jinja2.runtime.Macro object";
            case Markup m -> "markupsafe.Markup object";
            default -> name(value) + " object";
        };
    }

    /** The text of a string, marked as HTML or not; null for any other value. */
    static String text(Object value) {
        return value instanceof String text ? text : value instanceof Markup markup ? markup.text() : null;
    }

    static boolean truth(Object value) {
        if (value == null || value instanceof Boolean) {
            return value != null && (Boolean) value;
        }
        if (value instanceof String text) {
            return !text.isEmpty();
        }
        if (value instanceof Long number) {
            return number != 0;
        }
        if (value instanceof Double number) {
            return number != 0;
        }
        return value instanceof Loop loop ? loop.length() > 0 : lengthOrNone(value) != 0;
    }

    /** As Python's {@code len}. */
    static int length(Object value) {
        int length = value instanceof Loop loop ? loop.length() : lengthOrNone(value);
        if (length < 0) {
            throw new TemplateException("a value of type " + name(value) + " has no length");
        }
        return length;
    }

    /** The length, or -1 for a value that has none. */
    static int lengthOrNone(Object value) {
        if (value instanceof String text) {
            return text.codePointCount(0, text.length());
        }
        if (value instanceof Collection<?> items) {
            return items.size();
        }
        if (value instanceof Map<?, ?> map) {
            return map.size();
        }
        if (value instanceof DictView view) {
            return view.map().size();
        }
        if (value instanceof Markup markup) {
            return lengthOrNone(markup.text());
        }
        return value instanceof Undefined ? 0 : -1;
    }

    /** As Python's {@code iter}: the characters of a string, the keys of a dict, nothing for an undefined value. */
    static Iterator<Object> iterate(Object value) {
        Iterator<Object> items = iteratorOrNull(value);
        if (items == null) {
            throw new TemplateException("a value of type " + name(value) + " is not iterable");
        }
        return items;
    }

    @SuppressWarnings("unchecked")
    static Iterator<Object> iteratorOrNull(Object value) {
        String text = text(value);
        if (text != null) {
            return text.codePoints().mapToObj(Types::character).iterator();
        }
        if (value instanceof List<?> list) {
            return (Iterator<Object>) list.iterator();
        }
        if (value instanceof Map<?, ?> map) {
            return (Iterator<Object>) map.keySet().iterator();
        }
        if (value instanceof DictView view) {
            return view.iterator();
        }
        if (value instanceof Lazy lazy) {
            return lazy.items();
        }
        return value instanceof Undefined ? java.util.Collections.emptyIterator() : null;
    }

    private static Object character(int codePoint) {
        return Character.toString(codePoint);
    }

    /** All items of an iterable. */
    static List<Object> list(Run run, Object value) {
        List<Object> items = new java.util.ArrayList<>();
        for (Iterator<Object> i = iterate(value); i.hasNext();) {
            run.spend(1);
            items.add(i.next());
        }
        return items;
    }

    /** As Python's {@code ==}. */
    static boolean equal(Run run, Object a, Object b) {
        run.spend(1);
        if (a == b) {
            return !(a instanceof Double real && real.isNaN());
        }
        if (a == null || b == null) {
            return false;
        }
        if (Numbers.is(a)) {
            return Numbers.is(b) && !isNaN(a) && !isNaN(b) && Numbers.compare(a, b) == 0;
        }
        String text = text(a);
        if (text != null) {
            String other = text(b);
            boolean sameLength = other != null && other.length() == text.length();
            run.spend(sameLength ? text.length() / 16 : 0);
            return sameLength && text.equals(other);
        }
        if (a instanceof Range x && b instanceof Range y) {
            return x.size() == y.size() && (x.isEmpty() || x.start == y.start && (x.size() == 1 || x.step == y.step));
        }
        if (a instanceof List<?> x && b instanceof List<?> y) {
            return a instanceof Range == b instanceof Range && a instanceof Tuple == b instanceof Tuple && equalItems(run, x, y);
        }
        if (a instanceof Map<?, ?> x && b instanceof Map<?, ?> y) {
            return equalEntries(run, x, y);
        }
        if (a instanceof DictView x && b instanceof DictView y && x.kind() != DictView.Kind.VALUES && x.kind() == y.kind()) {
            return x.kind() == DictView.Kind.KEYS ? x.map().keySet().equals(y.map().keySet()) : equalEntries(run, x.map(), y.map());
        }
        return a instanceof Undefined && b instanceof Undefined;
    }

    private static boolean equalItems(Run run, List<?> a, List<?> b) {
        if (a.size() != b.size()) {
            return false;
        }
        for (int i = 0; i < a.size(); i++) {
            if (!equal(run, a.get(i), b.get(i))) {
                return false;
            }
        }
        return true;
    }

    private static boolean equalEntries(Run run, Map<?, ?> a, Map<?, ?> b) {
        if (a.size() != b.size()) {
            return false;
        }
        for (Map.Entry<?, ?> entry : a.entrySet()) {
            if (!b.containsKey(entry.getKey()) || !equal(run, entry.getValue(), b.get(entry.getKey()))) {
                return false;
            }
        }
        return true;
    }

    static boolean isNaN(Object value) {
        return value instanceof Double real && real.isNaN();
    }

    /** As Python's {@code <}, {@code <=}, {@code >}, {@code >=}. */
    static boolean ordered(Run run, String operator, Object a, Object b) {
        if (isNaN(a) && Numbers.is(b) || isNaN(b) && Numbers.is(a)) {
            return false;
        }
        int order = compare(run, operator, a, b);
        return switch (operator) {
            case "<" -> order < 0;
            case "<=" -> order <= 0;
            case ">" -> order > 0;
            default -> order >= 0;
        };
    }

    /** The order of two values that have one: numbers, strings by code point, lists and tuples item by item. */
    static int compare(Run run, String operator, Object a, Object b) {
        run.spend(1);
        if (Numbers.is(a) && Numbers.is(b)) {
            return Numbers.compare(a, b);
        }
        String x = text(a);
        String y = text(b);
        if (x != null && y != null) {
            run.spend(Math.min(x.length(), y.length()) / 16);
            return compareCodePoints(x, y);
        }
        if (a instanceof Undefined undefined) {
            throw undefined.error();
        }
        if (b instanceof Undefined undefined) {
            throw undefined.error();
        }
        boolean sequences = a instanceof Tuple && b instanceof Tuple || name(a).equals("list") && name(b).equals("list");
        if (!sequences) {
            throw new TemplateException("'" + operator + "' is not supported between " + name(a) + " and " + name(b));
        }
        List<?> p = (List<?>) a;
        List<?> q = (List<?>) b;
        for (int i = 0; i < Math.min(p.size(), q.size()); i++) {
            if (!equal(run, p.get(i), q.get(i))) {
                return compare(run, operator, p.get(i), q.get(i));
            }
        }
        return Integer.compare(p.size(), q.size());
    }

    /** UTF-16 order differs from code point order where surrogates meet U+E000 and above. */
    private static int compareCodePoints(String a, String b) {
        int n = Math.min(a.length(), b.length());
        for (int i = 0; i < n; i++) {
            char x = a.charAt(i);
            char y = b.charAt(i);
            if (x != y) {
                boolean surrogates = Character.isSurrogate(x) != Character.isSurrogate(y);
                return surrogates ? (Character.isSurrogate(x) ? 1 : -1) : Character.compare(x, y);
            }
        }
        return Integer.compare(a.length(), b.length());
    }

    /** As Python's {@code item in container}. */
    static boolean contains(Run run, Object container, Object item) {
        String text = text(container);
        if (text != null) {
            String part = text(item);
            if (part == null) {
                throw new TemplateException("'in' a string needs a string on its left, found " + name(item));
            }
            run.spendSearch(text.length(), part.length());
            return text.contains(part);
        }
        if (container instanceof Map<?, ?> map) {
            return map.containsKey(sought(item));
        }
        if (container instanceof DictView view && view.kind() == DictView.Kind.KEYS) {
            return view.map().containsKey(sought(item));
        }
        Iterator<Object> items = iteratorOrNull(container);
        if (items == null) {
            throw new TemplateException("'in' needs a string, a list or a mapping on its right, found " + name(container));
        }
        while (items.hasNext()) {
            Object candidate = items.next();
            if (candidate == item || equal(run, candidate, item)) {
                return true;
            }
        }
        return false;
    }

    /** The key under which a dict may have a value: that of a float or truth value is its integer, if there is one. */
    static Object sought(Object value) {
        if (value instanceof Boolean || value instanceof Double real && real == Math.rint(real) && !real.isInfinite()) {
            return Conversions.truncate(Numbers.real(value));
        }
        if (value instanceof Double || value instanceof Undefined || value instanceof Tuple) {
            return Arguments.MISSING; // never a key
        }
        return key(value);
    }

    /** As Python's {@code hash}, which lists and dicts do not have, nor tuples of such. */
    static void checkHashable(Object value) {
        if (unhashable(value)) {
            throw new TemplateException("a value of type " + name(value) + " has no hash: it cannot be told apart from others");
        }
        if (value instanceof Tuple tuple) {
            tuple.forEach(Types::checkHashable);
        }
    }

    static boolean unhashable(Object value) {
        return value instanceof List<?> && !(value instanceof Tuple || value instanceof Range) || value instanceof Map<?, ?>;
    }

    /**
     * A value as the key of a dict: a string, an integer or None. Python has 1, 1.0 and True as the same key, and takes
     * tuples; those are refused.
     */
    static Object key(Object value) {
        if (value instanceof Markup markup) {
            return markup.text();
        }
        if (value == null || value instanceof String || value instanceof Long || value instanceof BigInteger) {
            return value;
        }
        if (unhashable(value)) {
            throw new TemplateException("a value of type " + name(value) + " cannot be the key of a dict");
        }
        throw new TemplateException("a key of type " + name(value) + " is not supported");
    }
}
