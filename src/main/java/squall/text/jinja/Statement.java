package squall.text.jinja;

import java.util.Iterator;
import java.util.List;

/** A part of a template that prints, binds names or decides which parts do. */
sealed interface Statement {

    /** How a statement ended: in order, or on its way out of a loop's turn. */
    enum End { NORMAL, BREAK, CONTINUE }

    End execute(Scope scope);

    static End all(List<Statement> statements, Scope scope) {
        for (Statement statement : statements) {
            End end = statement.execute(scope);
            if (end != End.NORMAL) {
                return end;
            }
        }
        return End.NORMAL;
    }

    /** Runs the statements in a scope of their own and gives what they print. */
    static String capture(List<Statement> statements, Scope inner) {
        Run run = inner.run;
        StringBuilder outside = run.out;
        run.out = new StringBuilder();
        try {
            if (all(statements, inner) != End.NORMAL) {
                throw new TemplateException("a loop cannot be left from within a captured block");
            }
            return run.out.toString();
        } finally {
            run.out = outside;
        }
    }

    record Text(String text) implements Statement {
        @Override
        public End execute(Scope scope) {
            scope.run.print(text);
            return End.NORMAL;
        }
    }

    record Print(Expression expression, int line) implements Statement {
        @Override
        public End execute(Scope scope) {
            scope.run.line = line;
            scope.run.print(Show.text(scope.run, expression.value(scope)));
            return End.NORMAL;
        }
    }

    /** The first branch whose condition is true; that of an else is null. */
    record If(List<Expression> conditions, List<List<Statement>> branches, int line) implements Statement {
        @Override
        public End execute(Scope scope) {
            for (int i = 0; i < branches.size(); i++) {
                scope.run.spend(1);
                scope.run.line = line;
                if (conditions.get(i) == null || Types.truth(conditions.get(i).value(scope))) {
                    return all(branches.get(i), scope);
                }
            }
            return End.NORMAL;
        }
    }

    /** {@code condition} is null for a loop over all items. */
    record For(Target target, Expression items, Expression condition, List<Statement> body, List<Statement> otherwise,
               int line) implements Statement {
        @Override
        public End execute(Scope scope) {
            Run run = scope.run;
            run.line = line;
            Object iterable = items.value(scope);
            Iterator<Object> source = Types.iterate(iterable);
            if (condition != null) {
                source = new Chosen(source, item -> chosen(scope, item));
                iterable = null;
            }
            Loop loop = new Loop(run, source, Types.lengthOrNone(iterable));
            boolean empty = true;
            while (loop.next()) {
                run.spend(1);
                Scope turn = scope.inner();
                turn.set("loop", loop);
                target.bind(turn, loop.current);
                End end = all(body, turn);
                // the else part runs unless one turn ran to its end: as in the reference
                empty &= end != End.NORMAL;
                if (end == End.BREAK) {
                    break;
                }
            }
            return empty ? all(otherwise, scope.inner()) : End.NORMAL;
        }

        private boolean chosen(Scope scope, Object item) {
            Scope test = scope.inner();
            target.bind(test, item);
            return Types.truth(condition.value(test));
        }
    }

    record Leave(End end) implements Statement {
        @Override
        public End execute(Scope scope) {
            scope.run.spend(1);
            return end;
        }
    }

    record Set(Target target, Expression expression, int line) implements Statement {
        @Override
        public End execute(Scope scope) {
            scope.run.spend(1);
            scope.run.line = line;
            target.bind(scope, expression.value(scope));
            return End.NORMAL;
        }
    }

    /** What the body prints, through the filters (which read it as {@link #CAPTURED}), to the target or, if null, out. */
    record Capture(Target target, Expression filtered, List<Statement> body, int line) implements Statement {
        static final String CAPTURED = "captured text";

        @Override
        public End execute(Scope scope) {
            Scope inner = scope.inner();
            String text = capture(body, inner);
            inner.set(CAPTURED, text);
            scope.run.line = line;
            Object value = filtered.value(inner);
            if (target == null) {
                scope.run.print(StringMethods.string(value, "a filter block"));
            } else {
                target.bind(scope, value);
            }
            return End.NORMAL;
        }
    }

    record With(List<Target> targets, List<Expression> expressions, List<Statement> body, int line) implements Statement {
        @Override
        public End execute(Scope scope) {
            scope.run.line = line;
            Scope inner = scope.inner();
            for (int i = 0; i < targets.size(); i++) {
                targets.get(i).bind(inner, expressions.get(i).value(scope));
            }
            return all(body, inner);
        }
    }

    record MacroDefinition(Macro.Definition definition) implements Statement {
        @Override
        public End execute(Scope scope) {
            scope.run.spend(1);
            scope.set(definition.name(), new Macro(definition, scope));
            return End.NORMAL;
        }
    }

    /** {@code call(...) macro(...)}: the body becomes the macro's {@code caller}. */
    record CallBlock(Expression.Call call, Macro.Definition body) implements Statement {
        @Override
        public End execute(Scope scope) {
            Object function = call.callee().value(scope);
            Arguments arguments = call.arguments().values(scope);
            java.util.Map<String, Object> named = new java.util.LinkedHashMap<>(arguments.named());
            if (named.put("caller", new Macro(body, scope)) != null) {
                throw new TemplateException("a call block cannot pass an argument named 'caller'");
            }
            Object result = call.call(scope, function, new Arguments(arguments.positional(), named));
            scope.run.print(Show.text(scope.run, result));
            return End.NORMAL;
        }
    }

    /** A body with a scope of its own that prints as it stands: {@code generation} blocks. */
    record Scoped(List<Statement> body) implements Statement {
        @Override
        public End execute(Scope scope) {
            return all(body, scope.inner());
        }
    }

    /** The left side of an assignment. */
    sealed interface Target {
        void bind(Scope scope, Object value);
    }

    record NameTarget(String name) implements Target {
        @Override
        public void bind(Scope scope, Object value) {
            scope.set(name, value);
        }
    }

    record NamespaceTarget(String name, String attribute) implements Target {
        @Override
        public void bind(Scope scope, Object value) {
            if (!(scope.get(name) instanceof Namespace namespace)) {
                throw new TemplateException("'" + name + "' is no namespace: its attribute '" + attribute + "' cannot be set");
            }
            namespace.attributes.put(attribute, value);
        }
    }

    record TupleTarget(List<Target> targets) implements Target {
        @Override
        public void bind(Scope scope, Object value) {
            Iterator<Object> items = Types.iteratorOrNull(value);
            if (items == null) {
                throw new TemplateException("a value of type " + Types.name(value) + " cannot be unpacked");
            }
            Object[] values = new Object[targets.size()];
            for (int i = 0; i < values.length; i++) {
                if (!items.hasNext()) {
                    throw new TemplateException("too few values to unpack: expected " + values.length + ", found " + i);
                }
                values[i] = items.next();
            }
            if (items.hasNext()) {
                throw new TemplateException("too many values to unpack: expected " + values.length);
            }
            for (int i = 0; i < values.length; i++) {
                targets.get(i).bind(scope, values[i]);
            }
        }
    }
}
