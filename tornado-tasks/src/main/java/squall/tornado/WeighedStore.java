package squall.tornado;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import squall.ops.Rope;
import squall.ops.StateSpec;
import squall.ops.Weight;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Tells a tape what the next task moves of what it asks for. */
final class WeighedStore implements Store {
    private final Store store;
    private final Tape tape;
    private final Set<StateSpec.Kv> appended = new HashSet<>();

    WeighedStore(Store store, Tape tape) {
        this.store = store;
        this.tape = tape;
    }

    private void fixed(long bytes) {
        tape.moves(new Traffic(bytes, 0, 0, 0, 0));
    }

    @Override public Bank matrices(List<Weight> stack) {
        fixed(stack.stream().mapToLong(Weight::byteSize).sum());
        return store.matrices(stack);
    }

    @Override public Bank experts(List<Weight> stack) {
        int n = stack.getFirst().experts().size();
        tape.moves(new Traffic(0, 0, 0, stack.stream().mapToLong(Weight::byteSize).sum() / n, n));
        return store.experts(stack);
    }

    @Override public Small vector(Weight w) {
        fixed((long) Float.BYTES * w.rows() * w.cols());
        return store.vector(w);
    }

    @Override public Slab memory(StateSpec.Recurrent s) {
        tape.moves(new Traffic(0, 2L * Float.BYTES * s.valueHeads() * s.dv() * s.dk(), 0, 0, 0));
        return store.memory(s);
    }

    @Override public Slab window(StateSpec.Window s) {
        tape.moves(new Traffic(0, 2L * Float.BYTES * (s.taps() - 1) * s.channels(), 0, 0, 0));
        return store.window(s);
    }

    /** The append asks first and writes a row, which is nothing beside what attention reads. */
    @Override public Pages pages(StateSpec.Kv s) {
        if (appended.add(s)) return store.pages(s);
        Pages pages = store.pages(s);
        tape.moves(new Traffic(0, 0, 2L * (pages.isHalf() ? Short.BYTES : Float.BYTES) * s.kvHeads() * s.headDim(), 0, 0));
        return pages;
    }

    @Override public FloatArray angles(Rope rope) {
        return store.angles(rope);
    }

    @Override public IntArray chosen() {
        return store.chosen();
    }
}
