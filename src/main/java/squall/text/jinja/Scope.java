package squall.text.jinja;

/**
 * The names of one block: template, loop turn, macro call, captured block. A name that is not here is looked up outwards,
 * then among the variables of the rendering, then among the built-in functions.
 */
final class Scope {
    final Run run;
    private final Scope outer;
    private String[] names = new String[4];
    private Object[] values = new Object[4];
    private int size;

    Scope(Run run) {
        this.run = run;
        this.outer = null;
    }

    Scope(Scope outer) {
        this.run = outer.run;
        this.outer = outer;
    }

    Scope inner() {
        return new Scope(this);
    }

    /** Names come from the lexer, interned. */
    void set(String name, Object value) {
        int i = 0;
        while (i < size && names[i] != name) {
            i++;
        }
        if (i == names.length) {
            names = java.util.Arrays.copyOf(names, 2 * size);
            values = java.util.Arrays.copyOf(values, 2 * size);
        }
        if (i == size) {
            size++;
        }
        names[i] = name;
        values[i] = value;
    }

    Object get(String name) {
        for (Scope scope = this; scope != null; scope = scope.outer) {
            for (int i = 0; i < scope.size; i++) {
                if (scope.names[i] == name) {
                    return scope.values[i];
                }
            }
        }
        Object value = run.variables.get(name);
        if (value != null || run.variables.containsKey(name)) {
            return value;
        }
        Object function = Builtin.named(name);
        return function != null ? function : Undefined.name(name);
    }
}
