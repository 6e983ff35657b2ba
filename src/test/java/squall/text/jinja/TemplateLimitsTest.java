package squall.text.jinja;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Templates come with files that strangers made: whatever they are, they end soon, with a text or a clean error. */
class TemplateLimitsTest {
    private static final Run.Limits SMALL = new Run.Limits(200_000, 1 << 18);
    private static final Map<String, Object> CHAT = Map.of("add_generation_prompt", true, "tools", List.of(Map.of("name", "f")),
        "messages", List.of(
            Map.of("role", "system", "content", "Be kind."),
            Map.of("role", "user", "content", "Hello"),
            Map.of("role", "assistant", "content", "<think>\nx\n</think>\n\nHi", "tool_calls",
                List.of(Map.of("function", Map.of("name", "f", "arguments", Map.of("a", 1))))),
            Map.of("role", "tool", "content", "result")));

    @ParameterizedTest
    @ValueSource(strings = {
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{% for a in range(99999) %}{{ 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' * 9 }}{% endfor %}",
        "{% set ns = namespace(s='x') %}{% for i in range(99) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
        "{% set ns = namespace(l=[1]) %}{% for i in range(99) %}{% set ns.l = ns.l + ns.l %}{% endfor %}",
        "{% set ns = namespace(l=[1]) %}{% for i in range(99) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}",
        "{% set ns = namespace(l=[1]) %}{% for i in range(99) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l | tojson }}",
        "{% set ns = namespace(l=[1], m=[1]) %}{% for i in range(99) %}{% set ns.l = [ns.l, ns.l] %}{% set ns.m = [ns.m, ns.m] %}{% endfor %}"
            + "{{ ns.l == ns.m }}",
        "{% set ns = namespace(l=1) %}{% for i in range(30000) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l }}",
        "{% set ns = namespace(l='x') %}{% for i in range(30000) %}{% set ns.l = ns.l | map('upper') %}{% endfor %}{{ ns.l | list }}",
        "{% set ns = namespace() %}{% set ns.self = ns %}{{ ns }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% macro m(n) %}{{ m(n + 1) }}{{ m(n + 1) }}{% endmacro %}{{ m(0) }}",
        "{% macro a() %}{% call b() %}{{ caller }}{% endcall %}{% endmacro %}{% macro b() %}{{ a() }}{{ caller() }}{% endmacro %}{{ a() }}",
        "{{ 'x' * 9999999999 }}", "{{ 'x' * 99999999 * 99999999 }}", "{{ [1] * 999999999 }}", "{{ 9 ** (9 ** 9) }}", "{{ 2 ** 100000 }}",
        "{% set ns = namespace(n=9) %}{% for i in range(99) %}{% set ns.n = ns.n * ns.n %}{% endfor %}",
        "{{ 'x' | center(999999999) }}", "{{ 'x'.ljust(999999999) }}", "{{ 'x' | indent(999999999, true) }}", "{{ '%999999999d' % 1 }}",
        "{{ '{:999999999}'.format(1) }}", "{{ [[1]] | tojson(indent=999999999) }}", "{{ [1] | batch(999999999, 0) | list }}",
        "{{ [1] | slice(999999999) | list }}", "{{ '%.999999999f' % 1 }}", "{{ 1.5 | round(999999999) }}{{ 'x' * 99999999 }}",
        "{% set s = 'x' * 200000 %}{{ s.replace('', s) }}", "{% set s = 'x' * 200000 %}{{ s | join(s) }}",
        "{% set s = 'x' * 200000 %}{{ s.join(s | list) }}", "{% set s = 'a' * 200000 %}{% for i in range(9999) %}{{ (s ~ 'b') in s }}{% endfor %}",
        "{% set s = 'a' * 200000 %}{{ s.count('a' * 90000 ~ 'b') }}{{ s.count('a' * 90000 ~ 'b') }}{{ s.strip(s ~ 'b') }}",
        "{{ range(100001) }}", "{{ range(0, 9999999999) }}", "{{ range(99999) | map('string') | sort | join | length }}{{ 'x' * 99999999 }}",
        "{{ (range(9999) | list) == (range(9999) | list) }}{% for i in range(99999) %}{{ (range(9999) | list) }}{% endfor %}",
    })
    void stopsWhatWouldTakeTooLong(String source) {
        assertTimeoutPreemptively(Duration.ofSeconds(20), () -> {
            Template template = Template.parse(source, "test", Clock.systemUTC(), SMALL);
            TemplateException e = assertThrows(TemplateException.class, () -> template.render(Map.of()));
            assertTrue(e.getMessage().startsWith("test, line 1: "), e.getMessage());
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"(", "[", "{'a':", "not ", "-", "x if y else ", "x[", "f(", "x|f(", "'a' ~ (", "{% if x %}", "{% for x in y %}",
        "{% macro m() %}", "{% set x %}", "{% call m() %}", "{% filter upper %}", "{% with %}", " + x", "|upper", ".x", "[0]", "()", " and x",
        " or x", " ** x", " if x", " is defined", "%}{% if x"})
    void stopsDeepNestingWhileParsing(String piece) {
        String many = piece.repeat(20_000);
        boolean chain = !piece.startsWith("{%") && !"([-".contains(piece.substring(0, 1)) || piece.equals("[0]") || piece.equals("()");
        String source = piece.startsWith("{%") ? many : "{{ " + (chain ? "x" : "") + many + " }}";
        assertTimeoutPreemptively(Duration.ofSeconds(20), () -> assertThrows(SyntaxException.class, () -> Template.parse(source, "test")));
    }

    @Test
    void rendersTheLongestChainThatParses() throws SyntaxException {
        Template template = Template.parse("{{ 0" + " + 1".repeat(Tokens.MAX_CHAIN) + " }}", "test");
        assertEquals("" + Tokens.MAX_CHAIN, template.render(Map.of()));
    }

    @Test
    void rendersALongConversation() throws SyntaxException {
        String turn = "words and words, ".repeat(60_000); // a megabyte
        List<Map<String, Object>> messages = new java.util.ArrayList<>();
        for (int i = 0; i < 1_500; i++) {
            messages.add(Map.of("role", i % 2 == 0 ? "user" : "assistant", "content", i == 100 ? turn : "turn " + i));
        }
        for (String name : Goldens.TEMPLATES) {
            String text = Template.parse(Goldens.template(name), name).render(Map.of("messages", messages));
            assertTrue(text.contains(turn.strip()) && text.contains("turn 1499"), name);
        }
    }

    @Property(tries = 1500)
    void survivesAnyChangeOfATemplate(@ForAll("templates") String template, @ForAll @Size(min = 1, max = 6) List<@IntRange(min = 0) Integer> places,
            @ForAll @Size(value = 6) List<Byte> bytes, @ForAll @IntRange(min = 0, max = 3) int how) {
        byte[] source = template.getBytes(java.nio.charset.StandardCharsets.UTF_8);
        for (int i = 0; i < places.size() && source.length > 0; i++) {
            int at = places.get(i) % source.length;
            switch (how) {
                case 0 -> source[at] = bytes.get(i);
                case 1 -> source[at] = source[places.get(places.size() - 1 - i) % source.length];
                case 2 -> System.arraycopy(source, at, source, at / 2, Math.min(40, source.length - at));
                default -> source = java.util.Arrays.copyOfRange(source, i % 2 == 0 ? 0 : at / 4, Math.max(source.length / 2, at));
            }
        }
        String changed = new String(source, java.nio.charset.StandardCharsets.UTF_8);
        assertTimeoutPreemptively(Duration.ofSeconds(20), () -> {
            try {
                String text = Template.parse(changed, "test", Clock.systemUTC(), SMALL).render(CHAT);
                assertTrue(text.length() <= SMALL.chars());
            } catch (SyntaxException | TemplateException clean) {
                boolean itsOwn = clean instanceof TemplateException t && t.raised();   // the template's words, none perhaps
                assertTrue(itsOwn || !clean.getMessage().isEmpty());
            }
        });
    }

    @Provide
    Arbitrary<String> templates() {
        List<String> sources = Goldens.TEMPLATES.stream().map(Goldens::template).toList();
        List<String> small = Goldens.cases("expressions.json").stream().map(each -> (String) each.get("source")).toList();
        return Arbitraries.frequencyOf(net.jqwik.api.Tuple.of(1, Arbitraries.of(sources)),
            net.jqwik.api.Tuple.of(2, Arbitraries.of(small).list().ofMinSize(1).ofMaxSize(8).map(list -> String.join("\n", list))));
    }
}
