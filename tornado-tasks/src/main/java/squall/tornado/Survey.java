package squall.tornado;

import java.util.ArrayList;
import java.util.List;
import squall.ops.Rope;
import squall.ops.StateSpec;
import squall.ops.Weight;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** A first reading of a layer: notes its sites with what they stand for. What it answers has shapes and no arrays. */
final class Survey implements Store {
    private final List<Site> sites = new ArrayList<>();
    private final List<Object> parts = new ArrayList<>();
    private final List<Rope> ropes = new ArrayList<>();
    private int routes;

    List<Site> sites() {
        return sites;
    }

    /** For each site what it stands for in this layer: a list of weights, a weight or a state. */
    List<Object> parts() {
        return parts;
    }

    List<Rope> ropes() {
        return ropes;
    }

    boolean routes() {
        return routes > 0;
    }

    @Override public Bank matrices(List<Weight> stack) {
        return stacked(stack, 1);
    }

    @Override public Bank experts(List<Weight> stack) {
        return stacked(stack, stack.getFirst().experts().size());
    }

    private Bank stacked(List<Weight> stack, int experts) {
        Weight first = stack.getFirst();
        List<Integer> rows = stack.stream().map(Weight::rows).toList();
        Site.Matrices site = new Site.Matrices(first.format(), rows, first.cols(), experts, !first.scales().isEmpty());
        note(site, List.copyOf(stack));
        return new Bank(first.format(), null, 0, 0, site.allRows(), first.cols(), experts, 0, null, 0);
    }

    @Override public Small vector(Weight w) {
        int size = w.rows() * w.cols();
        note(new Site.Vector(size), w);
        return new Small(null, 0, 0, size);
    }

    @Override public Slab memory(StateSpec.Recurrent spec) {
        note(new Site.Memory(spec.valueHeads() * spec.dv() * spec.dk()), spec);
        return new Slab(null, 0, 0);
    }

    @Override public Slab window(StateSpec.Window spec) {
        note(new Site.Memory(spec.taps() * spec.channels()), spec);   // a ring with a row more than is read
        return new Slab(null, 0, 0);
    }

    @Override public Pages pages(StateSpec.Kv spec) {
        note(new Site.Cache(spec.kvHeads(), spec.headDim()), spec);
        return new Pages(null, null, null, 0, 0, spec.kvHeads(), spec.headDim());
    }

    @Override public FloatArray angles(Rope rope) {
        if (!ropes.contains(rope)) ropes.add(rope);
        return null;
    }

    @Override public IntArray chosen() {
        routes++;
        return null;
    }

    private void note(Site site, Object part) {
        sites.add(site);
        parts.add(part);
    }
}
