package squall.sample;

import java.util.Arrays;
import java.util.BitSet;
import java.util.function.IntPredicate;

/**
 * Chooses one sequence's next token: penalties, temperature, top-k, top-p, min-p, then a draw; or the largest logit at
 * temperature 0. The order is that of transformers' logits processors; among equal logits the lower id ranks higher, so
 * that top-k keeps exactly k.
 *
 * <p>What is kept is always the head of one ranking, so each part only raises a limit: a token's {@link #key} ranks it.
 * The draw walks the kept tokens by ascending id. Probabilities are doubles. Not for several threads.
 */
public final class Sampler {
    public static final String NOTHING_TO_CHOOSE = "no token can be chosen: the logits are not finite or every token is masked;"
            + " the model file may be damaged, or the device compute wrongly, which 'squall verify' finds";

    private final Sampling sampling;
    private final int vocab;
    private final int[] masked;
    private final boolean masksLastIds;
    private final SplitMix64 random;
    private final float[] logits;
    private final long[] keys;

    // for the penalties only: tokens seen, in order of appearance, and how often the answer has each
    private final BitSet seen = new BitSet();
    private final int[] distinct;
    private int distinctCount;
    private final int[] answered;

    /** @param masked ids that are never chosen */
    public Sampler(Sampling sampling, long seed, int vocab, int[] masked) {
        this.sampling = sampling;
        this.vocab = vocab;
        this.masked = masked.clone();
        this.masksLastIds = Arrays.stream(masked).distinct().filter(id -> id >= vocab - masked.length).count() == masked.length;
        this.random = new SplitMix64(seed);
        this.logits = new float[vocab];
        boolean draws = sampling.temperature() > 0;
        this.keys = new long[draws ? keptByTopK(sampling, vocab) : 0];
        this.distinct = new int[sampling.penalises() ? vocab : 0];
        this.answered = new int[sampling.penalises() ? vocab : 0];
    }

    private static int keptByTopK(Sampling sampling, int vocab) {
        return sampling.topK() == 0 ? vocab : Math.min(sampling.topK(), vocab);
    }

    /** Tells the repetition penalty what the prompt was. */
    public void prompt(int[] ids) {
        if (sampling.penalises()) for (int id : ids) see(id);
    }

    private void see(int id) {
        if (seen.get(id)) return;
        seen.set(id);
        distinct[distinctCount++] = id;
    }

    /**
     * Chooses a token from {@code values[at, at + vocab)}, which is not changed, and counts it as part of the answer.
     *
     * @throws IllegalStateException if no token has a finite logit
     */
    public int next(float[] values, int at) {
        System.arraycopy(values, at, logits, 0, vocab);
        for (int id : masked) logits[id] = Float.NEGATIVE_INFINITY;
        penalise();
        int id = largest();
        if (sampling.temperature() > 0) id = draw(keep(logits[id]), logits[id]);
        if (sampling.penalises()) {
            see(id);
            answered[id]++;
        }
        return id;
    }

    /** How this sampler chooses. */
    public Sampling sampling() {
        return sampling;
    }

    /** Whether the ids that are never chosen are the last ones, as a {@link Wish} has it. */
    public boolean masksLastIds() {
        return masksLastIds;
    }

    /** The next choice as a wish, for a sampler without penalties; it counts as made. */
    public Wish wish() {
        return new Wish(sampling, sampling.temperature() > 0 ? random.nextDouble() : 0, vocab - masked.length);
    }

    private void penalise() {
        float repetition = (float) sampling.repetition();
        for (int i = 0; i < distinctCount; i++) {
            int id = distinct[i];
            float l = logits[id];
            l = l > 0 ? l / repetition : l * repetition;
            if (answered[id] > 0) l -= (float) (sampling.presence() + answered[id] * sampling.frequency());
            logits[id] = l;
        }
    }

    private int largest() {
        int best = -1;
        float most = Float.NEGATIVE_INFINITY;
        for (int i = 0; i < vocab; i++)
            if (logits[i] > most) {
                most = logits[i];
                best = i;
            }
        if (best < 0 || most == Float.POSITIVE_INFINITY)
            throw new IllegalStateException(NOTHING_TO_CHOOSE);
        return best;
    }

    /** Lowest key that stays after top-k, top-p and min-p. */
    private long keep(float most) {
        long limit = Long.MIN_VALUE;
        int n = -1;
        if (keys.length < vocab) {
            n = gatherTop();
            limit = keys[0];
        }
        if (sampling.topP() < 1) {
            if (n < 0) n = gatherAll();
            double mass = 0;
            for (int i = 0; i < n; i++) mass += weight(value(keys[i]), most);
            limit = limitOfMass(n, Math.max(sampling.topP() * mass, Double.MIN_VALUE), most);
        }
        if (sampling.minP() > 0) {
            // weight >= minP, as a bound on the logit; the rounding is settled by the weight itself
            float floor = (float) (most + sampling.temperature() * Math.log(sampling.minP()));
            floor = Math.nextDown(Math.nextDown(floor));
            while (weight(floor, most) < sampling.minP()) floor = Math.nextUp(floor);
            limit = Math.max(limit, key(floor, Integer.MAX_VALUE));
        }
        return limit;
    }

    /** keys[0, n) = the k largest as a heap with the smallest first; n = k, or fewer if fewer are finite. */
    private int gatherTop() {
        int n = 0;
        float floor = Float.NEGATIVE_INFINITY;
        for (int i = 0; i < vocab; i++) {
            float l = logits[i];
            if (!(l > floor)) continue;   // a later id never wins a tie; NaN never wins
            long key = key(l, i);
            if (n < keys.length) {
                keys[n++] = key;
                siftUp(n - 1);
            } else {
                keys[0] = key;
                siftDown(n);
            }
            if (n == keys.length) floor = value(keys[0]);
        }
        return n;
    }

    private void siftUp(int i) {
        for (int up; i > 0 && keys[i] < keys[up = (i - 1) / 2]; i = up) swap(i, up);
    }

    private void siftDown(int n) {
        for (int i = 0, child; (child = 2 * i + 1) < n; i = child) {
            if (child + 1 < n && keys[child + 1] < keys[child]) child++;
            if (keys[i] <= keys[child]) return;
            swap(i, child);
        }
    }

    private int gatherAll() {
        int n = 0;
        for (int i = 0; i < vocab; i++) if (logits[i] > Float.NEGATIVE_INFINITY) keys[n++] = key(logits[i], i);
        return n;
    }

    /**
     * The lowest of keys[0, n) that stays: a token stays if what ranks above it has less than {@code wanted} mass, which is
     * positive, so that the first one always does. Selection by partition around a pivot, linear on average: keys[0, low)
     * stay and weigh {@code above}, keys[high, n) go.
     */
    private long limitOfMass(int n, double wanted, float most) {
        int low = 0;
        int high = n;
        double above = 0;
        while (low < high && above < wanted) {
            int pivot = partition(low, high);
            double front = 0;
            for (int i = low; i < pivot; i++) front += weight(value(keys[i]), most);
            if (above + front >= wanted) {
                high = pivot;
            } else {
                above += front + weight(value(keys[pivot]), most);
                low = pivot + 1;
            }
        }
        long limit = Long.MAX_VALUE;
        for (int i = 0; i < low; i++) limit = Math.min(limit, keys[i]);
        return limit;
    }

    /** Orders keys[low, high) around one of them, larger ones first, and returns where it stands. */
    private int partition(int low, int high) {
        int last = high - 1;
        swap(median(low, (low + last) >>> 1, last), last);
        long pivot = keys[last];
        int at = low;
        for (int i = low; i < last; i++) if (keys[i] > pivot) swap(i, at++);
        swap(at, last);
        return at;
    }

    private int median(int a, int b, int c) {
        if (keys[a] > keys[b] == keys[b] > keys[c]) return b;
        return keys[b] > keys[a] == keys[a] > keys[c] ? a : c;
    }

    private void swap(int i, int j) {
        long t = keys[i];
        keys[i] = keys[j];
        keys[j] = t;
    }

    /** One of the tokens at or above the limit, by their probabilities. */
    private int draw(long limit, float most) {
        float floor = limit == Long.MIN_VALUE ? -Float.MAX_VALUE : value(limit);
        double mass = 0;
        for (int i = 0; i < vocab; i++) if (logits[i] >= floor && key(logits[i], i) >= limit) mass += weight(logits[i], most);
        double at = random.nextDouble() * mass;
        int last = -1;
        for (int i = 0; i < vocab; i++) {
            if (!(logits[i] >= floor) || key(logits[i], i) < limit) continue;
            last = i;
            at -= weight(logits[i], most);
            if (at < 0) return i;
        }
        return last;   // the subtraction may round up by an ulp
    }

    /** Probability relative to the most probable token. */
    private double weight(float logit, float most) {
        return Math.exp(((double) logit - most) / sampling.temperature());
    }

    /** Larger for a larger logit and, among equals, for a lower id. */
    private static long key(float logit, int id) {
        int bits = Float.floatToRawIntBits(logit + 0f);   // -0 becomes 0
        int ordered = bits ^ (bits >> 31 & Integer.MAX_VALUE);
        return (long) ordered << 32 | ~id & 0xFFFFFFFFL;
    }

    private static float value(long key) {
        int ordered = (int) (key >> 32);
        return Float.intBitsToFloat(ordered ^ (ordered >> 31 & Integer.MAX_VALUE));
    }

    /** Ids of {@code 0 … vocab - 1} that are not usable, for {@link #Sampler}. */
    public static int[] masked(int vocab, IntPredicate usable) {
        int[] ids = new int[vocab];
        int n = 0;
        for (int i = 0; i < vocab; i++) if (!usable.test(i)) ids[n++] = i;
        return Arrays.copyOf(ids, n);
    }
}
