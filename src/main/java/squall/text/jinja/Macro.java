package squall.text.jinja;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A macro with the scope that it was defined in. It gives what its body prints. */
record Macro(Definition definition, Scope scope) implements Invocable {

    /**
     * A macro as written.
     *
     * @param defaults of the last parameters
     * @param special  which of {@code caller, kwargs, varargs} the body uses
     */
    record Definition(String name, List<String> parameters, List<Expression> defaults, List<Statement> body,
                      java.util.Set<String> special) {
    }

    @Override
    public String name() {
        return definition.name;
    }

    @Override
    public Object call(Run run, Arguments arguments) {
        int line = run.line;
        run.enterMacro(definition.name);
        Scope inner = scope.inner();
        bind(inner, arguments);
        String text = Statement.capture(definition.body, inner);
        run.leaveMacro();
        run.line = line;
        return text;
    }

    private void bind(Scope inner, Arguments arguments) {
        List<String> parameters = definition.parameters;
        List<Object> positional = arguments.positional();
        Map<String, Object> named = new LinkedHashMap<>(arguments.named());
        int given = Math.min(positional.size(), parameters.size());
        for (int i = 0; i < given; i++) {
            inner.set(parameters.get(i), positional.get(i));
        }
        boolean[] filled = new boolean[parameters.size()];
        for (int i = given; i < parameters.size(); i++) {
            filled[i] = named.containsKey(parameters.get(i));
            if (filled[i]) {
                inner.set(parameters.get(i), named.remove(parameters.get(i)));
            }
        }
        bindSpecial(inner, positional, named, given);
        int firstDefault = parameters.size() - definition.defaults.size();
        for (int i = given; i < parameters.size(); i++) {
            if (!filled[i]) {
                String parameter = parameters.get(i);
                inner.set(parameter, i >= firstDefault ? definition.defaults.get(i - firstDefault).value(inner)
                    : new Undefined("parameter '" + parameter + "' was not provided"));
            }
        }
    }

    private void bindSpecial(Scope inner, List<Object> positional, Map<String, Object> named, int given) {
        if (definition.special.contains("caller") && !definition.parameters.contains("caller")) {
            Object caller = named.remove("caller");
            inner.set("caller", caller == null ? new Undefined("No caller defined") : caller);
        }
        if (definition.special.contains("kwargs")) {
            inner.set("kwargs", named);
        } else if (!named.isEmpty()) {
            throw new TemplateException("the macro '" + definition.name + "' has no argument '" + named.keySet().iterator().next() + "'");
        }
        if (definition.special.contains("varargs")) {
            inner.set("varargs", Tuple.of(positional.subList(given, positional.size())));
        } else if (positional.size() > definition.parameters.size()) {
            throw new TemplateException("the macro '" + definition.name + "' takes at most " + definition.parameters.size()
                + " arguments, found " + positional.size());
        }
    }
}
