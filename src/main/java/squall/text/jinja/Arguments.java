package squall.text.jinja;

import java.util.List;
import java.util.Map;

/** The evaluated arguments of a call, a filter or a test. */
record Arguments(List<Object> positional, Map<String, Object> named) {
    static final Arguments NONE = new Arguments(List.of(), Map.of());
    /** Stands for an optional argument that was not given; null is None. */
    static final Object MISSING = new Object();

    /**
     * The values of the parameters {@code names}, the first {@code required} of which must be given; {@link #MISSING}
     * where one is not.
     */
    Object[] bind(String function, int required, String... names) {
        if (positional.size() > names.length) {
            throw new TemplateException(function + " takes at most " + names.length + " arguments, found " + positional.size());
        }
        Object[] values = new Object[names.length];
        int taken = 0;
        for (int i = 0; i < names.length; i++) {
            boolean keyword = named.containsKey(names[i]);
            if (i < positional.size()) {
                if (keyword) {
                    throw new TemplateException(function + " got two values for the argument '" + names[i] + "'");
                }
                values[i] = positional.get(i);
            } else if (keyword) {
                values[i] = named.get(names[i]);
                taken++;
            } else if (i < required) {
                throw new TemplateException(function + " needs the argument '" + names[i] + "'");
            } else {
                values[i] = MISSING;
            }
        }
        if (taken < named.size()) {
            throw new TemplateException(function + " has no argument '" + unknownOf(names) + "'");
        }
        return values;
    }

    /** As {@link #bind}, for functions of Python that take no keyword arguments. */
    Object[] bindPositional(String function, int required, String... names) {
        if (!named.isEmpty()) {
            throw new TemplateException(function + " takes no keyword arguments");
        }
        return bind(function, required, names);
    }

    private String unknownOf(String[] names) {
        for (String name : named.keySet()) {
            if (!List.of(names).contains(name)) {
                return name;
            }
        }
        return "";
    }

    static Object or(Object value, Object otherwise) {
        return value == MISSING ? otherwise : value;
    }
}
