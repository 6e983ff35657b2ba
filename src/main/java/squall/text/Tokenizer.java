package squall.text;

import java.util.OptionalInt;
import java.util.Set;
import squall.format.ModelFile;

/** Text to token ids and back, as the model was trained: byte-level BPE. Immutable, safe for any thread. */
public final class Tokenizer {
    private Tokenizer() {}

    /** From the GGUF keys {@code tokenizer.ggml.*}, or from tokenizer.json in the directory of {@code file.path()}. */
    public static Tokenizer read(ModelFile file) {
        throw new UnsupportedOperationException("tokenizer of " + file.path());
    }

    /** Template text: added tokens are matched (longest first), the rest is BPE. */
    public int[] encode(String text) {
        throw new UnsupportedOperationException();
    }

    /** Plain content: no added-token step at all. */
    public int[] encodeText(String text) {
        throw new UnsupportedOperationException();
    }

    /**
     * Content to be put into a template: control tokens in it are marked so that {@link #encode} of the rendered prompt
     * takes their characters as plain text. Tags that are not special ({@code <think>}, {@code <tool_call>}) stay.
     */
    public String guard(String userText) {
        throw new UnsupportedOperationException();
    }

    /** The text of the ids, special tokens included as text; broken UTF-8 becomes U+FFFD. */
    public String decode(int[] ids) {
        throw new UnsupportedOperationException();
    }

    /** A decoder that takes ids one by one. */
    public Stream stream() {
        throw new UnsupportedOperationException();
    }

    /** The token as the vocabulary spells it (byte-level alphabet). */
    public String token(int id) {
        throw new UnsupportedOperationException();
    }

    /** The bytes that the token stands for. */
    public byte[] bytes(int id) {
        throw new UnsupportedOperationException();
    }

    /** Ids are below this. */
    public int size() {
        throw new UnsupportedOperationException();
    }

    /** False for padding rows and unused ids, which must never be sampled. */
    public boolean isUsable(int id) {
        throw new UnsupportedOperationException();
    }

    /** Whether the token is a control token such as {@code <|im_start|>}. */
    public boolean isSpecial(int id) {
        throw new UnsupportedOperationException();
    }

    /** The id of a token spelt as {@link #token} gives it. */
    public OptionalInt id(String token) {
        throw new UnsupportedOperationException();
    }

    /** The ids that end an answer. */
    public Set<Integer> stopIds() {
        throw new UnsupportedOperationException();
    }

    /** Turns ids into text one by one; one thread at a time. */
    public static final class Stream {
        private Stream() {}

        /** The text that is complete so far: "" while a UTF-8 sequence is incomplete. */
        public String next(int id) {
            throw new UnsupportedOperationException();
        }

        /** What is left: a replacement character for a broken tail, else "". */
        public String flush() {
            throw new UnsupportedOperationException();
        }
    }
}
