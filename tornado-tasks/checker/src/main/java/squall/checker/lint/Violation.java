package squall.checker.lint;

/** A place in a kernel that breaks a rule; {@code detail} says which expression, where that helps. */
public record Violation(String className, String method, int line, Rule rule, String detail) {

    @Override
    public String toString() {
        return className + "." + method + ", line " + line + ": " + rule.what() + (detail.isEmpty() ? "" : " (" + detail + ")")
                + "; use instead: " + rule.instead();
    }
}
