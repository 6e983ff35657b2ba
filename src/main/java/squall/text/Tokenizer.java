package squall.text;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import squall.format.ModelFile;
import squall.text.TokenizerDefinition.Kind;

/**
 * Text to token ids and back, as the model was trained: added tokens are cut out, the rest is brought to NFC, cut by the
 * {@link PreTokenizer}, and merged by byte-level BPE. Half a surrogate pair, which no UTF-8 text can have, is U+FFFD.
 *
 * <p>Immutable but for a cache that may race; any thread may use it. The reference is Hugging Face's {@code tokenizers} 0.23.
 */
public final class Tokenizer {
    /** {@link #guard} puts it into a control token, where no text can have it: half a surrogate pair is not text. */
    private static final char MARK = '\uDFFF';

    private static final char REPLACEMENT = '\uFFFD';

    private final Vocabulary vocabulary;
    private final Merges merges;
    private final int[] singles;
    private final PreTokenizer preTokenizer;
    private final boolean nfc;
    private final AddedTokens asWritten;
    private final AddedTokens asNormalized;
    private final AddedTokens special;
    private final Set<Integer> stopIds;
    private final WordCache cache = new WordCache();

    Tokenizer(TokenizerDefinition described) {
        TokenizerDefinition definition = described.completed();
        vocabulary = new Vocabulary(definition);
        singles = BytePairs.singles(vocabulary, definition.where());
        merges = Merges.of(definition, vocabulary);
        preTokenizer = definition.preTokenizer();
        nfc = definition.nfc();
        List<AddedToken> added = definition.added();
        asWritten = new AddedTokens(added.stream().filter(token -> !token.normalized()).toList());
        asNormalized = new AddedTokens(added.stream().filter(AddedToken::normalized).toList());
        special = new AddedTokens(added.stream().filter(AddedToken::special).toList());
        stopIds = definition.stopIds();
    }

    /**
     * From the GGUF keys {@code tokenizer.ggml.*}, or from tokenizer.json in the directory of {@code file.path()}.
     *
     * @throws squall.format.ModelFileException if there is none, or if it is not one of Qwen's kind
     */
    public static Tokenizer read(ModelFile file) {
        boolean gguf = file.container().equals("GGUF");
        return new Tokenizer(gguf ? GgufTokenizer.read(file) : JsonTokenizer.read(file));
    }

    /** Template text: added tokens are matched (longest first), the rest is BPE. */
    public int[] encode(String text) {
        Encoding encoding = new Encoding();
        asWritten.split(text, new AddedTokens.Parts() {
            @Override public void plain(int from, int to) {
                encoding.normalized(wellFormed(unmarked(text.substring(from, to))));
            }

            @Override public void token(int id) {
                encoding.ids.add(id);
            }
        });
        return encoding.ids.toArray();
    }

    /** Plain content: no added-token step at all. */
    public int[] encodeText(String text) {
        Encoding encoding = new Encoding();
        encoding.plain(normalize(wellFormed(text)));
        return encoding.ids.toArray();
    }

    /** The state of one encoding. */
    private final class Encoding {
        private final IntList ids = new IntList();
        private final BytePairs pairs = new BytePairs(singles, merges);

        /** Text in which the tokens that are looked for after normalisation are still to be found. */
        private void normalized(String text) {
            String normal = normalize(text);
            asNormalized.split(normal, new AddedTokens.Parts() {
                @Override public void plain(int from, int to) {
                    Encoding.this.plain(normal.substring(from, to));
                }

                @Override public void token(int id) {
                    ids.add(id);
                }
            });
        }

        private void plain(String text) {
            for (int from = 0; from < text.length(); ) {
                int to = preTokenizer.end(text, from);
                word(text, from, to);
                from = to;
            }
        }

        private void word(String text, int from, int to) {
            boolean cached = WordCache.takes(to - from);
            int[] known = cached ? cache.get(text, from, to) : null;
            if (known != null) {
                ids.addAll(known);
                return;
            }
            String word = text.substring(from, to);
            int start = ids.size();
            pairs.encode(word.getBytes(StandardCharsets.UTF_8), ids);
            if (cached) cache.put(word, ids.from(start));
        }
    }

    private String normalize(String text) {
        return nfc ? Nfc.of(text) : text;
    }

    /** Half surrogate pairs replaced. */
    private static String wellFormed(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (Character.isSurrogate(text.charAt(i))) {
                return text.codePoints().map(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE ? REPLACEMENT : c)
                        .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append).toString();
            }
        }
        return text;
    }

    /**
     * Content to be put into a template: control tokens in it are marked so that {@link #encode} of the rendered prompt
     * takes their characters as plain text. Tags that are not special ({@code <think>}, {@code <tool_call>}) stay.
     *
     * <p>The mark is half a surrogate pair behind the token's first character; other such halves are replaced here. The
     * beginning of a control token at the end of the content is marked too: {@code <function=NAME>} may complete it.
     */
    public String guard(String userText) {
        String text = wellFormed(userText);
        StringBuilder guarded = null;
        int done = 0;
        for (int i = 0; i < text.length(); i++) {
            if (!special.mayBeginAt(text, i)) continue;
            if (guarded == null) guarded = new StringBuilder(text.length() + 16);
            int first = i + Character.charCount(text.codePointAt(i));
            guarded.append(text, done, first).append(MARK);
            done = first;
        }
        return guarded == null ? text : guarded.append(text, done, text.length()).toString();
    }

    /** Without the marks of {@link #guard}: those that stand where it puts them. */
    private String unmarked(String text) {
        if (text.indexOf(MARK) < 0) return text;
        StringBuilder plain = new StringBuilder(text.length());
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c != MARK || !isMark(text, i)) plain.append(c);
        }
        return plain.toString();
    }

    private boolean isMark(String text, int at) {
        if (at == 0) return false;
        int first = text.codePointBefore(at);
        return !Character.isHighSurrogate(text.charAt(at - 1)) && special.startsWith(Character.toChars(first)[0]);
    }

    /** The text of the ids, special tokens included as text; broken UTF-8 becomes U+FFFD. */
    public String decode(int[] ids) {
        Stream stream = stream();
        StringBuilder text = new StringBuilder();
        for (int id : ids) text.append(stream.next(id));
        return text.append(stream.flush()).toString();
    }

    /** A decoder that takes ids one by one. */
    public Stream stream() {
        return new Stream();
    }

    /** The token as the vocabulary spells it (byte-level alphabet). */
    public String token(int id) {
        return vocabulary.token(id);
    }

    /** The bytes that the token stands for; none for an unused id. */
    public byte[] bytes(int id) {
        return vocabulary.bytes(id);
    }

    /** Ids are below this. */
    public int size() {
        return vocabulary.size();
    }

    /** False for padding rows and unused ids, which must never be sampled. */
    public boolean isUsable(int id) {
        return id >= 0 && id < size() && vocabulary.kind(id) != Kind.UNUSED;
    }

    /** Whether the token is a control token such as {@code <|im_start|>}. */
    public boolean isSpecial(int id) {
        return vocabulary.kind(id) == Kind.CONTROL;
    }

    /** The id of a token spelt as {@link #token} gives it. */
    public OptionalInt id(String token) {
        return vocabulary.id(token);
    }

    /**
     * The ids that end an answer: those that the checkpoint names (in generation_config.json, config.json,
     * tokenizer_config.json or GGUF keys), {@code <|im_end|>}, {@code <|endoftext|>}, and the ends of a file in code models.
     */
    public Set<Integer> stopIds() {
        return stopIds;
    }

    /** Turns ids into text one by one; one thread at a time. */
    public final class Stream {
        private final CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder()
                .onMalformedInput(CodingErrorAction.REPLACE).onUnmappableCharacter(CodingErrorAction.REPLACE);
        /** The beginning of a sequence whose end has not come: three bytes at most. */
        private byte[] tail = {};

        private Stream() {}

        /** The text that is complete so far: "" while a UTF-8 sequence is incomplete. */
        public String next(int id) {
            byte[] token = vocabulary.bytes(id);
            ByteBuffer in = ByteBuffer.allocate(tail.length + token.length).put(tail).put(token).flip();
            CharBuffer out = CharBuffer.allocate(in.remaining());
            decoder.decode(in, out, false);
            tail = new byte[in.remaining()];
            in.get(tail);
            return out.flip().toString();
        }

        /** What is left: a replacement character for a broken tail, else "". The stream begins anew. */
        public String flush() {
            CharBuffer out = CharBuffer.allocate(tail.length + 1);
            decoder.decode(ByteBuffer.wrap(tail), out, true);
            decoder.flush(out);
            decoder.reset();
            tail = new byte[0];
            return out.flip().toString();
        }
    }
}
