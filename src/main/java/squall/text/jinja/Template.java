package squall.text.jinja;

import java.time.Clock;
import java.util.List;
import java.util.Map;

/** A parsed template. Immutable: any thread may render it, each rendering on its own. */
public final class Template {
    private final String where;
    private final List<Statement> body;
    private final Clock clock;
    private final Run.Limits limits;

    private Template(String where, List<Statement> body, Clock clock, Run.Limits limits) {
        this.where = where;
        this.body = body;
        this.clock = clock;
        this.limits = limits;
    }

    /**
     * @param where names the template in the messages of errors
     * @throws SyntaxException with the line, if the source does not parse or uses what is not supported
     */
    public static Template parse(String source, String where) throws SyntaxException {
        return parse(source, where, Clock.systemDefaultZone(), Run.Limits.DEFAULT);
    }

    /** With another clock for {@code strftime_now}, or other limits. */
    static Template parse(String source, String where, Clock clock, Run.Limits limits) throws SyntaxException {
        try {
            return new Template(where, Parser.parse(source), clock, limits);
        } catch (StackOverflowError tooDeep) {
            throw new SyntaxException(1, "expressions are nested too deeply");
        }
    }

    /**
     * The text that the template makes of the variables: strings, numbers, truth values, null, lists and maps with string
     * keys, nested in any way.
     *
     * @throws TemplateException if the template raises one, uses something undefined or goes past a limit
     */
    public String render(Map<String, ?> variables) {
        Run run = null;
        try {
            run = new Run(Imported.variables(variables), clock, limits);
            Statement.all(body, new Scope(run));
            return run.out.toString();
        } catch (TemplateException e) {
            throw e.raised() ? e : new TemplateException(at(run) + e.getMessage());
        } catch (StackOverflowError tooDeep) {
            throw new TemplateException(at(run) + "calls or values are nested too deeply");
        } catch (ArithmeticException tooLarge) {
            throw new TemplateException(at(run) + "a number is too large: " + tooLarge.getMessage());
        }
    }

    private String at(Run run) {
        return where + (run == null ? ": " : ", line " + run.line + ": ");
    }
}
