package squall.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;
import squall.engine.EngineOptions.KvFormat;
import squall.format.HugePages;
import squall.format.ModelFileException;
import squall.ops.StateSpec;
import squall.quant.Codec;
import squall.quant.Format;
import squall.quant.Lanes;

/**
 * Keys and values of every attention layer and slot, in pages of {@value #PAGE} positions outside the heap. A page holds
 * its positions of all layers:
 * <pre>
 *   page: layer 0 | layer 1 | …      layer: [kvHead][keys | values]
 *   keys: [position in page][headDim]      values: [headDim / STRIP][position in page][STRIP]
 * </pre>
 * so that whoever multiplies keys row by row and sums values strip by strip reads memory in its order: rows of which one strip
 * after the other is taken come from memory at a half to two thirds of the speed (measured on Zen 2, in C, 7 to 8 and 12 to 13
 * GB/s). 64 positions keep the unused rest of a sequence's last page small (32 positions on average) while its table stays
 * short (4096 entries for 256K positions); it is also two attention tiles.
 * A page is allocated when a sequence first reaches it and goes to a free list when the sequence is cut. What a short sequence
 * takes is allocated page by page; more of them come together from memory in pages of 2 MB (measured on Zen 2, in C, one thread: keys
 * and values are read from memory at 13.8 GB/s in place of 11.4). Those that come together lie in each other,
 * {@code [layer][kvHead][page][keys | values]}: a head's keys and values of many positions are one run, and a run's first lines are
 * waited for (measured: 9 % of the time of attention over runs of 32 KB).
 *
 * <p>{@link #reserve}, {@link #cut} and {@link #close} belong to the engine thread; {@link #write} and the reads may run
 * on any worker between them.
 */
final class KvCache implements AutoCloseable {
    static final int PAGE = 64;
    /** Values of a position that lie together; a block of Q8_0, a line of halves. A head's last strip may be narrower. */
    static final int STRIP = 32;

    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int Q8_BLOCK = 32;
    private static final int Q8_BYTES = 34;
    /** Bytes of pages that are allocated by themselves: to ask for large ones takes tens of milliseconds at the first time. */
    private static final long SMALL_BYTES = 16 << 20;
    /** Of pages that lie together: this share of all such pages before, within these limits. */
    private static final int CHUNK_SHARE = 8;
    private static final long LEAST_CHUNK = 32 << 20;
    private static final long MOST_CHUNK = 128 << 20;
    private static final float MAX_HALF = 65504;
    private static final VectorSpecies<Short> HALVES = VectorSpecies.of(short.class, VectorShape.forBitSize(Lanes.BITS / 2));
    /** Of a half's bits in a single. */
    private static final IntVector PLACES = IntVector.broadcast(Lanes.INTS, 0x8FFFE000);
    private static final FloatVector UP = FloatVector.broadcast(Lanes.FLOATS, 0x1p112f);

    /** The {@code index}-th of the {@code together} pages in a piece of memory. */
    private record Page(MemorySegment memory, int index, int together) {}

    /** Where a layer lies in a page that is by itself. */
    private record Place(int headDim, long keyRowBytes, long valueRowBytes, long at) {
        long key(Page page, int kvHead, int position) {
            long head = PAGE * (keyRowBytes + valueRowBytes);
            return page.together * (at + head * kvHead) + page.index * head + position % PAGE * keyRowBytes;
        }
    }

    private final Arena arena = Arena.ofShared();
    private final Map<StateSpec.Kv, Place> places = new IdentityHashMap<>();
    private final KvFormat keyFormat;
    private final KvFormat valueFormat;
    private final long pageBytes;
    private final Page[][] tables;
    private final int[] pages;
    private final List<Page> free = new ArrayList<>();
    private long smallBytes;
    private long chunkBytes;
    /** The last page of the last chunk that was handed out. */
    private Page last = new Page(MemorySegment.NULL, 0, 1);

    KvCache(List<StateSpec.Kv> layers, int slots, KvFormat keyFormat, KvFormat valueFormat) {
        this.keyFormat = keyFormat;
        this.valueFormat = valueFormat;
        long at = 0;
        for (StateSpec.Kv kv : layers) {
            check(kv, keyFormat, "-ctk");
            check(kv, valueFormat, "-ctv");
            long keyRow = keyFormat.bytes(kv.headDim());
            long valueRow = valueFormat.bytes(kv.headDim());
            places.put(kv, new Place(kv.headDim(), keyRow, valueRow, at));
            at += PAGE * kv.kvHeads() * (keyRow + valueRow);
        }
        pageBytes = at;
        tables = new Page[slots][0];
        pages = new int[slots];
    }

    private static void check(StateSpec.Kv kv, KvFormat format, String flag) {
        if (format == KvFormat.Q8_0 && kv.headDim() % Q8_BLOCK != 0)
            throw new ModelFileException(flag + " q8_0 needs heads of a multiple of " + Q8_BLOCK + " values, "
                    + kv.name() + " has " + kv.headDim() + "; use " + flag + " f16");
    }

    /** Makes room for the positions below {@code length}. */
    void reserve(int slot, int length) {
        if (pageBytes == 0) return;
        int wanted = (length + PAGE - 1) / PAGE;
        if (wanted > tables[slot].length) tables[slot] = Arrays.copyOf(tables[slot], Math.max(wanted, 2 * pages[slot]));
        while (pages[slot] < wanted) tables[slot][pages[slot]++] = free.isEmpty() ? newPage() : free.removeLast();
    }

    private Page newPage() {
        if (smallBytes + pageBytes <= SMALL_BYTES || !HugePages.areKnown()) {
            smallBytes += pageBytes;
            return new Page(arena.allocate(pageBytes, 64), 0, 1);
        }
        if (last.index + 1 < last.together) {
            last = new Page(last.memory, last.index + 1, last.together);
        } else {
            int together = (int) Math.max(1, Math.clamp(chunkBytes / CHUNK_SHARE, LEAST_CHUNK, MOST_CHUNK) / pageBytes);
            last = new Page(HugePages.allocate(arena, together * pageBytes), 0, together);
            chunkBytes += together * pageBytes;
        }
        return last;
    }

    /** Gives back the pages that hold no position below {@code length}. */
    void cut(int slot, int length) {
        int kept = (length + PAGE - 1) / PAGE;
        while (pages[slot] > kept) {
            free.add(tables[slot][--pages[slot]]);
            tables[slot][pages[slot]] = null;
        }
    }

    /** Stores the key and the value of one head; k, v: [headDim] from the given places. */
    void write(StateSpec.Kv kv, int slot, int kvHead, int position, float[] k, int kAt, float[] v, int vAt) {
        Place p = places.get(kv);
        Page page = tables[slot][position / PAGE];
        encode(keyFormat, page.memory, p.key(page, kvHead, position), k, kAt, p.headDim);
        for (int d = 0; d < p.headDim; d += STRIP)
            encode(valueFormat, page.memory, value(p, page, kvHead, position, d), v, vAt + d, Math.min(STRIP, p.headDim - d));
    }

    /** Where the strip of one value begins that starts with element d. */
    private long value(Place p, Page page, int kvHead, int position, int d) {
        long strip = p.key(page, kvHead, 0) + PAGE * (p.keyRowBytes + valueFormat.bytes(d));
        return strip + position % PAGE * valueFormat.bytes(Math.min(STRIP, p.headDim - d));
    }

    /** Keys of positions [from, from + n), all of one page, into the rows of {@code dst}: [n, stride]. */
    void keys(StateSpec.Kv kv, int slot, int kvHead, int from, int n, float[] dst, int stride) {
        Place p = places.get(kv);
        Page page = tables[slot][from / PAGE];
        decode(keyFormat, page.memory, p.key(page, kvHead, from), p.keyRowBytes, dst, 0, stride, p.headDim, n);
    }

    /** Values of positions [from, from + n), all of one page, as strips whose rows are full: [headDim / STRIP, most, STRIP]. */
    void values(StateSpec.Kv kv, int slot, int kvHead, int from, int n, float[] dst, int most) {
        Place p = places.get(kv);
        Page page = tables[slot][from / PAGE];
        for (int d = 0; d < p.headDim; d += STRIP) {
            int width = Math.min(STRIP, p.headDim - d);
            decode(valueFormat, page.memory, value(p, page, kvHead, from, d), valueFormat.bytes(width), dst, d * most, STRIP, width, n);
        }
    }

    /** Whether keys and values are in half precision. */
    boolean isHalf() {
        return keyFormat == KvFormat.F16 && valueFormat == KvFormat.F16;
    }

    /** Folds positions [from, from + n), all of one page, into a tile that reads halves in place. */
    void fold(HalfTile tile, StateSpec.Kv kv, int slot, int kvHead, int from, int n, int first, int group) {
        Place p = places.get(kv);
        Page page = tables[slot][from / PAGE];
        tile.fold(page.memory, p.key(page, kvHead, from), value(p, page, kvHead, from, 0), first, group, n);
    }

    /** Key of one position into {@code dst}, by plain loops. */
    void key(StateSpec.Kv kv, int slot, int kvHead, int position, float[] dst) {
        Place p = places.get(kv);
        Page page = tables[slot][position / PAGE];
        decodePlainly(keyFormat, page.memory, p.key(page, kvHead, position), dst, p.headDim);
    }

    /** Value of one position, as {@link #key}. */
    void value(StateSpec.Kv kv, int slot, int kvHead, int position, float[] dst) {
        Place p = places.get(kv);
        Page page = tables[slot][position / PAGE];
        float[] strip = new float[STRIP];
        for (int d = 0; d < p.headDim; d += STRIP) {
            int width = Math.min(STRIP, p.headDim - d);
            decodePlainly(valueFormat, page.memory, value(p, page, kvHead, position, d), strip, width);
            System.arraycopy(strip, 0, dst, d, width);
        }
    }

    /** Halves, which are usual, are copied at once: memory is slow to ask for each number while code is not compiled. */
    private static void decodePlainly(KvFormat format, MemorySegment page, long at, float[] dst, int n) {
        if (format != KvFormat.F16) {
            ScalarOps.decode(codec(format), page, at, dst, n);
            return;
        }
        short[] halves = new short[n];
        MemorySegment.copy(page, SHORT, at, halves, 0, n);
        for (int i = 0; i < n; i++) dst[i] = Float.float16ToFloat(halves[i]);
    }

    private static Codec codec(KvFormat format) {
        return switch (format) {
            case F32 -> Format.F32.codec;
            case F16 -> Format.F16.codec;
            case Q8_0 -> Format.Q8_0.codec;
        };
    }

    private static void decode(KvFormat format, MemorySegment page, long at, long rowBytes, float[] dst, int dstAt, int stride,
                               int width, int n) {
        int rows = stride == width ? 1 : n, length = stride == width ? n * width : width;
        for (int i = 0; i < rows; i++)
            if (format == KvFormat.F16) decodeHalves(page, at + i * rowBytes, dst, dstAt + i * stride, length);
            else codec(format).decode(page, at + i * rowBytes, dst, dstAt + i * stride, length);
    }

    /**
     * Halves of which none is infinite: sign, exponent and mantissa moved to their places in a single give 2^-112 of the value. Half the
     * operations of the codec, which has to find what is not finite.
     */
    private static void decodeHalves(MemorySegment page, long at, float[] dst, int dstAt, int n) {
        int i = 0;
        for (; i <= n - Lanes.COUNT; i += Lanes.COUNT) {
            IntVector signed = (IntVector) ShortVector.fromMemorySegment(HALVES, page, at + 2L * i, ByteOrder.LITTLE_ENDIAN).convertShape(VectorOperators.S2I, Lanes.INTS, 0);
            signed.lanewise(VectorOperators.LSHL, 13).and(PLACES).reinterpretAsFloats().mul(UP).intoArray(dst, dstAt + i);
        }
        for (; i < n; i++) dst[dstAt + i] = Float.float16ToFloat(page.get(SHORT, at + 2L * i));
    }

    private static void encode(KvFormat format, MemorySegment page, long at, float[] x, int from, int n) {
        switch (format) {
            case F32 -> MemorySegment.copy(x, from, page, FLOAT, at, n);
            case F16 -> {
                for (int i = 0; i < n; i++) page.set(SHORT, at + 2L * i, half(x[from + i]));
            }
            case Q8_0 -> {
                for (int i = 0; i < n; i += Q8_BLOCK) encodeQ8(page, at + i / Q8_BLOCK * Q8_BYTES, x, from + i);
            }
        }
    }

    /** {@code | f16 scale | 32 x int8 |}: scale = max |x| / 127, quant = round(x / scale) for the scale as stored. */
    private static void encodeQ8(MemorySegment page, long at, float[] x, int from) {
        float largest = 0;
        for (int i = 0; i < Q8_BLOCK; i++) largest = Math.max(largest, Math.abs(x[from + i]));
        short stored = half(largest / 127);
        float scale = Float.float16ToFloat(stored);
        float inverse = scale == 0 ? 0 : 1 / scale;
        page.set(SHORT, at, stored);
        for (int i = 0; i < Q8_BLOCK; i++) {
            int q = Math.clamp(Math.round(x[from + i] * inverse), -127, 127);
            page.set(ValueLayout.JAVA_BYTE, at + 2 + i, (byte) q);
        }
    }

    /** Nearest half; what is too large becomes the largest, so that one outlier does not turn a row into infinities. */
    private static short half(float x) {
        return Float.floatToFloat16(Math.clamp(x, -MAX_HALF, MAX_HALF));
    }

    /** Bytes of the pages in use and on the free list. */
    long committedBytes() {
        long n = free.size();
        for (int p : pages) n += p;
        return n * pageBytes;
    }

    @Override public void close() {
        arena.close();
    }
}
