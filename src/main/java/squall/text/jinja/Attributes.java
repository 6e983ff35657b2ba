package squall.text.jinja;

import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** {@code of.name}: an attribute of the value's Python type, or else the element of that name. */
final class Attributes {
    private static final String[] DICT = sorted("clear copy fromkeys get items keys pop popitem setdefault update values");
    private static final String[] LIST = sorted("append clear copy count extend index insert pop remove reverse sort");
    private static final String[] TUPLE = sorted("count index");
    private static final String[] RANGE = sorted("count index start step stop");
    private static final String OF_STRINGS = "capitalize casefold center count encode endswith expandtabs find format "
        + "format_map index isalnum isalpha isascii isdecimal isdigit isidentifier islower isnumeric isprintable isspace "
        + "istitle isupper join ljust lower lstrip maketrans partition removeprefix removesuffix replace rfind rindex rjust "
        + "rpartition rsplit rstrip split splitlines startswith strip swapcase title translate upper zfill";
    private static final String[] STRING = sorted(OF_STRINGS);
    private static final String[] MARKUP = sorted(OF_STRINGS + " escape striptags unescape");
    private static final String[] INTEGER = sorted("as_integer_ratio bit_count bit_length conjugate denominator from_bytes "
        + "imag numerator real to_bytes");
    private static final String[] FLOAT = sorted("as_integer_ratio conjugate fromhex hex imag is_integer real");
    private static final String[] GENERATOR = sorted("close gi_code gi_frame gi_running gi_suspended gi_yieldfrom send throw");
    private static final String[] VIEW = sorted("isdisjoint mapping");
    private static final String[] MACRO = sorted("arguments caller catch_kwargs catch_varargs explicit_caller name");
    /** The sandbox refuses what changes a list or dict. */
    private static final String[] CHANGING = sorted("append clear extend insert pop popitem remove reverse setdefault sort update");

    private Attributes() {
    }

    private static String[] sorted(String names) {
        String[] list = names.split(" ");
        Arrays.sort(list);
        return list;
    }

    static Object get(Object of, String name) {
        if (of instanceof Undefined undefined) {
            throw undefined.error();
        }
        Object own = own(of, name);
        if (own != Arguments.MISSING) {
            return own;
        }
        Object item = Items.itemOrNothing(of, name);
        return item != Arguments.MISSING ? item : Undefined.attribute(of, name);
    }

    /** The attribute that the type itself has, or {@link Arguments#MISSING}. */
    static Object own(Object of, String name) {
        if (of instanceof Namespace namespace) {
            Object value = namespace.attributes.get(name);
            return value != null || namespace.attributes.containsKey(name) ? value : Arguments.MISSING;
        }
        if (of instanceof Loop loop) {
            return ofLoop(loop, name);
        }
        if (of instanceof Tuple tuple && tuple.isGroup() && (name.equals("grouper") || name.equals("list"))) {
            return tuple.get(name.equals("grouper") ? 0 : 1);
        }
        if (name.startsWith("__") && name.endsWith("__")) {
            return new Undefined("access to the attribute '" + name + "' of " + Types.describe(of) + " is unsafe");
        }
        if (of instanceof Invocable && !(of instanceof Macro)) {
            throw new TemplateException("attributes of functions are not supported: '" + name + "'");
        }
        if (Arrays.binarySearch(namesOf(of), name) < 0) {
            return Arguments.MISSING;
        }
        if (of instanceof Macro macro && name.equals("name")) {
            return macro.name();
        }
        if (of instanceof Range range && name.startsWith("st")) {
            return name.equals("start") ? range.start : name.equals("stop") ? range.stop : range.step;
        }
        if ((of instanceof Map<?, ?> || of instanceof List<?>) && Arrays.binarySearch(CHANGING, name) >= 0) {
            return new Undefined("access to the attribute '" + name + "' of " + Types.describe(of) + " is unsafe");
        }
        if (Types.text(of) == null && !(of instanceof Map<?, ?>) && !(of instanceof List<?>)) {
            throw new TemplateException("the attribute '" + name + "' of " + Types.describe(of) + " is not supported");
        }
        return new Method(of, name);
    }

    private static Object ofLoop(Loop loop, String name) {
        if (name.equals("previtem")) {
            return loop.previous();
        }
        if (name.equals("nextitem")) {
            return loop.following();
        }
        Object value = loop.attribute(name);
        return value == null ? Arguments.MISSING : value;
    }

    private static String[] namesOf(Object of) {
        if (of instanceof Map<?, ?>) {
            return DICT;
        }
        if (of instanceof String) {
            return STRING;
        }
        if (of instanceof List<?>) {
            return of instanceof Tuple ? TUPLE : of instanceof Range ? RANGE : LIST;
        }
        return switch (of) {
            case Markup m -> MARKUP;
            case Lazy l -> GENERATOR;
            case DictView v -> VIEW;
            case Macro m -> MACRO;
            case Double d -> FLOAT;
            case null -> new String[0];
            default -> Numbers.isInteger(of) ? INTEGER : new String[0];
        };
    }

    /** A method with its receiver. */
    private record Method(Object of, String name) implements Invocable {
        @Override
        public Object call(Run run, Arguments arguments) {
            if (of instanceof Map<?, ?> map) {
                return CollectionMethods.ofDict(map, name, arguments);
            }
            if (of instanceof List<?> list) {
                return CollectionMethods.ofList(run, list, name, arguments);
            }
            return StringMethods.call(run, of, name, arguments);
        }
    }
}
