package squall.engine;

import java.util.List;
import java.util.Set;
import squall.sample.Sampler;

/**
 * What is asked of the engine.
 *
 * @param prompt       token ids, at least one
 * @param stableLength length of the part of the prompt that a next turn will repeat: the conversation without the
 *                     generation prompt; 0 if there is none
 * @param sampler      this sequence's own
 * @param maxTokens    most tokens of the answer; {@link #UNTIL_FULL}: until the context is full
 * @param stopIds      tokens that end the answer and are not part of it
 * @param stopStrings  texts that end the answer and are not part of it
 * @param text         turns the answer's ids into text
 * @param listener     gets the answer as it comes, on the engine's thread
 */
public record Request(int[] prompt, int stableLength, Sampler sampler, int maxTokens, Set<Integer> stopIds,
                      List<String> stopStrings, TextStream text, Listener listener) {
    public static final int UNTIL_FULL = -1;

    /** Bytes of tokens joined to whole characters: what an id completes, and what is left at the end. */
    public interface TextStream {
        String add(int id);

        String end();
    }

    /** Gets an answer as it comes. */
    public interface Listener {
        /** A token of the answer and the text that can be shown with it, which may be empty or belong to earlier tokens. */
        void token(int id, String text);

        /** The end of the answer, with the text held back until then. */
        default void end(Sequence.End why, String text) {}
    }

    public Request {
        if (prompt.length == 0) throw new IllegalArgumentException("the prompt has no tokens");
        if (stableLength < 0 || stableLength > prompt.length)
            throw new IllegalArgumentException("stable length " + stableLength + " of a prompt of " + prompt.length + " tokens");
        if (maxTokens < UNTIL_FULL) throw new IllegalArgumentException("most tokens: " + maxTokens);
        prompt = prompt.clone();
        stopIds = Set.copyOf(stopIds);
        stopStrings = List.copyOf(stopStrings);
        if (stopStrings.stream().anyMatch(String::isEmpty)) throw new IllegalArgumentException("an empty stop string");
    }
}
