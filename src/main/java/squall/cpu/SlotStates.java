package squall.cpu;

import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import squall.ops.StateSpec;

/**
 * The recurrent states and convolution windows of every slot, float32. A slot's arrays come into being when it is first
 * used. Owned by the engine thread; workers read and write the arrays inside an operation.
 */
final class SlotStates {
    private final Map<StateSpec, Integer> index = new IdentityHashMap<>();
    private final int[] sizes;
    private final float[][][] arrays;

    /** @param specs the Recurrent and Window states of a model; others are ignored */
    SlotStates(List<StateSpec> specs, int slots) {
        int[] all = new int[specs.size()];
        int n = 0;
        for (StateSpec spec : specs) {
            int size = switch (spec) {
                case StateSpec.Recurrent r -> Math.multiplyExact(r.valueHeads(), Math.multiplyExact(r.dk(), r.dv()));
                case StateSpec.Window w -> (w.taps() - 1) * w.channels();
                case StateSpec.Kv kv -> 0;
            };
            if (spec instanceof StateSpec.Kv) continue;
            index.put(spec, n);
            all[n++] = size;
        }
        sizes = Arrays.copyOf(all, n);
        arrays = new float[slots][][];
    }

    boolean isEmpty() {
        return sizes.length == 0;
    }

    /** Bytes of one slot. */
    long bytes() {
        return 4 * Arrays.stream(sizes).asLongStream().sum();
    }

    /** Called before a slot is used in a step. */
    void prepare(int slot) {
        if (arrays[slot] != null) return;
        arrays[slot] = new float[sizes.length][];
        for (int i = 0; i < sizes.length; i++) arrays[slot][i] = new float[sizes[i]];
    }

    float[] of(StateSpec spec, int slot) {
        return arrays[slot][index.get(spec)];
    }

    void clear(int slot) {
        if (arrays[slot] == null) return;
        for (float[] a : arrays[slot]) Arrays.fill(a, 0);
    }

    float[][] copy(int slot) {
        prepare(slot);
        float[][] copy = new float[sizes.length][];
        for (int i = 0; i < sizes.length; i++) copy[i] = arrays[slot][i].clone();
        return copy;
    }

    void restore(int slot, float[][] saved) {
        prepare(slot);
        for (int i = 0; i < sizes.length; i++) System.arraycopy(saved[i], 0, arrays[slot][i], 0, sizes[i]);
    }
}
