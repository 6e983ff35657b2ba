package squall.text;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import squall.format.IoReason;
import squall.format.ModelFile;
import squall.format.ModelFileException;
import squall.text.jinja.SyntaxException;
import squall.text.jinja.Template;
import squall.text.jinja.TemplateException;

/**
 * The chat template of a checkpoint: conversations in, the model's prompt text out. It is the checkpoint's own Jinja
 * source, rendered as transformers renders it ({@link squall.text.jinja}). Immutable; any thread may render.
 */
public final class ChatTemplate {
    /** The templates of released models have some ten thousand bytes. */
    private static final long MAX_BYTES = 1 << 20;
    private static final String KEY = "chat_template";

    private final Template template;

    private ChatTemplate(Template template) {
        this.template = template;
    }

    /**
     * The template that comes with a checkpoint: the GGUF key {@code tokenizer.chat_template}, else beside the weights
     * {@code chat_template.jinja}, else {@code chat_template} in {@code tokenizer_config.json}: a text, or a list of named
     * ones of which "default" is taken.
     *
     * @throws ModelFileException if there is none, or if it does not parse
     */
    public static ChatTemplate read(ModelFile file) {
        Object inside = file.metadata().get("tokenizer." + KEY);
        if (inside != null) {
            return parse(text(inside, file.path() + ": key tokenizer." + KEY), file.path() + ": key tokenizer." + KEY);
        }
        Path directory = Files.isDirectory(file.path()) ? file.path() : file.path().toAbsolutePath().getParent();
        Path jinja = directory.resolve(KEY + ".jinja");
        if (Files.exists(jinja)) {
            return parse(content(jinja), jinja.toString());
        }
        Path config = directory.resolve("tokenizer_config.json");
        Object found = JsonFile.readIfThere(config).get(KEY);
        if (found == null) {
            throw new ModelFileException(file.path() + ": no chat template: expected the GGUF key tokenizer." + KEY + ", or in "
                + directory + " a " + jinja.getFileName() + ", or " + KEY + " in tokenizer_config.json; put the one of the"
                + " original checkpoint there");
        }
        String where = config + ": " + KEY;
        return parse(text(found, where), where);
    }

    private static String content(Path jinja) {
        try {
            long size = Files.size(jinja);
            if (size > MAX_BYTES) {
                throw new ModelFileException(jinja + ": a chat template of " + size + " bytes: at most " + MAX_BYTES + " are read");
            }
            return new String(Files.readAllBytes(jinja), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new ModelFileException(jinja + ": cannot be read: " + IoReason.of(e), e);
        }
    }

    /** A template as metadata has it: a text, or a list of maps with a name and a template. */
    private static String text(Object found, String where) {
        if (found instanceof String text) {
            return text;
        }
        if (found instanceof List<?> named) {
            for (Object each : named) {
                if (each instanceof Map<?, ?> map && "default".equals(map.get("name")) && map.get("template") instanceof String text) {
                    return text;
                }
            }
        }
        throw new ModelFileException(where + ": expected a text, or a list of named templates with one named 'default'");
    }

    /**
     * @param where names the template in messages
     * @throws ModelFileException if the source does not parse: with the line, and what is wrong or not supported
     */
    public static ChatTemplate parse(String source, String where) {
        if (source.length() > MAX_BYTES) {
            throw new ModelFileException(where + ": a chat template of " + source.length() + " characters: at most "
                + MAX_BYTES + " are read");
        }
        try {
            return new ChatTemplate(Template.parse(source, where));
        } catch (SyntaxException e) {
            throw new ModelFileException(where + ", line " + e.line() + ": " + e.getMessage(), e);
        }
    }

    /**
     * The prompt for a conversation. Messages are rendered as they are: see {@link ToolCalls#withParsedArguments} for tool
     * calls whose arguments are JSON text.
     *
     * @param messages  as in the API of OpenAI: role, content (a text or a list of parts), reasoning_content, tool_calls
     * @param tools     JSON schemas of the tools, or null
     * @param variables what else the template reads: {@code add_generation_prompt}, {@code enable_thinking}, {@code bos_token} ...
     * @throws TemplateException if the template refuses the conversation, or cannot render it
     */
    public String render(List<Map<String, Object>> messages, List<Map<String, Object>> tools, Map<String, Object> variables) {
        Map<String, Object> all = new HashMap<>(variables);
        all.putIfAbsent("documents", null);
        all.put("messages", messages);
        all.put("tools", tools);
        return template.render(all);
    }

    /**
     * Whether the model thinks when {@code enable_thinking} is not given. Found by rendering a question: thinking is the
     * default if leaving the switch out gives the prompt of true and not that of false; where the switch changes nothing,
     * if the prompt ends inside a think block that it opened.
     */
    public boolean thinksByDefault() {
        String open = probe(null);
        String off = probe(false);
        if (open == null || off == null) {
            return false;
        }
        return off.equals(probe(true)) ? open.lastIndexOf("<think>") > open.lastIndexOf("</think>") : !open.equals(off);
    }

    /** Whether {@code enable_thinking} true and false give different prompts. */
    public boolean canSwitchThinking() {
        String on = probe(true);
        return on != null && !on.equals(probe(false));
    }

    /** The prompt of a question, or null if the template refuses it. */
    private String probe(Boolean thinking) {
        Map<String, Object> variables = new HashMap<>();
        variables.put("add_generation_prompt", true);
        if (thinking != null) {
            variables.put("enable_thinking", thinking);
        }
        try {
            return render(List.of(Map.of("role", "user", "content", "Hello")), null, variables);
        } catch (TemplateException refused) {
            return null;
        }
    }
}
