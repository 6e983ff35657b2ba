package squall.text;

import java.util.List;
import java.util.Map;
import squall.format.ModelFile;

/** The chat template of a checkpoint: conversations in, the model's prompt text out. Immutable; any thread may render. */
public final class ChatTemplate {

    private ChatTemplate() {
    }

    /** The template that comes with a checkpoint. */
    public static ChatTemplate read(ModelFile file) {
        throw new UnsupportedOperationException("chat templates");
    }

    public static ChatTemplate parse(String source, String where) {
        throw new UnsupportedOperationException("chat templates");
    }

    /**
     * The prompt for a conversation.
     *
     * @param tools     JSON schemas of the tools, or null
     * @param variables what else the template reads: {@code add_generation_prompt}, {@code enable_thinking}, {@code bos_token} ...
     */
    public String render(List<Map<String, Object>> messages, List<Map<String, Object>> tools, Map<String, Object> variables) {
        throw new UnsupportedOperationException("chat templates");
    }

    /** Whether the model thinks when {@code enable_thinking} is not given. */
    public boolean thinksByDefault() {
        throw new UnsupportedOperationException("chat templates");
    }

    /** Whether {@code enable_thinking} true and false give different prompts. */
    public boolean canSwitchThinking() {
        throw new UnsupportedOperationException("chat templates");
    }
}
