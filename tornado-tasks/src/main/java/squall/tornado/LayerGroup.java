package squall.tornado;

import java.util.ArrayList;
import java.util.List;

/**
 * Layers of one type and format signature: one recording serves them all, with the layer's index in a device array.
 *
 * @param sites   of the recording, in order
 * @param tasks   names of its tasks
 * @param members for each layer of the group, what its sites stand for
 */
record LayerGroup(List<Site> sites, List<String> tasks, List<List<Object>> members) {

    /** Where a layer of the model is played. */
    record Place(int group, int layer) {}

    /**
     * Puts layers with equal sites and tasks together, in the order in which they come.
     *
     * @param largest elements that an array may have; a group ends where one of its arrays would have more
     * @param places  to be filled: where each layer went
     */
    static List<LayerGroup> of(List<Reading> layers, Capacity capacity, long largest, List<Place> places) {
        List<LayerGroup> groups = new ArrayList<>();
        for (Reading layer : layers) {
            Survey s = layer.survey();
            int at = find(groups, s.sites(), layer.tasks(), capacity, largest);
            if (at < 0) {
                at = groups.size();
                groups.add(new LayerGroup(s.sites(), layer.tasks(), new ArrayList<>()));
            }
            LayerGroup group = groups.get(at);
            places.add(new Place(at, group.members.size()));
            group.members.add(s.parts());
        }
        return groups;
    }

    private static int find(List<LayerGroup> groups, List<Site> sites, List<String> tasks, Capacity capacity, long largest) {
        for (int i = groups.size() - 1; i >= 0; i--) {
            LayerGroup g = groups.get(i);
            if (g.sites.equals(sites) && g.tasks.equals(tasks) && g.fits(g.members.size() + 1, capacity, largest)) return i;
        }
        return -1;
    }

    private boolean fits(int layers, Capacity capacity, long largest) {
        return sites.stream().allMatch(s -> layers * capacity.elements(s) <= largest);
    }

    int layers() {
        return members.size();
    }

    /**
     * What multiplies a layer's state.
     *
     * @param places slots, and copies of their states that are kept
     * @param pages  of the KV cache
     */
    record Capacity(int places, int pages) {
        /** Elements of one layer in a site's array. */
        long elements(Site site) {
            return switch (site) {
                case Site.Matrices m -> m.layerElements();
                case Site.Vector v -> v.layerElements();
                case Site.Memory m -> m.layerElements() * places;
                case Site.Cache c -> c.layerElements() * pages * Pages.SIZE;
            };
        }
    }
}
