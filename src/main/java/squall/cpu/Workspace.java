package squall.cpu;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Scratch activations, lent for a block and taken back all at once, so that steps of the same size allocate nothing.
 * Arrays are kept by width, because the blocks of a model ask for the same few widths again and again. Owned by the
 * engine thread.
 */
final class Workspace {

    private static final class Shelf {
        final List<Activation> items = new ArrayList<>();
        int lent;
        int held;
    }

    private final Map<Integer, Shelf> shelves = new HashMap<>();
    private final List<Shelf> all = new ArrayList<>();

    /** An activation [rows, width], contents undefined. */
    Activation take(int rows, int width) {
        Shelf shelf = shelves.computeIfAbsent(width, w -> {
            Shelf s = new Shelf();
            all.add(s);
            return s;
        });
        if (shelf.lent == shelf.items.size()) shelf.items.add(new Activation(width));
        Activation a = shelf.items.get(shelf.lent++);
        int elements = Math.multiplyExact(rows, width);
        if (a.data.length < elements) a.data = new float[elements];
        a.rows = rows;
        return a;
    }

    /** What is lent now outlives {@link #release}: the residual stream. */
    void hold() {
        for (int i = 0; i < all.size(); i++) all.get(i).held = all.get(i).lent;
    }

    /** Takes back what was lent since {@link #hold}. */
    void release() {
        for (int i = 0; i < all.size(); i++) all.get(i).lent = all.get(i).held;
    }

    /** Takes everything back. */
    void clear() {
        for (int i = 0; i < all.size(); i++) all.get(i).lent = all.get(i).held = 0;
    }
}
