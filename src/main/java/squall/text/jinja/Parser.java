package squall.text.jinja;

import java.util.ArrayList;
import java.util.List;
import squall.text.jinja.Statement.Target;
import squall.text.jinja.Token.Kind;

/** Tokens to statements. */
final class Parser {
    private final Tokens tokens;
    private final ExpressionParser expressions;
    private int loops;

    private Parser(List<Token> tokens) {
        this.tokens = new Tokens(tokens);
        this.expressions = new ExpressionParser(this.tokens);
    }

    static List<Statement> parse(String source) throws SyntaxException {
        Parser parser = new Parser(Lexer.tokens(source));
        List<Statement> body = parser.body();
        parser.expressions.checkKnown();
        return body;
    }

    /** Statements up to the end, or up to a block that begins with one of {@code ends}: its name is next then. */
    private List<Statement> body(String... ends) throws SyntaxException {
        tokens.enter();
        List<Statement> body = new ArrayList<>();
        while (!tokens.at(Kind.END)) {
            Token token = tokens.next();
            switch (token.kind()) {
                case DATA -> body.add(new Statement.Text(token.text()));
                case VARIABLE_BEGIN -> {
                    body.add(new Statement.Print(expressions.tuple(true, null), token.line()));
                    tokens.expect(Kind.VARIABLE_END, "'}}'");
                }
                default -> {
                    for (String end : ends) {
                        if (tokens.atName(end)) {
                            tokens.leave();
                            return body;
                        }
                    }
                    body.add(statement());
                    tokens.expect(Kind.BLOCK_END, "'%}'");
                }
            }
        }
        if (ends.length > 0) {
            throw tokens.fail("the template ends inside a block: expected '" + String.join("' or '", ends) + "'");
        }
        tokens.leave();
        return body;
    }

    /** The body of a block, behind its head. */
    private List<Statement> block(String... ends) throws SyntaxException {
        tokens.skipOperator(":");
        tokens.expect(Kind.BLOCK_END, "'%}'");
        return body(ends);
    }

    private List<Statement> closedBlock(String end) throws SyntaxException {
        List<Statement> body = block(end);
        tokens.next();
        return body;
    }

    private Statement statement() throws SyntaxException {
        Token tag = tokens.expect(Kind.NAME, "the name of a block");
        int line = tag.line();
        return switch (tag.text()) {
            case "set" -> set(line);
            case "if" -> condition(line);
            case "for" -> loop(line);
            case "macro" -> new Statement.MacroDefinition(macro(tokens.expectName(), true));
            case "call" -> call();
            case "filter" -> {
                Expression filtered = filters(expressions.filter(new Expression.Name(Statement.Capture.CAPTURED)));
                yield new Statement.Capture(null, filtered, closedBlock("endfilter"), line);
            }
            case "with" -> with(line);
            case "print" -> print(line);
            case "break", "continue" -> {
                if (loops == 0) {
                    throw new SyntaxException(line, "'" + tag.text() + "' outside of a loop");
                }
                yield new Statement.Leave(tag.text().equals("break") ? Statement.End.BREAK : Statement.End.CONTINUE);
            }
            case "generation" -> new Statement.Scoped(closedBlock("endgeneration"));
            default -> throw new SyntaxException(line, "the block '" + tag.text() + "' is not supported here");
        };
    }

    private Statement set(int line) throws SyntaxException {
        Target target = target(null, true);
        if (tokens.skipOperator("=")) {
            return new Statement.Set(target, expressions.tuple(true, null), line);
        }
        Expression filtered = filters(new Expression.Name(Statement.Capture.CAPTURED));
        return new Statement.Capture(target, filtered, closedBlock("endset"), line);
    }

    private Expression filters(Expression of) throws SyntaxException {
        Expression filtered = of;
        for (int links = 0; tokens.skipOperator("|"); links = tokens.link(links)) {
            filtered = expressions.filter(filtered);
        }
        return filtered;
    }

    private Statement condition(int line) throws SyntaxException {
        List<Expression> conditions = new ArrayList<>();
        List<List<Statement>> branches = new ArrayList<>();
        expressions.conditions++;
        Token end;
        do {
            conditions.add(expressions.tuple(false, null));
            branches.add(block("elif", "else", "endif"));
            end = tokens.next();
        } while (end.isName("elif"));
        if (end.isName("else")) {
            conditions.add(null);
            branches.add(closedBlock("endif"));
        }
        expressions.conditions--;
        return new Statement.If(conditions, branches, line);
    }

    private Statement loop(int line) throws SyntaxException {
        Target target = target("in", false);
        tokens.expectName("in");
        Expression items = expressions.tuple(false, "recursive");
        Expression condition = tokens.skipName("if") ? expressions.expression() : null;
        if (tokens.atName("recursive")) {
            throw tokens.fail("recursive loops are not supported");
        }
        if (bindsLoop(target)) {
            throw new SyntaxException(line, "the name 'loop' belongs to the loop itself");
        }
        loops++;
        List<Statement> body = block("endfor", "else");
        loops--;
        List<Statement> otherwise = tokens.next().isName("else") ? closedBlock("endfor") : List.of();
        return new Statement.For(target, items, condition, body, otherwise, line);
    }

    private static boolean bindsLoop(Target target) {
        if (target instanceof Statement.TupleTarget tuple) {
            for (Target each : tuple.targets()) {
                if (bindsLoop(each)) {
                    return true;
                }
            }
        }
        return target instanceof Statement.NameTarget name && name.name().equals("loop");
    }

    private Macro.Definition macro(String name, boolean signature) throws SyntaxException {
        List<String> parameters = new ArrayList<>();
        List<Expression> defaults = new ArrayList<>();
        if (signature) {
            signature(parameters, defaults);
        }
        return macroBody(name, parameters, defaults);
    }

    private Macro.Definition macroBody(String name, List<String> parameters, List<Expression> defaults) throws SyntaxException {
        expressions.beginBody();
        int around = loops;
        loops = 0;
        List<Statement> body = closedBlock(name == null ? "endcall" : "endmacro");
        loops = around;
        java.util.Set<String> special = expressions.endBody();
        special.removeAll(parameters);
        return new Macro.Definition(name == null ? "caller" : name, parameters, defaults, body, special);
    }

    private void signature(List<String> parameters, List<Expression> defaults) throws SyntaxException {
        tokens.expectOperator("(");
        while (!tokens.atOperator(")")) {
            if (!parameters.isEmpty()) {
                tokens.expectOperator(",");
            }
            String parameter = tokens.expectName();
            if (parameters.contains(parameter)) {
                throw tokens.fail("the parameter '" + parameter + "' is there twice");
            }
            parameters.add(parameter);
            if (tokens.skipOperator("=")) {
                defaults.add(expressions.expression());
            } else if (!defaults.isEmpty()) {
                throw tokens.fail("a parameter without a default follows one with a default");
            }
        }
        tokens.next();
    }

    private Statement call() throws SyntaxException {
        List<String> parameters = new ArrayList<>();
        List<Expression> defaults = new ArrayList<>();
        if (tokens.atOperator("(")) {
            signature(parameters, defaults);
        }
        if (!(expressions.expression() instanceof Expression.Call call)) {
            throw tokens.fail("a call block needs a call");
        }
        return new Statement.CallBlock(call, macroBody(null, parameters, defaults));
    }

    private Statement with(int line) throws SyntaxException {
        List<Target> targets = new ArrayList<>();
        List<Expression> values = new ArrayList<>();
        while (!tokens.at(Kind.BLOCK_END)) {
            if (!targets.isEmpty()) {
                tokens.expectOperator(",");
            }
            targets.add(target(null, false));
            tokens.expectOperator("=");
            values.add(expressions.expression());
        }
        return new Statement.With(targets, values, closedBlock("endwith"), line);
    }

    private Statement print(int line) throws SyntaxException {
        List<Expression> parts = new ArrayList<>();
        while (!tokens.at(Kind.BLOCK_END)) {
            if (!parts.isEmpty()) {
                tokens.expectOperator(",");
            }
            parts.add(expressions.expression());
        }
        return new Statement.Print(new Expression.Concat(parts), line);
    }

    /** Names to assign to: one, or several with commas. */
    private Target target(String end, boolean namespaces) throws SyntaxException {
        List<Target> targets = new ArrayList<>();
        boolean several = false;
        while (!expressions.tupleEnds(end) && !tokens.atOperator("=")) {
            targets.add(singleTarget(namespaces));
            if (!tokens.skipOperator(",")) {
                break;
            }
            several = true;
        }
        if (targets.isEmpty()) {
            throw tokens.unexpected("a name to assign to");
        }
        return several ? new Statement.TupleTarget(targets) : targets.getFirst();
    }

    private Target singleTarget(boolean namespaces) throws SyntaxException {
        if (tokens.skipOperator("(")) {
            tokens.enter();
            Target inside = target(null, namespaces);
            tokens.leave();
            tokens.expectOperator(")");
            return inside;
        }
        String name = tokens.expectName();
        switch (name) {
            case "true", "True", "false", "False", "none", "None" ->
                throw tokens.fail("'" + name + "' is a constant: it cannot be assigned to");
            default -> { }
        }
        if (namespaces && tokens.skipOperator(".")) {
            return new Statement.NamespaceTarget(name, tokens.expectName());
        }
        return new Statement.NameTarget(name);
    }
}
