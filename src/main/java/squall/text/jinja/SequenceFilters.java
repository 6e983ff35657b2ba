package squall.text.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/** The filters on lists, mappings and whatever else can be iterated. */
final class SequenceFilters {
    private SequenceFilters() {
    }

    static boolean exists(String name) {
        return switch (name) {
            case "batch", "count", "dictsort", "first", "groupby", "items", "join", "last", "length", "list", "map", "max", "min",
                "reject", "rejectattr", "reverse", "select", "selectattr", "slice", "sort", "sum", "unique" -> true;
            default -> false;
        };
    }

    static Object apply(Run run, String name, Object value, Arguments arguments) {
        switch (name) {
            case "count", "length", "first", "items", "last", "list", "reverse" -> {
                arguments.bind(name, 0);
                return plain(run, name, value);
            }
            default -> {
                return withArguments(run, name, value, arguments);
            }
        }
    }

    private static Object plain(Run run, String name, Object value) {
        return switch (name) {
            case "count", "length" -> (long) Types.length(value);
            case "list" -> Types.list(run, value);
            case "items" -> {
                if (value instanceof Map<?, ?> map) {
                    yield new Lazy(new DictView(DictView.Kind.ITEMS, map).iterator());
                }
                if (!(value instanceof Undefined)) {
                    throw new TemplateException("items needs a mapping, found " + Types.name(value));
                }
                yield new Lazy(Collections.emptyIterator());
            }
            case "first" -> {
                Iterator<Object> items = Types.iterate(value);
                yield items.hasNext() ? items.next() : new Undefined("No first item, sequence was empty.");
            }
            case "last" -> {
                if (value instanceof Lazy || value instanceof Loop) {
                    throw new TemplateException("last needs a list: a " + Types.name(value) + " has no end to begin from");
                }
                List<Object> items = Types.list(run, value);
                yield items.isEmpty() ? new Undefined("No last item, sequence was empty.") : items.getLast();
            }
            default -> reversed(run, value);
        };
    }

    private static Object reversed(Run run, Object value) {
        String text = Types.text(value);
        if (text != null) {
            return Items.slice(run, value, null, null, -1L);
        }
        List<Object> items = Types.list(run, value);
        Collections.reverse(items);
        return value instanceof Lazy ? items : new Lazy(items.iterator());
    }

    private static Object withArguments(Run run, String name, Object value, Arguments arguments) {
        return switch (name) {
            case "join" -> {
                Object[] options = arguments.bind(name, 0, "d", "attribute");
                yield join(run, value, Show.text(run, Arguments.or(options[0], "")), getter(Arguments.or(options[1], null), null));
            }
            case "map" -> map(run, value, arguments);
            case "select", "reject", "selectattr", "rejectattr" -> select(run, name, value, arguments);
            case "sort" -> sort(run, value, arguments);
            case "unique" -> unique(run, value, arguments);
            case "min", "max" -> extreme(run, name, value, arguments);
            case "sum" -> {
                Object[] options = arguments.bind(name, 0, "attribute", "start");
                Object sum = Arguments.or(options[1], 0L);
                if (Types.text(sum) != null) {
                    throw new TemplateException("sum cannot start from a string");
                }
                UnaryOperator<Object> getter = getter(Arguments.or(options[0], null), null);
                for (Iterator<Object> i = Types.iterate(value); i.hasNext();) {
                    sum = Operators.binary(run, "+", sum, getter.apply(i.next()));
                }
                yield sum;
            }
            case "dictsort" -> Grouping.dictsort(run, value, arguments);
            case "groupby" -> Grouping.groupby(run, value, arguments);
            case "batch" -> Grouping.batch(run, value, arguments);
            case "slice" -> Grouping.slice(run, value, arguments);
            default -> throw new TemplateException("there is no filter named '" + name + "'");
        };
    }

    private static String join(Run run, Object value, String separator, UnaryOperator<Object> getter) {
        StringBuilder out = new StringBuilder();
        int count = 0;
        for (Iterator<Object> i = Types.iterate(value); i.hasNext();) {
            String item = Show.text(run, getter.apply(i.next()));
            run.spendText(item.length() + separator.length());
            out.append(count++ > 0 ? separator : "").append(item);
        }
        run.spendText(out.length());
        return out.toString();
    }

    /**
     * What takes the attribute out of an item: a path with dots, whose numbers are indices; the item itself for None.
     *
     * @param otherwise stands for undefined ones, unless it is None
     */
    static UnaryOperator<Object> getter(Object attribute, Object otherwise) {
        if (attribute == null) {
            return UnaryOperator.identity();
        }
        List<Object> path = new ArrayList<>();
        if (attribute instanceof String text) {
            for (String part : text.split("\\.", -1)) {
                boolean digits = !part.isEmpty() && part.length() < 10 && part.chars().allMatch(c -> c >= '0' && c <= '9');
                path.add(digits ? (Object) Long.valueOf(part) : part);
            }
        } else {
            path.add(attribute);
        }
        return item -> {
            Object value = item;
            for (Object part : path) {
                value = Items.get(value, part);
                value = value instanceof Undefined && otherwise != null ? otherwise : value;
            }
            return value;
        };
    }

    /** Strings in small letters, unless case counts. */
    static Object folded(Object value, boolean caseSensitive) {
        return !caseSensitive && Types.text(value) != null ? Types.text(value).toLowerCase(java.util.Locale.ROOT) : value;
    }

    private static Object map(Run run, Object value, Arguments arguments) {
        if (!Types.truth(value)) {
            return new Lazy(Collections.emptyIterator());
        }
        UnaryOperator<Object> change;
        if (arguments.positional().isEmpty() && arguments.named().containsKey("attribute")) {
            Object[] options = arguments.bind("map", 0, "attribute", "default");
            change = getter(options[0], Arguments.or(options[1], null));
        } else if (arguments.positional().isEmpty()) {
            throw new TemplateException("map needs the name of a filter or an attribute");
        } else {
            change = item -> Filters.named(run, arguments.positional(), arguments.named(), item);
        }
        Iterator<Object> items = Types.iterate(value);
        return new Lazy(new Iterator<>() {
            @Override
            public boolean hasNext() {
                return items.hasNext();
            }

            @Override
            public Object next() {
                run.spend(1);
                return change.apply(items.next());
            }
        });
    }

    private static Object select(Run run, String name, Object value, Arguments arguments) {
        if (!Types.truth(value)) {
            return new Lazy(Collections.emptyIterator());
        }
        boolean ofAttribute = name.endsWith("attr");
        boolean wanted = name.startsWith("select");
        List<Object> test = arguments.positional();
        if (ofAttribute && test.isEmpty()) {
            throw new TemplateException(name + " needs the name of an attribute");
        }
        UnaryOperator<Object> getter = getter(ofAttribute ? test.getFirst() : null, null);
        List<Object> rest = ofAttribute ? test.subList(1, test.size()) : test;
        if (!arguments.named().isEmpty()) {
            throw new TemplateException(name + " takes no keyword arguments");
        }
        return new Lazy(new Chosen(Types.iterate(value), item -> {
            run.spend(1);
            Object tested = getter.apply(item);
            return wanted == (rest.isEmpty() ? Types.truth(tested) : Tests.named(run, rest, tested));
        }));
    }

    private static List<Object> sort(Run run, Object value, Arguments arguments) {
        Object[] options = arguments.bind("sort", 0, "reverse", "case_sensitive", "attribute");
        boolean caseSensitive = Types.truth(Arguments.or(options[1], false));
        List<UnaryOperator<Object>> getters = new ArrayList<>();
        Object attribute = Arguments.or(options[2], null);
        if (attribute instanceof String several) {
            for (String one : several.split(",", -1)) {
                getters.add(getter(one, null));
            }
        } else {
            getters.add(getter(attribute, null));
        }
        return sorted(run, Types.list(run, value), item -> {
            List<Object> key = new ArrayList<>();
            getters.forEach(getter -> key.add(folded(getter.apply(item), caseSensitive)));
            return key;
        }, Types.truth(Arguments.or(options[0], false)));
    }

    /** In the order of their keys; equal ones keep their order, also when reversed. */
    static List<Object> sorted(Run run, List<Object> items, UnaryOperator<Object> key, boolean reverse) {
        record Keyed(Object key, Object item) { }
        List<Keyed> keyed = new ArrayList<>(items.size());
        items.forEach(item -> keyed.add(new Keyed(key.apply(item), item)));
        Comparator<Keyed> order = (a, b) -> Types.compare(run, "<", a.key, b.key);
        keyed.sort(reverse ? order.reversed() : order);
        List<Object> sorted = new ArrayList<>(items.size());
        keyed.forEach(each -> sorted.add(each.item));
        return sorted;
    }

    private static Object unique(Run run, Object value, Arguments arguments) {
        Object[] options = arguments.bind("unique", 0, "case_sensitive", "attribute");
        boolean caseSensitive = Types.truth(Arguments.or(options[0], false));
        UnaryOperator<Object> getter = getter(Arguments.or(options[1], null), null);
        List<Object> seen = new ArrayList<>();
        return new Lazy(new Chosen(Types.iterate(value), item -> {
            Object key = folded(getter.apply(item), caseSensitive);
            Types.checkHashable(key);
            if (Types.contains(run, seen, key)) {
                return false;
            }
            return seen.add(key);
        }));
    }

    private static Object extreme(Run run, String name, Object value, Arguments arguments) {
        Object[] options = arguments.bind(name, 0, "case_sensitive", "attribute");
        boolean caseSensitive = Types.truth(Arguments.or(options[0], false));
        UnaryOperator<Object> getter = getter(Arguments.or(options[1], null), null);
        Iterator<Object> items = Types.iterate(value);
        if (!items.hasNext()) {
            return new Undefined("No aggregated item, sequence was empty.");
        }
        Object best = items.next();
        Object bestKey = folded(getter.apply(best), caseSensitive);
        while (items.hasNext()) {
            Object item = items.next();
            Object key = folded(getter.apply(item), caseSensitive);
            if (Types.ordered(run, name.equals("min") ? "<" : ">", key, bestKey)) {
                best = item;
                bestKey = key;
            }
        }
        return best;
    }
}
