package squall.text;

import java.util.Arrays;
import squall.format.ModelFileException;

/**
 * Byte-pair encoding of one piece of text: the bytes are tokens at first, then the neighbours with the lowest rank merge,
 * the leftmost of equals, until none do. Neighbours are a linked list and candidates a heap, so that a piece of n bytes
 * takes O(n log n). Scratch memory of one thread.
 */
final class BytePairs {
    private static final int NONE = -1;

    private final int[] singles;
    private final Merges merges;

    /** Of the symbol that begins at each byte: its token (NONE once it was merged away) and the neighbours' places. */
    private int[] token = new int[64];
    private int[] next = new int[64];
    private int[] before = new int[64];

    /** A binary heap of candidates, rank &lt;&lt; 32 | place of the left one. */
    private long[] heap = new long[128];
    private int candidates;

    /** @param singles the token of each byte, as {@link #singles} gives it */
    BytePairs(int[] singles, Merges merges) {
        this.singles = singles;
        this.merges = merges;
    }

    /** The token of each single byte; a vocabulary without one of them cannot encode every text. */
    static int[] singles(Vocabulary vocabulary, String where) {
        int[] singles = new int[256];
        for (int b = 0; b < 256; b++) {
            singles[b] = vocabulary.find(new byte[] {(byte) b}, 0, 1);
            if (singles[b] < 0) {
                throw new ModelFileException(String.format("%s: the vocabulary has no token for the byte 0x%02X (\"%c\");"
                        + " byte-level BPE needs all 256. Is this the tokenizer of another kind of model?",
                        where, b, ByteAlphabet.charOf(b)));
            }
        }
        return singles;
    }

    /** Appends the tokens of the piece. */
    void encode(byte[] piece, IntList to) {
        int n = piece.length;
        reserve(n);
        for (int i = 0; i < n; i++) {
            token[i] = singles[piece[i] & 0xff];
            next[i] = i + 1 < n ? i + 1 : NONE;
            before[i] = i - 1;
        }
        for (int i = 0; i + 1 < n; i++) offer(i);
        while (candidates > 0) {
            long candidate = poll();
            merge((int) candidate, (int) (candidate >>> 32));
        }
        for (int i = 0; i != NONE && n > 0; i = next[i]) to.add(token[i]);
    }

    /** Merges what begins at {@code at} with its right neighbour, if the candidate of this rank still stands. */
    private void merge(int at, int rank) {
        int right = next[at];
        if (token[at] == NONE || right == NONE) return;
        int slot = merges.find(token[at], token[right]);
        if (slot < 0 || merges.rank(slot) != rank) return;
        token[at] = merges.merged(slot);
        token[right] = NONE;
        next[at] = next[right];
        if (next[at] != NONE) {
            before[next[at]] = at;
            offer(at);
        }
        if (before[at] != NONE) offer(before[at]);
    }

    private void reserve(int n) {
        if (token.length >= n) return;
        int size = Math.max(n, Math.min(token.length * 2, Integer.MAX_VALUE - 8));
        token = new int[size];
        next = new int[size];
        before = new int[size];
    }

    private void offer(int at) {
        int slot = merges.find(token[at], token[next[at]]);
        if (slot < 0) return;
        if (candidates == heap.length) heap = Arrays.copyOf(heap, Math.multiplyExact(candidates, 2));
        long candidate = (long) merges.rank(slot) << 32 | at;
        int i = candidates++;
        while (i > 0 && heap[i - 1 >>> 1] > candidate) {
            heap[i] = heap[i - 1 >>> 1];
            i = i - 1 >>> 1;
        }
        heap[i] = candidate;
    }

    private long poll() {
        long least = heap[0];
        long last = heap[--candidates];
        int i = 0;
        while (2 * i + 1 < candidates) {
            int child = 2 * i + 1;
            if (child + 1 < candidates && heap[child + 1] < heap[child]) child++;
            if (heap[child] >= last) break;
            heap[i] = heap[child];
            i = child;
        }
        heap[i] = last;
        return least;
    }
}
