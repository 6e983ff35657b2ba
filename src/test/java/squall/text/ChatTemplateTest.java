package squall.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import squall.format.ModelFile;
import squall.format.ModelFileException;
import squall.format.ModelFiles;
import squall.text.jinja.Goldens;
import squall.text.jinja.TemplateException;

/** Prompts against jinja2's, and where templates are found. */
class ChatTemplateTest {
    private static final Map<String, Object> ASK = Map.of("add_generation_prompt", true);
    private static final List<Map<String, Object>> HELLO = List.of(Map.of("role", "user", "content", "Hello"));

    private static ChatTemplate template(String name) throws IOException {
        return ChatTemplate.parse(name.equals("squall-tiny")
            ? Files.readString(SquallTiny.directory().resolve("chat_template.jinja")) : Goldens.template(name), name);
    }

    @ParameterizedTest
    @ValueSource(strings = {"squall-tiny", "hybrid", "thinking", "coder", "vision"})
    @SuppressWarnings("unchecked")
    void rendersConversationsAsJinja2(String name) throws IOException {
        ChatTemplate template = template(name);
        List<String> wrong = new ArrayList<>();
        int texts = 0;
        for (Map<String, Object> each : Goldens.cases("conversations.json")) {
            Map<String, Object> expected = ((Map<String, Map<String, Object>>) each.get("expected")).get(name);
            Map<String, Object> outcome;
            try {
                outcome = Map.of("text", template.render((List<Map<String, Object>>) each.get("messages"),
                    (List<Map<String, Object>>) each.get("tools"), (Map<String, Object>) each.get("variables")));
                texts++;
            } catch (TemplateException e) {
                outcome = Map.of(e.raised() ? "raised" : "error", e.getMessage());
            }
            boolean right = expected.containsKey("error") ? outcome.containsKey("error") : expected.equals(outcome);
            if (!right) {
                wrong.add(each.get("name") + ":\n" + expected + "\n    but here:\n" + outcome);
            }
        }
        assertEquals("", String.join("\n", wrong));
        assertTrue(texts > 75, "most conversations can be rendered: " + texts);
    }

    @ParameterizedTest
    @CsvSource({"squall-tiny, false, true", "hybrid, true, true", "thinking, true, false", "coder, false, false", "vision, true, true"})
    void findsOutHowAModelThinks(String name, boolean byDefault, boolean switches) throws IOException {
        ChatTemplate template = template(name);
        assertEquals(byDefault + " " + switches, template.thinksByDefault() + " " + template.canSwitchThinking());
    }

    @Test
    void findsOutNothingFromATemplateThatRefusesTheQuestion() {
        ChatTemplate template = ChatTemplate.parse("{{ raise_exception('never') }}", "test");
        assertEquals("false false", template.thinksByDefault() + " " + template.canSwitchThinking());
    }

    @Test
    void readsTheTemplateOfTheShippedModelFromEitherContainer() throws IOException {
        try (ModelFile gguf = ModelFiles.open(SquallTiny.directory().resolve("squall-tiny-Q8_0.gguf"))) {
            ModelFile directory = new SquallTiny.Checkpoint(SquallTiny.directory(), Map.of());
            String expected = "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n";
            assertEquals(expected, ChatTemplate.read(gguf).render(HELLO, null, ASK));
            assertEquals(expected, ChatTemplate.read(directory).render(HELLO, null, ASK));
        }
    }

    @Test
    void prefersTheKeyThenTheFileThenTheConfiguration(@TempDir Path directory) throws IOException {
        Path weights = Files.createFile(directory.resolve("model.safetensors"));
        Files.writeString(directory.resolve("tokenizer_config.json"), "{\"eos_token\": null, \"chat_template\": \"configuration\\n\"}");
        assertEquals("configuration", read(directory, Map.of()));
        Files.writeString(directory.resolve("tokenizer_config.json"),
            "{\"chat_template\": [{\"name\": \"tool_use\", \"template\": \"no\"}, {\"name\": \"default\", \"template\": \"named\"}]}");
        assertEquals("named", read(weights, Map.of()));
        Files.writeString(directory.resolve("chat_template.jinja"), "file");
        assertEquals("file", read(weights, Map.of()));
        assertEquals("key", read(weights, Map.of("tokenizer.chat_template", "key")));
    }

    private static String read(Path path, Map<String, Object> metadata) {
        return ChatTemplate.read(new SquallTiny.Checkpoint(path, metadata)).render(HELLO, null, ASK);
    }

    @Test
    void saysWhatIsWrongWithAFile(@TempDir Path directory) throws IOException {
        assertTrue(refusal(directory, Map.of()).contains("no chat template"));
        assertTrue(refusal(directory, Map.of("tokenizer.chat_template", 5L)).contains("tokenizer.chat_template: expected a text"));
        assertTrue(refusal(directory, Map.of("tokenizer.chat_template", "a\n{% shiny %}"))
            .endsWith("key tokenizer.chat_template, line 2: the block 'shiny' is not supported here"));
        Files.writeString(directory.resolve("tokenizer_config.json"), "{\"chat_template\": [{\"name\": \"rag\", \"template\": \"x\"}]}");
        assertTrue(refusal(directory, Map.of()).endsWith("one named 'default'"));
        Files.writeString(directory.resolve("chat_template.jinja"), " ".repeat((1 << 20) + 1));
        assertTrue(refusal(directory, Map.of()).contains("at most 1048576 are read"));
    }

    private static String refusal(Path path, Map<String, Object> metadata) {
        return assertThrows(ModelFileException.class, () -> read(path, metadata)).getMessage();
    }

    @Test
    void parsesTheArgumentsOfToolCalls() throws IOException {
        Map<String, Object> wrapped = call("{\"z\": 1, \"a\": [1.0, null, true, \"\\u00e9\", 99999999999999999999]}");
        List<Map<String, Object>> messages = new ArrayList<>(HELLO);
        messages.add(Map.of("role", "assistant", "content", "", "tool_calls", List.of(wrapped, call(" "), call("[1]"), call("{\"a\": "),
            Map.of("name", "bare", "arguments", "{\"b\": {}}"), call(Map.of("k", "v")))));
        messages.add(Map.of("role", "assistant", "content", "no calls"));
        String prompt = template("hybrid").render(ToolCalls.withParsedArguments(messages), null, Map.of());
        List<String> calls = prompt.lines().filter(line -> line.startsWith("{")).toList();
        assertEquals(List.of(
            "{\"name\": \"f\", \"arguments\": {\"z\": 1, \"a\": [1.0, null, true, \"é\", 99999999999999999999]}}",
            "{\"name\": \"f\", \"arguments\": {}}",
            "{\"name\": \"f\", \"arguments\": [1]}",
            "{\"name\": \"f\", \"arguments\": {\"a\": }",
            "{\"name\": \"bare\", \"arguments\": {\"b\": {}}}",
            "{\"name\": \"f\", \"arguments\": {\"k\": \"v\"}}"), calls);
        assertEquals(call("{\"z\": 1, \"a\": [1.0, null, true, \"\\u00e9\", 99999999999999999999]}"), wrapped);
    }

    private static Map<String, Object> call(Object arguments) {
        return Map.of("type", "function", "function", Map.of("name", "f", "arguments", arguments));
    }

    @Test
    void doesNotLetAMessageBeChangedOrItsNameTaken() throws IOException {
        Map<String, Object> variables = new HashMap<>(Map.of("messages", "mine", "tools", "mine"));
        String prompt = ChatTemplate.parse("{{ messages | length }}{{ tools is none }}{{ documents is none }}", "test")
            .render(HELLO, null, variables);
        assertEquals("1TrueTrue", prompt);
        assertEquals("mine", variables.get("messages"));
    }
}
