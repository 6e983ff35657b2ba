package squall.tornado;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import squall.ops.Rope;
import squall.ops.Weight;
import squall.quant.Format;
import uk.ac.manchester.tornado.api.types.arrays.ByteArray;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/**
 * Makes the arrays of weights: the matrices of a role of all layers in one array (a bank), bytes as they are in the file;
 * small weights of a group in one array of floats. A weight that is used twice (a tied embedding) is there once.
 */
final class DeviceWeights {
    private final List<Object> arrays = new ArrayList<>();
    private final Map<Weight, Bank> single = new IdentityHashMap<>();
    private final Map<Rope, FloatArray> angles = new HashMap<>();

    /** Everything that is to be sent to the device once. */
    List<Object> arrays() {
        return arrays;
    }

    /** The bank of one site; {@code layers[l]} is the list of weights stacked in layer l. */
    Bank bank(Site.Matrices site, List<List<Weight>> layers) {
        Weight only = layers.size() == 1 && layers.getFirst().size() == 1 ? layers.getFirst().getFirst() : null;
        if (only != null && single.containsKey(only)) return single.get(only);
        int matrix = Math.toIntExact((long) site.allRows() * Bank.elements(site.format(), site.cols()));
        int layer = Math.multiplyExact(matrix, site.experts());
        TornadoNativeArray array = allocate(site.format(), Math.multiplyExact(layer, layers.size()));
        MemorySegment to = array.getSegment();
        long at = 0;
        for (List<Weight> stack : layers)
            for (int e = 0; e < site.experts(); e++)
                for (Weight w : stack) {
                    MemorySegment from = w.experts().get(e);
                    MemorySegment.copy(from, 0, to, at, from.byteSize());
                    at += from.byteSize();
                }
        arrays.add(array);
        FloatArray scales = site.scaled() ? scales(layers) : null;
        int grid = site.scaled() ? layers.getFirst().getFirst().scales().getFirst().length : 0;
        Bank bank = new Bank(site.format(), array, layer, 0, site.allRows(), site.cols(), site.experts(), matrix, scales, grid);
        if (only != null) single.put(only, bank);
        return bank;
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

    private static TornadoNativeArray allocate(Format format, int elements) {
        return switch (format) {
            case F32 -> new FloatArray(elements);
            case F16, BF16 -> new ShortArray(elements);
            default -> new ByteArray(elements);
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
