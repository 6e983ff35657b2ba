package squall.text.jinja;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The functions that every template can call. */
record Builtin(String name) implements Invocable {

    /** The function of that name, or null. */
    static Builtin named(String name) {
        return switch (name) {
            case "range", "dict", "namespace", "raise_exception", "strftime_now", "joiner", "cycler", "lipsum" -> new Builtin(name);
            default -> null;
        };
    }

    @Override
    public Object call(Run run, Arguments arguments) {
        return switch (name) {
            case "range" -> range(arguments);
            case "dict" -> dict(run, arguments);
            case "namespace" -> {
                Namespace namespace = new Namespace();
                for (Map.Entry<Object, Object> entry : dict(run, arguments).entrySet()) {
                    if (!(entry.getKey() instanceof String attribute)) {
                        throw new TemplateException("the names in a namespace must be strings");
                    }
                    namespace.attributes.put(attribute, entry.getValue());
                }
                yield namespace;
            }
            case "raise_exception" ->
                throw TemplateException.raisedWith(Show.text(run, arguments.bind("raise_exception()", 1, "message")[0]));
            case "strftime_now" -> {
                Object format = arguments.bind("strftime_now()", 1, "format")[0];
                if (!(format instanceof String pattern)) {
                    throw new TemplateException("strftime_now() needs a string, found " + Types.name(format));
                }
                yield Strftime.format(java.time.ZonedDateTime.now(run.clock), pattern);
            }
            case "joiner" -> new Joiner(Show.text(run, Arguments.or(arguments.bind("joiner()", 0, "sep")[0], ", ")));
            default -> throw new TemplateException("the function " + name + "() is not supported");
        };
    }

    private static Range range(Arguments arguments) {
        Object[] values = arguments.bindPositional("range()", 1, "start", "stop", "step");
        long first = bound(values[0]);
        if (values[1] == Arguments.MISSING) {
            return new Range(0, first, 1);
        }
        return new Range(first, bound(values[1]), values[2] == Arguments.MISSING ? 1 : bound(values[2]));
    }

    private static long bound(Object value) {
        int bound = Numbers.small(value, "an argument of range()");
        if (bound == Integer.MIN_VALUE || bound == Integer.MAX_VALUE) {
            throw new TemplateException("range() of numbers beyond 32 bits is not supported");
        }
        return bound;
    }

    private static Map<Object, Object> dict(Run run, Arguments arguments) {
        Map<Object, Object> map = new LinkedHashMap<>();
        Object source = new Arguments(arguments.positional(), Map.of()).bind("dict()", 0, "mapping")[0];
        if (source instanceof Map<?, ?> other) {
            run.spend(other.size());
            map.putAll(other);
        } else if (source != Arguments.MISSING) {
            for (Object item : Types.list(run, source)) {
                List<Object> pair = Types.list(run, item);
                if (pair.size() != 2) {
                    throw new TemplateException("dict() needs pairs of a key and a value");
                }
                map.put(Types.key(pair.get(0)), pair.get(1));
            }
        }
        map.putAll(arguments.named());
        return map;
    }

    /** Gives nothing when first called, the separator from then on. */
    private static final class Joiner implements Invocable {
        private final String separator;
        private boolean used;

        Joiner(String separator) {
            this.separator = separator;
        }

        @Override
        public Object call(Run run, Arguments arguments) {
            arguments.bind("a joiner", 0);
            String text = used ? separator : "";
            used = true;
            return text;
        }

        @Override
        public String name() {
            return "joiner";
        }
    }
}
