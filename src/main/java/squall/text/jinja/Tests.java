package squall.text.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The tests of {@code value is test}. */
final class Tests {
    private Tests() {
    }

    /** The tests as the parser knows them; {@code eq} and its kind have several names. */
    static boolean exists(String name) {
        return switch (name) {
            case "odd", "even", "divisibleby", "defined", "undefined", "filter", "test", "none", "boolean", "false", "true", "integer",
                "float", "lower", "upper", "string", "mapping", "number", "sequence", "iterable", "callable", "sameas", "escaped",
                "in" -> true;
            default -> comparison(name) != null;
        };
    }

    private static String comparison(String name) {
        return switch (name) {
            case "==", "eq", "equalto" -> "==";
            case "!=", "ne" -> "!=";
            case ">", "gt", "greaterthan" -> ">";
            case ">=", "ge" -> ">=";
            case "<", "lt", "lessthan" -> "<";
            case "<=", "le" -> "<=";
            default -> null;
        };
    }

    static boolean holds(Run run, String name, Object value, Arguments arguments) {
        String comparison = name.equals("in") ? "in" : comparison(name);
        if (comparison != null) {
            return Operators.compare(run, comparison, value, other(name, arguments));
        }
        switch (name) {
            case "divisibleby" -> {
                return zero(Operators.binary(run, "%", value, other(name, arguments)));
            }
            case "sameas" -> {
                return same(value, other(name, arguments));
            }
            default -> arguments.bind("the test '" + name + "'", 0);
        }
        return switch (name) {
            case "odd" -> Types.equal(run, Operators.binary(run, "%", value, 2L), 1L);
            case "even" -> zero(Operators.binary(run, "%", value, 2L));
            case "defined" -> !(value instanceof Undefined);
            case "undefined" -> value instanceof Undefined;
            case "filter" -> value instanceof String filter && Filters.exists(filter);
            case "test" -> value instanceof String test && exists(test);
            case "none" -> value == null;
            case "boolean" -> value instanceof Boolean;
            case "false" -> Boolean.FALSE.equals(value);
            case "true" -> Boolean.TRUE.equals(value);
            case "integer" -> Numbers.isInteger(value) && !(value instanceof Boolean);
            case "float" -> value instanceof Double;
            case "lower", "upper" -> {
                run.spendLook(value);
                yield Letters.cased(Show.text(run, value), name.equals("upper"));
            }
            case "string" -> Types.text(value) != null;
            case "mapping" -> value instanceof Map<?, ?>;
            case "number" -> Numbers.is(value);
            case "sequence" -> Types.text(value) != null || value instanceof List<?> || value instanceof Map<?, ?>
                || value instanceof Undefined;
            case "iterable" -> value instanceof Loop || Types.iteratorOrNull(value) != null;
            case "callable" -> value instanceof Invocable || value instanceof Loop || value instanceof Undefined;
            case "escaped" -> value instanceof Markup;
            default -> throw new TemplateException("there is no test named '" + name + "'");
        };
    }

    private static Object other(String name, Arguments arguments) {
        return arguments.bind("the test '" + name + "'", 1, "other")[0];
    }

    private static boolean zero(Object number) {
        return Numbers.is(number) && Numbers.compare(number, 0L) == 0;
    }

    /** The same object: for None and truth values always, for numbers and texts it is not defined. */
    private static boolean same(Object a, Object b) {
        boolean single = a == null || b == null || a instanceof Boolean || b instanceof Boolean;
        if (!single && a != b && a.equals(b) && (Numbers.is(a) || a instanceof String)) {
            throw new TemplateException("'sameas' between equal " + Types.name(a) + " values is not supported");
        }
        return a == b || single && a != null && a.equals(b);
    }

    /** The test named by an argument of {@code select} and its kind, as a predicate. */
    static boolean named(Run run, List<Object> test, Object value) {
        if (!(test.getFirst() instanceof String name)) {
            throw new TemplateException("the name of a test must be a string");
        }
        return holds(run, name, value, new Arguments(new ArrayList<>(test.subList(1, test.size())), Map.of()));
    }
}
