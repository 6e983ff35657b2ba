package squall.cli;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import squall.text.ChatTemplate;
import squall.text.Tokenizer;
import squall.text.jinja.TemplateException;

/** A conversation and the prompt that asks for its next answer. */
final class Conversation {
    private static final String THOUGHT_ENDS = "</think>";
    private static final String THOUGHT_BEGINS = "<think>";

    private final Tokenizer tokenizer;
    private final ChatTemplate template;
    private final List<Map<String, Object>> messages = new ArrayList<>();
    private Boolean thinking;

    /**
     * A prompt.
     *
     * @param stable tokens of it that the next turn's prompt will repeat
     */
    record Prompt(int[] ids, int stable) {}

    /** thinking: null for the model's own default. */
    Conversation(Tokenizer tokenizer, ChatTemplate template, Boolean thinking) {
        this.tokenizer = tokenizer;
        this.template = template;
        think(thinking);
    }

    /** @throws UnusableException if the model's template has no such switch */
    void think(Boolean wanted) {
        if (wanted != null && !template.canSwitchThinking() && wanted != template.thinksByDefault())
            throw new UnusableException("this model's chat template cannot switch thinking "
                    + (wanted ? "on; leave out --think" : "off; leave out --no-think"));
        thinking = wanted;
    }

    void system(String text) {
        add("system", text);
    }

    void user(String text) {
        add("user", text);
    }

    /** An answer as the model wrote it: a thought, if it has one, goes into a field of its own, as templates expect. */
    void assistant(String text) {
        int end = text.indexOf(THOUGHT_ENDS);
        add("assistant", end < 0 ? text : text.substring(end + THOUGHT_ENDS.length()).strip());
        if (end < 0) return;
        String thought = text.substring(0, end).strip();
        messages.getLast().put("reasoning_content",
                thought.startsWith(THOUGHT_BEGINS) ? thought.substring(THOUGHT_BEGINS.length()).strip() : thought);
    }

    private void add(String role, String text) {
        Map<String, Object> message = new LinkedHashMap<>();
        message.put("role", role);
        message.put("content", text);
        messages.add(message);
    }

    /** Takes back the last message. */
    void takeBack() {
        messages.removeLast();
    }

    /** Forgets all but the system message. */
    void clear() {
        messages.removeIf(m -> !m.get("role").equals("system"));
    }

    /** As they were said. */
    List<Map<String, Object>> messages() {
        return List.copyOf(messages);
    }

    /**
     * The prompt for an answer; without a thought of a next turn.
     *
     * @throws UnusableException if the template refuses the conversation
     */
    int[] prompt() {
        return tokenizer.encode(render(true));
    }

    /**
     * The prompt for an answer to which a next turn will follow. Stable is what precedes the generation prompt, since a next
     * turn repeats no more: some templates do not keep an answer's empty thought.
     */
    Prompt promptOfTurn() {
        int[] ids = prompt();
        int[] before = tokenizer.encode(render(false));
        int different = Arrays.mismatch(ids, before);
        return new Prompt(ids, different < 0 ? ids.length : different);
    }

    private String render(boolean generationPrompt) {
        Map<String, Object> variables = new LinkedHashMap<>();
        variables.put("add_generation_prompt", generationPrompt);
        if (thinking != null) variables.put("enable_thinking", thinking);
        List<Map<String, Object>> guarded = new ArrayList<>();
        for (Map<String, Object> message : messages) {
            Map<String, Object> copy = new LinkedHashMap<>(message);
            // nobody can forge a turn: control tokens in a message stay plain text
            copy.replaceAll((field, value) -> field.equals("role") ? value : tokenizer.guard((String) value));
            guarded.add(copy);
        }
        try {
            return template.render(guarded, null, variables);
        } catch (TemplateException e) {
            throw new UnusableException(e.getMessage().isBlank()
                    ? "the chat template refuses this conversation and does not say why" : e.getMessage(), e);
        }
    }
}
