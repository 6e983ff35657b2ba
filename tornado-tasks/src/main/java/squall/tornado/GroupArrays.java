package squall.tornado;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import squall.ops.Rope;
import squall.ops.StateSpec;
import squall.ops.Weight;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** The arrays of a group of layers, site by site. */
final class GroupArrays {
    private final List<Object> bySite = new ArrayList<>();
    /** By the first layer's own state: where a layer appends is where it reads. */
    private final Map<Object, Pages> caches = new IdentityHashMap<>();
    private final Map<Object, Slab> memories = new IdentityHashMap<>();
    private final DeviceState state;
    private final DeviceWeights weights;

    GroupArrays(LayerGroup group, DeviceWeights weights, DeviceState state) {
        this.state = state;
        this.weights = weights;
        int stride = group.sites().stream().filter(Site.Vector.class::isInstance).mapToInt(s -> (int) s.layerElements()).sum();
        FloatArray small = stride == 0 ? null : weights.small(group.members().stream().map(GroupArrays::vectors).toList(), stride);
        List<Object> first = group.members().getFirst();
        int at = 0;
        for (int i = 0; i < group.sites().size(); i++) {
            int site = i;
            switch (group.sites().get(i)) {
                case Site.Matrices m -> bySite.add(weights.bank(m, group.members().stream().map(l -> stack(l.get(site))).toList()));
                case Site.Vector v -> {
                    bySite.add(new Small(small, stride, at, v.size()));
                    at += v.size();
                }
                case Site.Memory m -> bySite.add(memories.computeIfAbsent(first.get(i), _ -> state.slab(m, group.layers())));
                case Site.Cache c -> bySite.add(caches.computeIfAbsent(first.get(i), _ -> state.pages(c, group.layers())));
            }
        }
    }

    @SuppressWarnings("unchecked")
    private static List<Weight> stack(Object part) {
        return (List<Weight>) part;
    }

    private static List<Weight> vectors(List<Object> parts) {
        return parts.stream().filter(Weight.class::isInstance).map(Weight.class::cast).toList();
    }

    /** Answers in the order of the sites, for one recording. */
    Store reader() {
        return new Store() {
            private int next;

            @Override public Bank matrices(List<Weight> stack) {
                return (Bank) bySite.get(next++);
            }

            @Override public Bank experts(List<Weight> stack) {
                return (Bank) bySite.get(next++);
            }

            @Override public Small vector(Weight w) {
                return (Small) bySite.get(next++);
            }

            @Override public Slab memory(StateSpec.Recurrent spec) {
                return (Slab) bySite.get(next++);
            }

            @Override public Slab window(StateSpec.Window spec) {
                return (Slab) bySite.get(next++);
            }

            @Override public Pages pages(StateSpec.Kv spec) {
                return (Pages) bySite.get(next++);
            }

            @Override public FloatArray angles(Rope rope) {
                return weights.angles(rope, state.positions());
            }

            @Override public IntArray chosen() {
                return state.chosen();
            }
        };
    }
}
