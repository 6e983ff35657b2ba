package squall.text.jinja;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import squall.text.jinja.Expression.ArgumentList;
import squall.text.jinja.Token.Kind;

/**
 * Tokens to expressions. From loose to tight: {@code if else}, {@code or}, {@code and}, {@code not}, comparisons,
 * {@code + -}, {@code ~}, {@code * / // %}, {@code **}, signs, then filters and tests, then calls and elements.
 */
final class ExpressionParser {
    final Tokens tokens;
    /** The special names that the bodies of the macros around use, innermost last. */
    final List<Set<String>> specialNames = new ArrayList<>();
    /** Above 0 inside conditions: what is unknown there may never be reached, and is an error only when it is. */
    int conditions;
    /** What is unknown where it is certain to be reached. */
    private final List<SyntaxException> unknown = new ArrayList<>();

    ExpressionParser(Tokens tokens) {
        this.tokens = tokens;
    }

    void checkKnown() throws SyntaxException {
        if (!unknown.isEmpty()) {
            throw unknown.getFirst();
        }
    }

    /** An expression, or several with commas: a tuple. */
    Expression tuple(boolean conditional, String end) throws SyntaxException {
        return tuple(conditional, end, false);
    }

    private Expression tuple(boolean conditional, String end, boolean parentheses) throws SyntaxException {
        List<Expression> items = new ArrayList<>();
        boolean several = false;
        while (!tupleEnds(end)) {
            items.add(conditional ? expression() : unconditional());
            if (!tokens.skipOperator(",")) {
                break;
            }
            several = true;
        }
        if (several || items.isEmpty() && parentheses) {
            return new Expression.ListOf(items, true);
        }
        if (items.isEmpty()) {
            throw tokens.unexpected("an expression");
        }
        return items.getFirst();
    }

    boolean tupleEnds(String end) {
        return tokens.at(Kind.VARIABLE_END) || tokens.at(Kind.BLOCK_END) || tokens.atOperator(")") || end != null && tokens.atName(end);
    }

    Expression expression() throws SyntaxException {
        tokens.enter();
        int line = tokens.current().line();
        int known = unknown.size();
        Expression value = or();
        for (int links = 0; tokens.skipName("if"); links = tokens.link(links)) {
            Expression condition = or();
            Expression otherwise = tokens.skipName("else") ? expression() : null;
            value = new Expression.Conditional(condition, value, otherwise, line);
            unknown.subList(known, unknown.size()).clear();
        }
        tokens.leave();
        return value;
    }

    /** An expression that leaves an {@code if} behind it alone, as in {@code for x in items if condition}. */
    private Expression unconditional() throws SyntaxException {
        tokens.enter();
        Expression value = or();
        tokens.leave();
        return value;
    }

    private Expression or() throws SyntaxException {
        Expression left = and();
        for (int links = 0; tokens.skipName("or"); links = tokens.link(links)) {
            left = new Expression.Or(left, and());
        }
        return left;
    }

    private Expression and() throws SyntaxException {
        Expression left = not();
        for (int links = 0; tokens.skipName("and"); links = tokens.link(links)) {
            left = new Expression.And(left, not());
        }
        return left;
    }

    private Expression not() throws SyntaxException {
        if (!tokens.skipName("not")) {
            return comparison();
        }
        tokens.enter();
        Expression not = new Expression.Not(not());
        tokens.leave();
        return not;
    }

    private Expression comparison() throws SyntaxException {
        int line = tokens.current().line();
        Expression first = sum();
        List<String> operators = new ArrayList<>();
        List<Expression> operands = new ArrayList<>();
        for (String operator = comparisonOperator(); operator != null; operator = comparisonOperator()) {
            operators.add(operator);
            operands.add(sum());
        }
        return operators.isEmpty() ? first : new Expression.Compare(first, operators, operands, line);
    }

    private String comparisonOperator() {
        Token token = tokens.current();
        if (token.kind() == Kind.OPERATOR) {
            switch (token.text()) {
                case "==", "!=", "<", "<=", ">", ">=" -> {
                    return tokens.next().text();
                }
                default -> {
                    return null;
                }
            }
        }
        if (tokens.skipName("in")) {
            return "in";
        }
        if (token.isName("not") && tokens.following().isName("in")) {
            tokens.next();
            tokens.next();
            return "not in";
        }
        return null;
    }

    private Expression sum() throws SyntaxException {
        Expression left = concatenation();
        int links = 0;
        while (tokens.atOperator("+") || tokens.atOperator("-")) {
            links = tokens.link(links);
            Token operator = tokens.next();
            left = new Expression.Binary(operator.text(), left, concatenation(), operator.line());
        }
        return left;
    }

    private Expression concatenation() throws SyntaxException {
        Expression first = product();
        if (!tokens.atOperator("~")) {
            return first;
        }
        List<Expression> parts = new ArrayList<>();
        parts.add(first);
        while (tokens.skipOperator("~")) {
            parts.add(product());
        }
        return new Expression.Concat(parts);
    }

    private Expression product() throws SyntaxException {
        Expression left = power();
        int links = 0;
        while (tokens.atOperator("*") || tokens.atOperator("/") || tokens.atOperator("//") || tokens.atOperator("%")) {
            links = tokens.link(links);
            Token operator = tokens.next();
            left = new Expression.Binary(operator.text(), left, power(), operator.line());
        }
        return left;
    }

    /** To the left, unlike Python. */
    private Expression power() throws SyntaxException {
        Expression left = unary(true);
        int links = 0;
        while (tokens.atOperator("**")) {
            links = tokens.link(links);
            Token operator = tokens.next();
            left = new Expression.Binary("**", left, unary(true), operator.line());
        }
        return left;
    }

    private Expression unary(boolean filters) throws SyntaxException {
        tokens.enter();
        Expression value;
        if (tokens.atOperator("-") || tokens.atOperator("+")) {
            Token operator = tokens.next();
            value = new Expression.Unary(operator.text().charAt(0), unary(false), operator.line());
        } else {
            value = primary();
        }
        value = postfix(value);
        value = filters ? filtersAndTests(value) : value;
        tokens.leave();
        return value;
    }

    Expression primary() throws SyntaxException {
        Token token = tokens.current();
        switch (token.kind()) {
            case NAME -> {
                tokens.next();
                return named(token);
            }
            case STRING -> {
                StringBuilder text = new StringBuilder();
                while (tokens.at(Kind.STRING)) {
                    text.append(tokens.next().value());
                }
                return new Expression.Literal(text.toString());
            }
            case INTEGER, FLOAT -> {
                tokens.next();
                return new Expression.Literal(token.value());
            }
            case OPERATOR -> {
                return bracketed();
            }
            default -> throw tokens.unexpected("an expression");
        }
    }

    private Expression named(Token token) throws SyntaxException {
        String name = token.text();
        return switch (name) {
            case "true", "True" -> new Expression.Literal(true);
            case "false", "False" -> new Expression.Literal(false);
            case "none", "None" -> new Expression.Literal(null);
            case "self", "super" -> throw new SyntaxException(token.line(), "'" + name + "' is not supported");
            default -> {
                if (name.equals("caller") || name.equals("kwargs") || name.equals("varargs")) {
                    specialNames.forEach(names -> names.add(name));
                }
                yield new Expression.Name(name);
            }
        };
    }

    private Expression bracketed() throws SyntaxException {
        if (tokens.skipOperator("(")) {
            Expression inside = tuple(true, null, true);
            tokens.expectOperator(")");
            return inside;
        }
        if (tokens.skipOperator("[")) {
            List<Expression> items = new ArrayList<>();
            while (!tokens.atOperator("]")) {
                items.add(expression());
                if (!tokens.skipOperator(",")) {
                    break;
                }
            }
            tokens.expectOperator("]");
            return new Expression.ListOf(items, false);
        }
        if (!tokens.skipOperator("{")) {
            throw tokens.unexpected("an expression");
        }
        List<Expression> keys = new ArrayList<>();
        List<Expression> values = new ArrayList<>();
        while (!tokens.atOperator("}")) {
            keys.add(expression());
            tokens.expectOperator(":");
            values.add(expression());
            if (!tokens.skipOperator(",")) {
                break;
            }
        }
        tokens.expectOperator("}");
        return new Expression.DictOf(keys, values);
    }

    Expression postfix(Expression of) throws SyntaxException {
        Expression value = of;
        for (int links = 0;; links = tokens.link(links)) {
            if (tokens.atOperator(".")) {
                value = attribute(value);
            } else if (tokens.atOperator("[")) {
                value = element(value);
            } else if (tokens.atOperator("(")) {
                int line = tokens.current().line();
                value = new Expression.Call(value, arguments(), line);
            } else {
                return value;
            }
        }
    }

    private Expression filtersAndTests(Expression of) throws SyntaxException {
        Expression value = of;
        for (int links = 0;; links = tokens.link(links)) {
            if (tokens.atOperator("|")) {
                tokens.next();
                value = filter(value);
            } else if (tokens.atName("is")) {
                tokens.next();
                value = test(value);
            } else if (tokens.atOperator("(")) {
                int line = tokens.current().line();
                value = new Expression.Call(value, arguments(), line);
            } else {
                return value;
            }
        }
    }

    private Expression attribute(Expression of) throws SyntaxException {
        int line = tokens.next().line();
        Token name = tokens.next();
        if (name.kind() == Kind.NAME) {
            return new Expression.Attribute(of, name.text(), line);
        }
        if (name.kind() == Kind.INTEGER) {
            return new Expression.Item(of, new Expression.Literal(name.value()), line);
        }
        throw new SyntaxException(name.line(), "expected a name or number after '.', found " + name.describe());
    }

    private Expression element(Expression of) throws SyntaxException {
        int line = tokens.next().line();
        Expression start = tokens.atOperator(":") ? null : expression();
        Expression element;
        if (tokens.skipOperator(":")) {
            Expression stop = tokens.atOperator("]") || tokens.atOperator(":") ? null : expression();
            Expression step = tokens.skipOperator(":") && !tokens.atOperator("]") ? expression() : null;
            element = new Expression.Slice(of, start, stop, step, line);
        } else {
            element = new Expression.Item(of, start, line);
        }
        if (tokens.atOperator(",")) {
            throw tokens.fail("several indices in one '[...]' are not supported");
        }
        tokens.expectOperator("]");
        return element;
    }

    ArgumentList arguments() throws SyntaxException {
        tokens.expectOperator("(");
        List<Expression> positional = new ArrayList<>();
        List<String> names = new ArrayList<>();
        List<Expression> named = new ArrayList<>();
        Expression star = null;
        Expression doubleStar = null;
        while (!tokens.atOperator(")")) {
            boolean keyword = tokens.at(Kind.NAME) && tokens.following().isOperator("=");
            if (doubleStar != null || star != null && !keyword && !tokens.atOperator("**")) {
                throw tokens.fail("an argument after '*' or '**' is not supported");
            }
            if (tokens.skipOperator("*")) {
                star = expression();
            } else if (tokens.skipOperator("**")) {
                doubleStar = expression();
            } else if (keyword) {
                String name = tokens.next().text();
                tokens.next();
                if (names.contains(name)) {
                    throw tokens.fail("the argument '" + name + "' is given twice");
                }
                names.add(name);
                named.add(expression());
            } else {
                if (!names.isEmpty()) {
                    throw tokens.fail("a positional argument follows a named one");
                }
                positional.add(expression());
            }
            if (!tokens.skipOperator(",")) {
                break;
            }
        }
        tokens.expectOperator(")");
        boolean none = positional.isEmpty() && names.isEmpty() && star == null && doubleStar == null;
        return none ? ArgumentList.NONE : new ArgumentList(positional, names, named, star, doubleStar);
    }

    /** Behind the bar. */
    Expression filter(Expression of) throws SyntaxException {
        int line = tokens.current().line();
        String name = dotted();
        if (!Filters.exists(name)) {
            unknown(line, "the filter '" + name + "' is not supported");
        }
        return new Expression.Filter(of, name, tokens.atOperator("(") ? arguments() : ArgumentList.NONE, line);
    }

    private Expression test(Expression of) throws SyntaxException {
        int line = tokens.current().line();
        boolean negated = tokens.skipName("not");
        String name = dotted();
        if (!Tests.exists(name)) {
            unknown(line, "the test '" + name + "' is not supported");
        }
        ArgumentList arguments = ArgumentList.NONE;
        if (tokens.atOperator("(")) {
            arguments = arguments();
        } else if (testArgumentFollows()) {
            if (tokens.atName("is")) {
                throw tokens.fail("tests with 'is' cannot be chained");
            }
            arguments = new ArgumentList(List.of(postfix(primary())), List.of(), List.of(), null, null);
        }
        Expression test = new Expression.Test(of, name, arguments, line);
        return negated ? new Expression.Not(test) : test;
    }

    private boolean testArgumentFollows() {
        return switch (tokens.current().kind()) {
            case NAME -> !tokens.atName("else") && !tokens.atName("or") && !tokens.atName("and");
            case STRING, INTEGER, FLOAT -> true;
            default -> tokens.atOperator("[") || tokens.atOperator("{");
        };
    }

    private String dotted() throws SyntaxException {
        StringBuilder name = new StringBuilder(tokens.expectName());
        while (tokens.skipOperator(".")) {
            name.append('.').append(tokens.expectName());
        }
        return name.toString();
    }

    private void unknown(int line, String message) {
        if (conditions == 0) {
            unknown.add(new SyntaxException(line, message));
        }
    }

    /** Collects the special names that what is parsed until {@link #endBody} uses. */
    void beginBody() {
        specialNames.add(new LinkedHashSet<>());
    }

    Set<String> endBody() {
        return specialNames.removeLast();
    }
}
