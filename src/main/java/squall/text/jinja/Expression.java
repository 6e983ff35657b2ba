package squall.text.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A part of a template that has a value. */
sealed interface Expression {

    Object value(Scope scope);

    record Literal(Object constant) implements Expression {
        @Override
        public Object value(Scope scope) {
            return constant;
        }
    }

    record Name(String name) implements Expression {
        @Override
        public Object value(Scope scope) {
            scope.run.spend(1);
            return scope.get(name);
        }
    }

    record ListOf(List<Expression> items, boolean tuple) implements Expression {
        @Override
        public Object value(Scope scope) {
            scope.run.spend(1 + items.size());
            List<Object> values = new ArrayList<>(items.size());
            for (Expression item : items) {
                values.add(item.value(scope));
            }
            return tuple ? Tuple.of(values) : values;
        }
    }

    record DictOf(List<Expression> keys, List<Expression> items) implements Expression {
        @Override
        public Object value(Scope scope) {
            scope.run.spend(1 + items.size());
            Map<Object, Object> map = new LinkedHashMap<>();
            for (int i = 0; i < keys.size(); i++) {
                map.put(Types.key(keys.get(i).value(scope)), items.get(i).value(scope));
            }
            return map;
        }
    }

    record Attribute(Expression of, String name, int line) implements Expression {
        @Override
        public Object value(Scope scope) {
            Object object = of.value(scope);
            scope.run.spend(1);
            scope.run.line = line;
            return Attributes.get(object, name);
        }
    }

    record Item(Expression of, Expression index, int line) implements Expression {
        @Override
        public Object value(Scope scope) {
            Object object = of.value(scope);
            Object at = index.value(scope);
            scope.run.spendLook(object);
            scope.run.line = line;
            return Items.get(object, at);
        }
    }

    /** The bounds are null where they are left out. */
    record Slice(Expression of, Expression start, Expression stop, Expression step, int line) implements Expression {
        @Override
        public Object value(Scope scope) {
            Object object = of.value(scope);
            Object from = start == null ? null : start.value(scope);
            Object to = stop == null ? null : stop.value(scope);
            Object by = step == null ? null : step.value(scope);
            scope.run.line = line;
            return Items.slice(scope.run, object, from, to, by);
        }
    }

    record Call(Expression callee, ArgumentList arguments, int line) implements Expression {
        @Override
        public Object value(Scope scope) {
            Object function = callee.value(scope);
            return call(scope, function, arguments.values(scope));
        }

        Object call(Scope scope, Object function, Arguments values) {
            scope.run.spend(1);
            scope.run.line = line;
            if (function instanceof Invocable invocable) {
                return invocable.call(scope.run, values);
            }
            if (function instanceof Undefined undefined) {
                throw undefined.error();
            }
            throw new TemplateException("a value of type " + Types.name(function) + " cannot be called");
        }
    }

    record Filter(Expression of, String name, ArgumentList arguments, int line) implements Expression {
        @Override
        public Object value(Scope scope) {
            Object input = of.value(scope);
            Arguments values = arguments.values(scope);
            scope.run.spendLook(input);
            scope.run.line = line;
            return Filters.apply(scope.run, name, input, values);
        }
    }

    record Test(Expression of, String name, ArgumentList arguments, int line) implements Expression {
        @Override
        public Object value(Scope scope) {
            Object input = of.value(scope);
            Arguments values = arguments.values(scope);
            scope.run.spend(1);
            scope.run.line = line;
            return Tests.holds(scope.run, name, input, values);
        }
    }

    record Not(Expression of) implements Expression {
        @Override
        public Object value(Scope scope) {
            scope.run.spend(1);
            return !Types.truth(of.value(scope));
        }
    }

    record And(Expression left, Expression right) implements Expression {
        @Override
        public Object value(Scope scope) {
            scope.run.spend(1);
            Object first = left.value(scope);
            return Types.truth(first) ? right.value(scope) : first;
        }
    }

    record Or(Expression left, Expression right) implements Expression {
        @Override
        public Object value(Scope scope) {
            scope.run.spend(1);
            Object first = left.value(scope);
            return Types.truth(first) ? first : right.value(scope);
        }
    }

    /** {@code then if condition else otherwise}; without an else it may be undefined. */
    record Conditional(Expression condition, Expression then, Expression otherwise, int line) implements Expression {
        @Override
        public Object value(Scope scope) {
            scope.run.spend(1);
            if (Types.truth(condition.value(scope))) {
                return then.value(scope);
            }
            return otherwise != null ? otherwise.value(scope)
                : new Undefined("the inline if-expression on line " + line + " is false and has no else");
        }
    }

    record Unary(char operator, Expression of, int line) implements Expression {
        @Override
        public Object value(Scope scope) {
            Object operand = of.value(scope);
            scope.run.spend(1);
            scope.run.line = line;
            return Operators.unary(operator, operand);
        }
    }

    record Binary(String operator, Expression left, Expression right, int line) implements Expression {
        @Override
        public Object value(Scope scope) {
            Object a = left.value(scope);
            Object b = right.value(scope);
            scope.run.spend(1);
            scope.run.line = line;
            return Operators.binary(scope.run, operator, a, b);
        }
    }

    /** {@code a ~ b ~ c}: the values as text, joined. */
    record Concat(List<Expression> parts) implements Expression {
        @Override
        public Object value(Scope scope) {
            StringBuilder out = new StringBuilder();
            for (Expression part : parts) {
                String text = Show.text(scope.run, part.value(scope));
                scope.run.spendText((long) out.length() + text.length());
                out.append(text);
            }
            return out.toString();
        }
    }

    /** {@code a < b <= c}: each operand is evaluated once, and none after the first comparison that fails. */
    record Compare(Expression first, List<String> operators, List<Expression> operands, int line) implements Expression {
        @Override
        public Object value(Scope scope) {
            Object left = first.value(scope);
            for (int i = 0; i < operators.size(); i++) {
                Object right = operands.get(i).value(scope);
                scope.run.line = line;
                if (!Operators.compare(scope.run, operators.get(i), left, right)) {
                    return false;
                }
                left = right;
            }
            return true;
        }
    }

    /** The arguments of a call as written; {@code star} and {@code doubleStar} are null where there are none. */
    record ArgumentList(List<Expression> positional, List<String> names, List<Expression> named,
                        Expression star, Expression doubleStar) {
        static final ArgumentList NONE = new ArgumentList(List.of(), List.of(), List.of(), null, null);

        Arguments values(Scope scope) {
            if (this == NONE) {
                return Arguments.NONE;
            }
            List<Object> values = new ArrayList<>(positional.size());
            for (Expression argument : positional) {
                values.add(argument.value(scope));
            }
            if (star != null) {
                values.addAll(Types.list(scope.run, star.value(scope)));
            }
            if (names.isEmpty() && doubleStar == null) {
                return new Arguments(values, Map.of());
            }
            Map<String, Object> keywords = new LinkedHashMap<>();
            for (int i = 0; i < names.size(); i++) {
                keywords.put(names.get(i), named.get(i).value(scope));
            }
            if (doubleStar != null) {
                spread(scope, keywords);
            }
            return new Arguments(values, keywords);
        }

        private void spread(Scope scope, Map<String, Object> keywords) {
            if (!(doubleStar.value(scope) instanceof Map<?, ?> map)) {
                throw new TemplateException("'**' in a call needs a mapping");
            }
            for (Map.Entry<?, ?> entry : map.entrySet()) {
                scope.run.spend(1);
                if (!(entry.getKey() instanceof String name) || keywords.containsKey(name)) {
                    throw new TemplateException("'**' in a call needs names that are strings and not given twice");
                }
                keywords.put(name.intern(), entry.getValue());
            }
        }
    }
}
