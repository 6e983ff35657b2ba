package squall.tornado;

import java.util.Arrays;

/**
 * Which pages the slots' positions are in, on the host; the device has a copy that is kept equal by patches of a step. Pages
 * are taken as a sequence grows and given back when it is cut. Owned by the engine's thread.
 */
final class PageTable {
    private final int pagesPerSlot;
    private final int[] free;
    private int freeCount;
    private final int[] table;      // [slots, pagesPerSlot]
    private final int[] held;       // pages of each slot
    private int[] patches = new int[32];
    private int patchCount;

    PageTable(int slots, int contextLength) {
        pagesPerSlot = (contextLength + Pages.SIZE - 1) / Pages.SIZE;
        int pages = Math.multiplyExact(slots, pagesPerSlot);
        table = new int[pages];
        held = new int[slots];
        free = new int[pages];
        for (int i = 0; i < pages; i++) free[i] = pages - 1 - i;
        freeCount = pages;
    }

    int pages() {
        return table.length;
    }

    int pagesPerSlot() {
        return pagesPerSlot;
    }

    /** Most patches of one step that has so many rows in so many segments. */
    static int mostPatches(int rows, int segments) {
        return rows / Pages.SIZE + 2 * segments;
    }

    /** Gives the slot room for so many positions; what changes is noted for the device. */
    void reserve(int slot, int positions) {
        int needed = (positions + Pages.SIZE - 1) / Pages.SIZE;
        while (held[slot] < needed) {
            int at = slot * pagesPerSlot + held[slot]++;
            table[at] = free[--freeCount];
            if (2 * patchCount + 2 > patches.length) patches = Arrays.copyOf(patches, 2 * patches.length);
            patches[2 * patchCount] = at;
            patches[2 * patchCount + 1] = table[at];
            patchCount++;
        }
    }

    void cut(int slot, int positions) {
        int kept = (positions + Pages.SIZE - 1) / Pages.SIZE;
        while (held[slot] > kept) free[freeCount++] = table[slot * pagesPerSlot + --held[slot]];
    }

    /** Pairs of (index into the table, page) that the device does not know yet. */
    int[] patches() {
        return patches;
    }

    int patchCount() {
        return patchCount;
    }

    /** The device has them. */
    void patched() {
        patchCount = 0;
    }
}
