package squall.engine;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import squall.layer.Block;
import squall.model.Model;

/**
 * Which device plays which block of a model. Block 0 is the embedding, blocks {@code 2l + 1} and {@code 2l + 2} are the mixer
 * and the feed-forward part of layer l, and the last one is the head.
 *
 * @param devices a number for each block
 */
public record Placement(List<Integer> devices) {

    /** Adjoining blocks [from, to) of one device: the residual stream goes there once. */
    public record Piece(int device, int from, int to) {}

    public Placement {
        devices = List.copyOf(devices);
    }

    /** The first {@code layers[0]} layers on device 0 and so on; the embedding is with the first, the head with the last. */
    public static Placement ofLayers(List<Integer> layers) {
        List<Integer> devices = new ArrayList<>();
        for (int d = 0; d < layers.size(); d++) devices.addAll(Collections.nCopies(2 * layers.get(d), d));
        if (devices.isEmpty()) throw new IllegalArgumentException("a model has at least one layer");
        devices.addFirst(devices.getFirst());
        devices.addLast(devices.getLast());
        return new Placement(devices);
    }

    /** With one block elsewhere. */
    public Placement with(int block, int device) {
        List<Integer> other = new ArrayList<>(devices);
        other.set(block, device);
        return new Placement(other);
    }

    public static int mixer(int layer) {
        return 2 * layer + 1;
    }

    public static int feedForward(int layer) {
        return 2 * layer + 2;
    }

    public int head() {
        return devices.size() - 1;
    }

    public int layers() {
        return devices.size() / 2 - 1;
    }

    public boolean has(int device, int block) {
        return devices.get(block) == device;
    }

    /** Layers whose block is on the device; block: {@link #mixer} or {@link #feedForward} of a layer. */
    public int[] layers(int device, IntUnaryOperator block) {
        return IntStream.range(0, layers()).filter(l -> has(device, block.applyAsInt(l))).toArray();
    }

    /** The way of the residual stream through the devices. */
    public List<Piece> pieces() {
        List<Piece> pieces = new ArrayList<>();
        for (int from = 0, to; from < devices.size(); from = to) {
            int device = devices.get(from);
            for (to = from + 1; to < devices.size() && devices.get(to) == device; ) to++;
            pieces.add(new Piece(device, from, to));
        }
        return pieces;
    }

    /** The model with nothing in the place of blocks that others play: no weights, no state. */
    public Model part(Model whole, int device) {
        List<Model.Layer> layers = new ArrayList<>();
        for (int l = 0; l < whole.layers().size(); l++) {
            Model.Layer layer = whole.layers().get(l);
            layers.add(new Model.Layer(has(device, mixer(l)) ? layer.mixer() : Block.ELSEWHERE,
                    has(device, feedForward(l)) ? layer.feedForward() : Block.ELSEWHERE));
        }
        return new Model(whole.config(), has(device, 0) ? whole.embedding() : null, layers,
                has(device, head()) ? whole.head() : null);
    }
}
