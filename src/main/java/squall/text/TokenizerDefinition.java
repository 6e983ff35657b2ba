package squall.text;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import squall.format.StringList;

/**
 * A tokenizer as a file describes it. The ids are in range; whether the tokens and merges belong together is not yet checked.
 *
 * @param where        the file and the key or path in it, for messages
 * @param tokens       the spelling of each id; empty where the file has none
 * @param kinds        what each id is
 * @param added        the tokens that are matched in the text first
 * @param merges       left and right of each merge with a blank between, in order of rank
 * @param preTokenizer how text is cut before merging
 * @param nfc          whether text is brought to NFC first
 * @param stopIds      the ids that the checkpoint says end an answer
 */
record TokenizerDefinition(String where, StringList tokens, Kind[] kinds, List<AddedToken> added, StringList merges,
        PreTokenizer preTokenizer, boolean nfc, Set<Integer> stopIds) {

    enum Kind {
        /** Spelt in the byte alphabet, reached by merging. */
        NORMAL,
        /** Added and special. */
        CONTROL,
        /** Added, not special: tags such as {@code <think>}. */
        USER,
        /** Fills the vocabulary up; never to be sampled. */
        UNUSED
    }

    /** The frame of a conversation: special whatever a file says, since whoever writes one as content forges a turn. */
    private static final Set<String> FRAME = Set.of("<|im_start|>", "<|im_end|>", "<|endoftext|>");

    /** What all of them begin with: few tokens do, and the others need not be looked up. */
    private static final String BAR = "<|";

    /** Tokens that end an answer wherever they exist, beside those that the checkpoint names. */
    private static final List<String> ENDS =
            List.of("<|im_end|>", "<|endoftext|>", "<|fim_pad|>", "<|repo_name|>", "<|file_sep|>");

    /** Completes the frame and the stop ids by name. */
    TokenizerDefinition completed() {
        Set<Integer> stops = new HashSet<>(stopIds);
        List<AddedToken> all = new ArrayList<>();
        Set<String> seen = new HashSet<>();
        for (AddedToken token : added) {
            boolean frame = FRAME.contains(token.content()) || stopIds.contains(token.id());
            all.add(token.special() || frame ? token.asSpecial() : token);
            seen.add(token.content());
            if (ENDS.contains(token.content())) stops.add(token.id());
        }
        for (int id = 0; id < tokens.size(); id++) {
            if (!tokens.startsWith(id, BAR)) continue;
            String token = tokens.get(id);
            if (FRAME.contains(token) && !seen.contains(token)) {
                all.add(AddedToken.exact(token, id, true));
                stops.addAll(ENDS.contains(token) ? Set.of(id) : Set.of());
            }
        }
        for (AddedToken token : all) kinds[token.id()] = token.special() ? Kind.CONTROL : Kind.USER;
        return new TokenizerDefinition(where, tokens, kinds, all, merges, preTokenizer, nfc, Set.copyOf(stops));
    }
}
