package squall.text.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Values from outside, as the renderer has them: a copy, so that no caller can change it while a template runs. */
final class Imported {
    private Imported() {
    }

    static Map<String, Object> variables(Map<String, ?> variables) {
        Map<String, Object> copy = new LinkedHashMap<>();
        for (Map.Entry<String, ?> entry : variables.entrySet()) {
            copy.put(entry.getKey(), value(entry.getValue()));
        }
        return copy;
    }

    private static Object value(Object value) {
        if (value == null || value instanceof String || value instanceof Boolean || value instanceof Long || value instanceof Double) {
            return value;
        }
        if (value instanceof Map<?, ?> map) {
            Map<Object, Object> copy = new LinkedHashMap<>();
            for (Map.Entry<?, ?> entry : map.entrySet()) {
                copy.put(String.valueOf(entry.getKey()), value(entry.getValue()));
            }
            return copy;
        }
        if (value instanceof Collection<?> items) {
            List<Object> copy = new ArrayList<>(items.size());
            for (Object item : items) {
                copy.add(value(item));
            }
            return copy;
        }
        return scalar(value);
    }

    private static Object scalar(Object value) {
        if (value instanceof Integer || value instanceof Short || value instanceof Byte) {
            return ((Number) value).longValue();
        }
        if (value instanceof BigInteger number) {
            return Numbers.narrow(number);
        }
        if (value instanceof Float || value instanceof BigDecimal) {
            return Double.valueOf(value.toString());
        }
        if (value instanceof CharSequence text) {
            return text.toString();
        }
        throw new TemplateException("a variable of type " + value.getClass().getName() + " cannot be given to a template");
    }
}
