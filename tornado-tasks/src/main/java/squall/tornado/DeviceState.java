package squall.tornado;

import java.util.ArrayList;
import java.util.List;
import squall.engine.EngineOptions.KvFormat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/**
 * Makes the arrays that stay on the device from step to step and never come from the host: KV pages, recurrent states,
 * convolution windows, the device's page table. Their contents are undefined until a step writes them.
 */
final class DeviceState {
    private final int positions;
    private final KvFormat kept;
    private final LayerGroup.Capacity capacity;
    private final IntArray table;
    private final int pagesPerSlot;
    private final List<Object> arrays = new ArrayList<>();
    private final List<Slab> slabs = new ArrayList<>();
    private final List<Integer> slabLayers = new ArrayList<>();
    private IntArray chosen;

    /** positions: of a slot; kept: format of keys and values, F32 or F16; chosen: ints for the experts of all rows, 0 without experts. */
    DeviceState(int positions, LayerGroup.Capacity capacity, PageTable table, KvFormat kept, int chosen) {
        this.positions = positions;
        this.kept = kept;
        this.capacity = capacity;
        this.pagesPerSlot = table.pagesPerSlot();
        this.table = keep(new IntArray(table.pages()));
        if (chosen > 0) this.chosen = keep(new IntArray(chosen));
    }

    private <T> T keep(T array) {
        arrays.add(array);
        return array;
    }

    List<Object> arrays() {
        return arrays;
    }

    /** Positions of a slot. */
    int positions() {
        return positions;
    }

    IntArray table() {
        return table;
    }

    IntArray chosen() {
        return chosen;
    }

    Slab slab(Site.Memory site, int layers) {
        int layer = Math.toIntExact(capacity.elements(site));
        Slab slab = new Slab(keep(HostMemory.floats(Math.multiplyExact(layer, layers))), layer, site.size());
        slabs.add(slab);
        slabLayers.add(layers);
        return slab;
    }

    Pages pages(Site.Cache site, int layers) {
        int layer = Math.toIntExact(capacity.elements(site));
        int all = Math.multiplyExact(layer, layers);
        return new Pages(keep(kept(all)), keep(kept(all)), table, pagesPerSlot, layer, site.kvHeads(), site.headDim());
    }

    private TornadoNativeArray kept(int elements) {
        return kept == KvFormat.F16 ? HostMemory.halves(elements) : HostMemory.floats(elements);
    }

    /** Slabs in the order in which they were made. */
    List<Slab> slabs() {
        return slabs;
    }

    int layersOf(Slab slab) {
        return slabLayers.get(slabs.indexOf(slab));
    }
}
