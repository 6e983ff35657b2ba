package squall.tornado;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import squall.engine.Journey;
import squall.ops.Rope;
import squall.ops.Weight;
import squall.quant.Format;
import squall.tornado.kernels.Planes;
import uk.ac.manchester.tornado.api.types.arrays.ByteArray;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.LongArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/**
 * Makes the arrays of weights: the matrices of a role of all layers in one array (a bank), bytes as they are in the file or
 * laid out for warps, see {@link Bank}; small weights of a group in one array of floats. A weight that is used twice (a tied
 * embedding) is there once.
 */
final class DeviceWeights {
    /** Bytes that one processor copies at a time. */
    private static final long PIECE = 4 << 20;

    private final Traits traits;
    private final List<Object> arrays = new ArrayList<>();
    private final Map<Weight, Bank> single = new IdentityHashMap<>();
    private final Map<Rope, FloatArray> angles = new HashMap<>();
    private final Journey told;
    /** Bytes of matrices as they are in the file. */
    private final AtomicLong done = new AtomicLong();
    private long expected;

    DeviceWeights(Traits traits) {
        this(traits, Journey.UNSEEN);
    }

    /** told: how far the matrices are laid out */
    DeviceWeights(Traits traits, Journey told) {
        this.traits = traits;
        this.told = told;
    }

    /** Those that will come. */
    void expect(List<Survey> surveys) {
        Set<Weight> all = Collections.newSetFromMap(new IdentityHashMap<>());
        for (Survey s : surveys)
            for (Object part : s.parts()) if (part instanceof List<?> stack) stack.forEach(w -> all.add((Weight) w));
        expected = all.stream().mapToLong(Weight::byteSize).sum();
    }

    private void laid(long bytes) {
        if (expected > 0) told.at(Journey.Leg.LAY_OUT, done.addAndGet(bytes), expected);
    }

    /** Everything that is to be sent to the device once. */
    List<Object> arrays() {
        return arrays;
    }

    /** The bank of one site; {@code layers[l]} is the list of weights stacked in layer l. */
    Bank bank(Site.Matrices site, List<List<Weight>> layers) {
        Weight only = layers.size() == 1 && layers.getFirst().size() == 1 ? layers.getFirst().getFirst() : null;
        if (only != null && single.containsKey(only)) return single.get(only);
        List<MemorySegment> matrices = new ArrayList<>();
        for (List<Weight> stack : layers)
            for (int e = 0; e < site.experts(); e++) for (Weight w : stack) matrices.add(w.experts().get(e));
        Bank bank = traits.shape() == Traits.Shape.WARPS && !traits.precise() && Planes.fit(site.format(), site.cols())
                ? planes(site, matrices) : asInFile(site, matrices, site.scaled() ? scales(layers) : null);
        if (only != null) single.put(only, bank);
        return bank;
    }

    /** Quanta apart from scales. */
    private Bank planes(Site.Matrices site, List<MemorySegment> matrices) {
        int matrix = Math.multiplyExact(site.allRows(), Planes.rowLongs(site.format(), site.cols()));
        long rows = matrices.stream().mapToLong(MemorySegment::byteSize).sum() / site.format().rowBytes(site.cols());
        LongArray quanta = LongArray.fromSegmentShallow(HostMemory.of(rows * Planes.rowLongs(site.format(), site.cols()) * Long.BYTES));
        Planes planes = Planes.of(site.format(), site.cols(), quanta, HostMemory.halves(Planes.scales(site.format(), site.cols(), rows)), matrices, this::laid);
        arrays.addAll(List.of(quanta, planes.scales()));
        return new Bank(site.format(), quanta, Math.multiplyExact(matrix, site.experts()), 0, site.allRows(), site.cols(), site.experts(), matrix, null, 0,
                planes);
    }

    private Bank asInFile(Site.Matrices site, List<MemorySegment> matrices, FloatArray scales) {
        long bytes = matrices.stream().mapToLong(MemorySegment::byteSize).sum();
        boolean wide = traits.shape() == Traits.Shape.WARPS && site.experts() == 1 && site.cols() % Bank.NUMBERS_OF_A_LONG == 0;
        // what the library reads where it is; a layer's matrices are a multiple of a boundary's bytes where their columns are
        boolean read = wide && traits.multipliesInLibrary() && (site.format() == Format.F16 || site.format() == Format.BF16);
        int lead = read ? Boundary.first(1) : 0;
        TornadoNativeArray array = allocate(site.format(), wide, lead + bytes);
        copy(matrices, array.getSegment().asSlice(lead));
        arrays.add(array);
        int matrix = Math.toIntExact(site.allRows() * site.format().rowBytes(site.cols()) / array.getElementSize());
        int layer = Math.multiplyExact(matrix, site.experts()), grid = scales == null ? 0 : scales.getSize() / matrices.size();
        return new Bank(site.format(), array, layer, lead / array.getElementSize(), site.allRows(), site.cols(), site.experts(), matrix, scales, grid);
    }

    /** One after the other, by all processors: memory is new to the process, and every page of it is first cleared for whoever touches it. */
    private void copy(List<MemorySegment> matrices, MemorySegment to) {
        long[] starts = new long[matrices.size()];
        for (int i = 1; i < starts.length; i++) starts[i] = starts[i - 1] + matrices.get(i - 1).byteSize();
        IntStream.range(0, starts.length).parallel().forEach(i -> {
            MemorySegment from = matrices.get(i);
            LongStream.range(0, (from.byteSize() + PIECE - 1) / PIECE).parallel().forEach(p -> {
                long bytes = Math.min(PIECE, from.byteSize() - p * PIECE);
                MemorySegment.copy(from, p * PIECE, to, starts[i] + p * PIECE, bytes);
                laid(bytes);
            });
        });
    }

    private FloatArray scales(List<List<Weight>> layers) {
        List<float[]> grids = new ArrayList<>();
        for (List<Weight> stack : layers) for (Weight w : stack) grids.addAll(w.scales());
        FloatArray all = new FloatArray(grids.stream().mapToInt(g -> g.length).sum());
        int at = 0;
        for (float[] g : grids) for (float v : g) all.set(at++, v);
        arrays.add(all);
        return all;
    }

    /** wide: for kernels that load several numbers at a time. */
    private static TornadoNativeArray allocate(Format format, boolean wide, long bytes) {
        MemorySegment room = HostMemory.of(bytes);
        return switch (format) {
            case F32 -> FloatArray.fromSegmentShallow(room);
            case F16 -> wide ? HalfFloatArray.fromSegmentShallow(room) : ShortArray.fromSegmentShallow(room);
            case BF16 -> wide ? LongArray.fromSegmentShallow(room) : ShortArray.fromSegmentShallow(room);
            default -> ByteArray.fromSegmentShallow(room);
        };
    }

    /** Small weights: {@code layers[l]} are those of layer l in order. */
    FloatArray small(List<List<Weight>> layers, int layerStride) {
        FloatArray all = new FloatArray(Math.multiplyExact(Math.max(1, layerStride), layers.size()));
        int at = 0;
        for (List<Weight> layer : layers)
            for (Weight w : layer) {
                float[] values = decode(w);
                for (float v : values) all.set(at++, v);
            }
        arrays.add(all);
        return all;
    }

    static float[] decode(Weight w) {
        float[] values = new float[Math.multiplyExact(w.rows(), w.cols())];
        long rowBytes = w.format().rowBytes(w.cols());
        for (int r = 0; r < w.rows(); r++) w.format().codec.decode(w.data(), r * rowBytes, values, r * w.cols(), w.cols());
        return values;
    }

    /**
     * Cosines, then sines, of every position: [positions, 2 * frequencies]. Angles are rounded to float32 as in the reference,
     * their cosines and sines are taken in double: a device's own would be off for large ones.
     */
    FloatArray angles(Rope rope, int positions) {
        return angles.computeIfAbsent(rope, r -> {
            int n = r.frequencies().length;
            FloatArray all = new FloatArray(Math.multiplyExact(positions, 2 * n));
            MemorySegment to = all.getSegment();
            for (int p = 0; p < positions; p++)
                for (int j = 0; j < n; j++) {
                    float angle = p * r.frequencies()[j];
                    long at = (long) p * 2 * n + j;
                    to.setAtIndex(ValueLayout.JAVA_FLOAT, at, (float) (Math.cos(angle) * r.scale()));
                    to.setAtIndex(ValueLayout.JAVA_FLOAT, at + n, (float) (Math.sin(angle) * r.scale()));
                }
            arrays.add(all);
            return all;
        });
    }
}
