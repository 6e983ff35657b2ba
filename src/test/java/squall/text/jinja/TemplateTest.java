package squall.text.jinja;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The Jinja subset against jinja2, and the messages that it has of its own. */
class TemplateTest {
    /** The moment at which the goldens were made to play. */
    private static final Clock CLOCK = Clock.fixed(Instant.parse("2025-03-04T15:06:07Z"), ZoneOffset.UTC);

    /** How a template ended, in the words of the goldens. */
    private record Outcome(String kind, Object value) {

        static Outcome of(String source, Map<String, Object> data) {
            try {
                Template template = Template.parse(source, "test", CLOCK, Run.Limits.DEFAULT);
                return new Outcome("text", template.render(data));
            } catch (SyntaxException e) {
                return new Outcome("syntax", e.line());
            } catch (TemplateException e) {
                return e.raised() ? new Outcome("raised", e.getMessage()) : new Outcome("error", "");
            }
        }

        boolean is(Map<String, Object> expected) {
            return switch (kind) {
                case "text", "raised" -> value.equals(expected.get(kind));
                case "error" -> expected.containsKey("error") || expected.containsKey("refused");
                default -> expected.containsKey("syntax") || expected.containsKey("refused");
            };
        }
    }

    @Test
    void rendersSmallTemplatesAsJinja2() {
        Map<String, Object> data = Goldens.data("expressions.json");
        List<Map<String, Object>> cases = Goldens.cases("expressions.json");
        List<String> wrong = new ArrayList<>();
        for (Map<String, Object> each : cases) {
            Outcome outcome = Outcome.of((String) each.get("source"), data);
            if (!outcome.is(each)) {
                wrong.add(each + "\n    but here: " + outcome);
            }
        }
        assertTrue(cases.size() > 2500, "all cases are there: " + cases.size());
        assertEquals("", String.join("\n", wrong));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '¦', textBlock = """
        {{ 1 }}\\n\\n{% if x ¦ 3 ¦ expected '%}', found the end of the template
        {% if x %}\\n ¦ 1 ¦ the template ends inside a block: expected 'elif' or 'else' or 'endif'
        a\\n{% include 'x' %} ¦ 2 ¦ the block 'include' is not supported here
        {{ a b }} ¦ 1 ¦ expected '}}', found 'b'
        \\n\\n{{ x | shiny }} ¦ 3 ¦ the filter 'shiny' is not supported
        {{ x is shiny }} ¦ 1 ¦ the test 'shiny' is not supported
        {% for x in y recursive %} ¦ 1 ¦ recursive loops are not supported
        {# open ¦ 1 ¦ a comment is not closed: expected '#}'
        {{ 'open }} ¦ 1 ¦ a string is not closed: expected '
        {{ (1] }} ¦ 1 ¦ unexpected ']', expected ')'
        {{ ? }} ¦ 1 ¦ unexpected character '?'
        """)
    void saysWhereAndWhyASourceDoesNotParse(String source, int line, String message) {
        SyntaxException e = assertThrows(SyntaxException.class, () -> Template.parse(source.replace("\\n", "\n"), "test"));
        assertEquals(line + ": " + message, e.line() + ": " + e.getMessage());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '¦', quoteCharacter = '`', textBlock = """
        {{ d.x.y }} ¦ test, line 1: 'dict object' has no attribute 'x'
        {{ nothing.x }} ¦ test, line 1: 'nothing' is undefined
        a\\n\\n{{ d['x'][0] }} ¦ test, line 3: 'dict object' has no attribute 'x'
        {{ [1][4].x }} ¦ test, line 1: list object has no element 4
        {% for x in 5 %}{% endfor %} ¦ test, line 1: a value of type int is not iterable
        {{ 'a' + 1 }} ¦ test, line 1: '+' is not supported between str and int
        {{ 'a' in none }} ¦ test, line 1: 'in' needs a string, a list or a mapping on its right, found NoneType
        {{ [].append(1) }} ¦ test, line 1: access to the attribute 'append' of list object is unsafe
        {% if d %}\\n{% macro m(a) %}\\n{{ a.b }}{% endmacro %}\\n{{ m() }}{% endif %} ¦ test, line 3: parameter 'a' was not provided
        {{ 'x' | shiny if d }} ¦ test, line 1: there is no filter named 'shiny'
        {{ cycler(1) }} ¦ test, line 1: the function cycler() is not supported
        {{ 'x'.encode() }} ¦ test, line 1: the method str.encode() is not supported
        """)
    void saysWhereAndWhyATemplateCannotBeRendered(String source, String message) throws SyntaxException {
        Template template = Template.parse(source.replace("\\n", "\n"), "test");
        TemplateException e = assertThrows(TemplateException.class, () -> template.render(Map.of("d", Map.of("k", 1))));
        assertEquals(message, e.getMessage());
    }

    @Test
    void passesOnWhatATemplateRaises() throws SyntaxException {
        Template template = Template.parse("{{ raise_exception('Only ' ~ n ~ ' messages.') }}", "test");
        TemplateException e = assertThrows(TemplateException.class, () -> template.render(Map.of("n", 3)));
        assertEquals("Only 3 messages.", e.getMessage());
        assertTrue(e.raised());
    }

    @Test
    void takesTheNumbersOfJava() throws SyntaxException {
        Template template = Template.parse("{{ numbers }}{{ numbers[0] + 1 }}", "test");
        List<Object> numbers = List.of(1, (short) 2, 3L, 0.1f, 2.5, new BigInteger("99999999999999999999"), new BigDecimal("1.50"));
        assertEquals("[1, 2, 3, 0.1, 2.5, 99999999999999999999, 1.5]2", template.render(Map.of("numbers", numbers)));
        assertThrows(TemplateException.class, () -> template.render(Map.of("numbers", new Object())));
    }

    @Test
    void rendersTheSameFromManyThreads() throws SyntaxException {
        Template template = Template.parse("{% set ns = namespace(n=0) %}{% for x in range(500) %}{% set ns.n = ns.n + x %}"
            + "{% endfor %}{{ ns.n }}", "test");
        TreeSet<String> results = new TreeSet<>(java.util.stream.IntStream.range(0, 64).parallel()
            .mapToObj(i -> template.render(Map.of())).toList());
        assertEquals(new TreeSet<>(List.of("124750")), results);
    }
}
