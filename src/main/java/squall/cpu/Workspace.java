package squall.cpu;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import squall.ops.Buf;

/**
 * Scratch activations, lent for a block and taken back all at once, so that steps of the same size allocate nothing.
 * Arrays are kept by width, because the blocks of a model ask for the same few widths again and again. Owned by the
 * engine thread.
 */
final class Workspace {

    private static final class Shelf {
        final int width;
        final List<Activation> items = new ArrayList<>();
        int lent;
        int held;

        Shelf(int width) {
            this.width = width;
        }
    }

    /** A dozen at most: looked through in less time than a number is boxed for a map. */
    private final List<Shelf> all = new ArrayList<>();
    private final List<Buf[]> lists = new ArrayList<>();
    /** The first so many are lent. */
    private int lentLists;

    /** An activation [rows, width], contents undefined. */
    Activation take(int rows, int width) {
        Shelf shelf = shelf(width);
        if (shelf.lent == shelf.items.size()) shelf.items.add(new Activation(width));
        Activation a = shelf.items.get(shelf.lent++);
        int elements = Math.multiplyExact(rows, width);
        if (a.data.length < elements) a.data = new float[elements];
        a.rows = rows;
        return a;
    }

    private Shelf shelf(int width) {
        for (int i = 0; i < all.size(); i++)
            if (all.get(i).width == width) return all.get(i);
        all.add(new Shelf(width));
        return all.getLast();
    }

    /** A list for buffers of a block, contents undefined. */
    Buf[] list(int length) {
        int at = lentLists;
        while (at < lists.size() && lists.get(at).length != length) at++;
        if (at == lists.size()) lists.add(new Buf[length]);
        Collections.swap(lists, lentLists, at);
        return lists.get(lentLists++);
    }

    /** What is lent now outlives {@link #release}: the residual stream. */
    void hold() {
        for (int i = 0; i < all.size(); i++) all.get(i).held = all.get(i).lent;
    }

    /** Takes back what was lent since {@link #hold}. */
    void release() {
        lentLists = 0;
        for (int i = 0; i < all.size(); i++) all.get(i).lent = all.get(i).held;
    }

    /** Takes everything back. */
    void clear() {
        lentLists = 0;
        for (int i = 0; i < all.size(); i++) all.get(i).lent = all.get(i).held = 0;
    }
}
