package squall.text.jinja;

import java.util.List;
import squall.text.jinja.Token.Kind;

/** The tokens of a template and the place in them. */
final class Tokens {
    /** Nested expressions and blocks; templates of released models stay below twenty. */
    private static final int MAX_NESTING = 200;
    /** Operators, filters or elements one after another. */
    static final int MAX_CHAIN = 1000;

    private final List<Token> tokens;
    private int at;
    private int nesting;

    Tokens(List<Token> tokens) {
        this.tokens = tokens;
    }

    Token current() {
        return tokens.get(at);
    }

    Token following() {
        return tokens.get(Math.min(at + 1, tokens.size() - 1));
    }

    Token next() {
        Token token = tokens.get(at);
        if (token.kind() != Kind.END) {
            at++;
        }
        return token;
    }

    boolean at(Kind kind) {
        return current().kind() == kind;
    }

    boolean atName(String name) {
        return current().isName(name);
    }

    boolean atOperator(String operator) {
        return current().isOperator(operator);
    }

    boolean skipName(String name) {
        boolean found = atName(name);
        at += found ? 1 : 0;
        return found;
    }

    boolean skipOperator(String operator) {
        boolean found = atOperator(operator);
        at += found ? 1 : 0;
        return found;
    }

    Token expect(Kind kind, String what) throws SyntaxException {
        if (!at(kind)) {
            throw unexpected(what);
        }
        return next();
    }

    String expectName() throws SyntaxException {
        return expect(Kind.NAME, "a name").text();
    }

    void expectOperator(String operator) throws SyntaxException {
        if (!skipOperator(operator)) {
            throw unexpected("'" + operator + "'");
        }
    }

    void expectName(String name) throws SyntaxException {
        if (!skipName(name)) {
            throw unexpected("'" + name + "'");
        }
    }

    SyntaxException unexpected(String expected) {
        return fail("expected " + expected + ", found " + current().describe());
    }

    SyntaxException fail(String message) {
        return new SyntaxException(current().line(), message);
    }

    void enter() throws SyntaxException {
        if (++nesting > MAX_NESTING) {
            throw fail("more than " + MAX_NESTING + " nested expressions or blocks");
        }
    }

    void leave() {
        nesting--;
    }

    /** Counts the links of a chain, which is evaluated by as many nested calls. */
    int link(int links) throws SyntaxException {
        if (links >= MAX_CHAIN) {
            throw fail("more than " + MAX_CHAIN + " operators or filters one after another");
        }
        return links + 1;
    }
}
