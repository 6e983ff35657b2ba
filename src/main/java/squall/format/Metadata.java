package squall.format;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Typed access to a file's key-value pairs, GGUF or JSON. A key whose value is null counts as absent. Whatever is
 * missing, of another type or out of range is a {@link ModelFileException} that names the file and the key.
 *
 * @param file   where the pairs come from, for messages
 * @param prefix what stands before a key in messages: empty, or the path of a nested object with its dot
 */
public record Metadata(String file, String prefix, Map<String, Object> values) {

    public boolean has(String key) {
        return values.get(key) != null;
    }

    public String string(String key) {
        return typed(key, String.class, "a string");
    }

    public String string(String key, String absent) {
        return has(key) ? string(key) : absent;
    }

    public boolean flag(String key, boolean absent) {
        return has(key) ? typed(key, Boolean.class, "true or false") : absent;
    }

    /** An integer from {@code min} to {@code max}, both included. */
    public int integer(String key, int min, int max) {
        return inRange(key, required(key, "an integer"), min, max);
    }

    public int integer(String key, int min, int max, int absent) {
        return has(key) ? integer(key, min, max) : absent;
    }

    /** A finite number; integers count as numbers. */
    public double number(String key) {
        Object v = required(key, "a number");
        if (v instanceof Number n && Double.isFinite(n.doubleValue())) return n.doubleValue();
        throw wrong(key, "a finite number", show(v));
    }

    public double number(String key, double absent) {
        return has(key) ? number(key) : absent;
    }

    public boolean isList(String key) {
        return values.get(key) instanceof List<?>;
    }

    /** An array whose elements are of one type; checked as it is read. */
    public List<?> list(String key) {
        return typed(key, List.class, "an array");
    }

    public List<String> strings(String key) {
        if (values.get(key) instanceof StringList strings) return strings;
        List<String> result = new ArrayList<>();
        for (Object o : list(key)) {
            if (!(o instanceof String s)) throw wrong(key, "an array of strings", "an element " + show(o));
            result.add(s);
        }
        return result;
    }

    /** Integers from {@code min} to {@code max}; true and false count as 1 and 0. */
    public int[] integers(String key, int min, int max) {
        List<?> list = list(key);
        int[] stored = list instanceof NumberList numbers ? numbers.ints() : null;
        if (stored != null && areInRange(stored, min, max)) return stored;
        int[] result = new int[list.size()];
        for (int i = 0; i < result.length; i++) {
            Object o = list.get(i);
            long n = o instanceof Long || o instanceof Integer ? ((Number) o).longValue() : o instanceof Boolean b ? (b ? 1 : 0) : min - 1L;
            if (n < min || n > max) throw wrong(key + "[" + i + "]", "an integer from " + min + " to " + max, show(o));
            result[i] = (int) n;
        }
        return result;
    }

    private static boolean areInRange(int[] values, int min, int max) {
        for (int v : values) if (v < min || v > max) return false;
        return true;
    }

    /** A nested JSON object. */
    @SuppressWarnings("unchecked") // JSON objects have string keys
    public Metadata object(String key) {
        return new Metadata(file, prefix + key + ".", typed(key, Map.class, "an object"));
    }

    public ModelFileException wrong(String key, Object expected, Object found) {
        return ModelFileException.mismatch(file, "key " + prefix + key, expected, found);
    }

    private int inRange(String key, Object v, int min, int max) {
        String expected = "an integer from " + min + " to " + max;
        if (!(v instanceof Long || v instanceof Integer)) throw wrong(key, expected, show(v));
        long n = ((Number) v).longValue();
        if (n < min || n > max) throw wrong(key, expected, n);
        return (int) n;
    }

    private <T> T typed(String key, Class<T> type, String expected) {
        Object v = required(key, expected);
        if (!type.isInstance(v)) throw wrong(key, expected, show(v));
        return type.cast(v);
    }

    private Object required(String key, String expected) {
        Object v = values.get(key);
        if (v == null) throw wrong(key, expected, "no such key");
        return v;
    }

    private static String show(Object v) {
        return switch (v) {
            case null -> "null";
            case List<?> l -> "an array of " + l.size();
            case Map<?, ?> m -> "an object of " + m.size() + " keys";
            case String s -> "\"" + (s.length() > 60 ? s.substring(0, 60) + "..." : s) + "\"";
            default -> v.toString();
        };
    }
}
