package squall.text.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The methods of dicts, lists, tuples and ranges that change nothing. */
final class CollectionMethods {
    private CollectionMethods() {
    }

    static Object ofDict(Map<?, ?> map, String name, Arguments arguments) {
        switch (name) {
            case "get" -> {
                Object[] values = arguments.bindPositional(name, 1, "key", "default");
                Object key = Types.sought(values[0]);
                return map.containsKey(key) ? map.get(key) : Arguments.or(values[1], null);
            }
            case "keys", "values", "items", "copy" -> {
                arguments.bindPositional(name, 0);
                return switch (name) {
                    case "keys" -> new DictView(DictView.Kind.KEYS, map);
                    case "values" -> new DictView(DictView.Kind.VALUES, map);
                    case "items" -> new DictView(DictView.Kind.ITEMS, map);
                    default -> new LinkedHashMap<Object, Object>(map);
                };
            }
            default -> throw new TemplateException("the method dict." + name + "() is not supported");
        }
    }

    static Object ofList(Run run, List<?> list, String name, Arguments arguments) {
        switch (name) {
            case "count" -> {
                Object value = arguments.bindPositional(name, 1, "value")[0];
                long count = 0;
                for (Object item : list) {
                    count += item == value || Types.equal(run, item, value) ? 1 : 0;
                }
                return count;
            }
            case "index" -> {
                Object[] values = arguments.bindPositional(name, 1, "value", "start", "stop");
                int from = edge(Arguments.or(values[1], 0L), list.size());
                int to = edge(Arguments.or(values[2], (long) list.size()), list.size());
                for (int i = from; i < to; i++) {
                    if (list.get(i) == values[0] || Types.equal(run, list.get(i), values[0])) {
                        return (long) i;
                    }
                }
                throw new TemplateException("index: the value is not in the list");
            }
            case "copy" -> {
                arguments.bindPositional(name, 0);
                run.spend(list.size());
                return new ArrayList<Object>(list);
            }
            default -> throw new TemplateException("the method " + Types.name(list) + "." + name + "() is not supported");
        }
    }

    /** A bound of a search: negative ones count from the end. */
    static int edge(Object given, int length) {
        long at = Numbers.small(given, "a bound");
        return (int) Math.clamp(at < 0 ? at + length : at, 0, length);
    }
}
