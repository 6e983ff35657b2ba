package squall.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import squall.engine.EngineOptions;
import squall.engine.MemoryPlan;
import squall.engine.Placement;
import squall.format.RawTensor;
import squall.model.ModelConfig;

/**
 * Finds the {@link Layout}: layers by the shares that were asked for, or as many as a device has memory for and the rest to
 * the next; then the blocks whose tensors are put elsewhere by name.
 */
final class Spread {
    private final OpenModel model;
    private final List<DeviceOptions.Choice> chosen;
    private final List<EngineOptions> options = new ArrayList<>();
    private final List<Long> available = new ArrayList<>();
    private final long[] blockBytes;

    private Spread(OpenModel model, List<DeviceOptions.Choice> chosen) {
        this.model = model;
        this.chosen = chosen;
        this.blockBytes = new long[2 * model.config().layers().size() + 2];
        model.named().forEach((name, t) -> blockBytes[block(name)] += t.data().byteSize());
        // one table for both
        if (blockBytes[head()] < blockBytes[0]) blockBytes[head()] += blockBytes[0];
    }

    /**
     * @param chosen by {@code wanted}
     * @throws UnusableException if a device cannot run this model with these options
     */
    static Layout layout(OpenModel model, DeviceOptions wanted, List<DeviceOptions.Choice> chosen, EngineOptions asked, Streams streams) {
        Spread spread = new Spread(model, chosen);
        spread.settle(asked.withPrecise(wanted.precise()), streams);
        return spread.layout(wanted);
    }

    /** One context for all, and each device's own KV formats; what does not round is held to what float32 gives, asked for or not. */
    private void settle(EngineOptions asked, Streams streams) {
        ModelConfig config = model.config();
        for (DeviceOptions.Choice c : chosen) {
            EngineOptions o = asked.orUsual(c.provider().usualKvFormat(c.device()));
            String why = c.provider().whyRefused(config, c.device(), o);
            if (why != null) throw new UnusableException("--device " + c.device() + ": " + why);
            options.add(o.withPrecise(o.precise() || !c.provider().rounds(c.device())));
            available.add(c.provider().availableBytes(c.device()));
        }
        long memory = available.stream().mapToLong(Long::longValue).sum();
        int context = MemoryPlan.contextLength(config, asked.contextLength(), model.weightBytes(), options.getFirst(), memory);
        if (context > config.contextLength())
            streams.note("squall: a context of " + context + " was asked for, " + config.name() + " was made for "
                    + config.contextLength() + "; text beyond that is likely to be poor.");
        options.replaceAll(o -> o.withContext(context));
    }

    private Layout layout(DeviceOptions wanted) {
        List<Integer> layers = wanted.shares().isEmpty() ? byMemory(wanted.named()) : byShares(wanted.shares());
        Placement placement = Placement.ofLayers(layers);
        for (DeviceOptions.Override o : wanted.overrides(chosen))
            for (int block = 0; block < blockBytes.length; block++)
                if (2 * matched(o, block) > blockBytes[block]) placement = placement.with(block, o.device());
        // devices that got nothing are not opened
        Placement all = placement;
        List<Integer> used = IntStream.range(0, chosen.size()).filter(d -> all.devices().contains(d)).boxed().toList();
        Placement renumbered = new Placement(all.devices().stream().map(used::indexOf).toList());
        List<Layout.Share> shares = IntStream.range(0, used.size()).mapToObj(i -> share(renumbered, i, used.get(i))).toList();
        return new Layout(model.config(), renumbered, shares, wanted.cpu());
    }

    private Layout.Share share(Placement placement, int number, int device) {
        if (!placement.devices().stream().allMatch(d -> d == number)) {
            long bytes = IntStream.range(0, blockBytes.length).filter(b -> placement.has(number, b)).mapToLong(b -> blockBytes[b]).sum();
            return share(device, bytes, placement.layers(number, Placement::mixer));
        }
        return share(device, model.weightBytes(), placement.layers(number, Placement::mixer));
    }

    /** mixers: layers whose keys, values and states the device holds. */
    private Layout.Share share(int device, long bytes, int[] mixers) {
        ModelConfig part = model.config().withLayers(IntStream.of(mixers).mapToObj(model.config().layers()::get).toList());
        return new Layout.Share(chosen.get(device), options.get(device), MemoryPlan.of(part, bytes, options.get(device)), available.get(device));
    }

    /** Layers in proportion, rounded so that none is lost. */
    private List<Integer> byShares(List<Double> shares) {
        double sum = shares.stream().mapToDouble(Double::doubleValue).sum();
        List<Integer> layers = new ArrayList<>();
        double upTo = 0;
        int before = 0;
        for (double share : shares) {
            upTo += share;
            int end = (int) Math.round(upTo / sum * count());
            layers.add(end - before);
            before = end;
        }
        return layers;
    }

    /** As many layers as fit on each device, all that are left on the last. */
    private List<Integer> byMemory(int devices) {
        List<Integer> layers = new ArrayList<>();
        int from = 0;
        for (int d = 0; d < devices; d++) {
            int to = d == devices - 1 ? count() : from;
            while (to < count() && fits(d, from, to + 1)) to++;
            layers.add(to - from);
            from = to;
        }
        return layers;
    }

    private boolean fits(int device, int from, int to) {
        long bytes = from == 0 ? blockBytes[0] : 0;
        for (int l = from; l < to; l++) bytes += blockBytes[Placement.mixer(l)] + blockBytes[Placement.feedForward(l)];
        if (to == count()) bytes += blockBytes[head()];
        return share(device, bytes, IntStream.range(from, to).toArray()).plan().total() <= available.get(device);
    }

    /** Bytes of a block whose tensors the pattern finds. */
    private long matched(DeviceOptions.Override o, int block) {
        return model.named().entrySet().stream().filter(e -> block(e.getKey()) == block && o.pattern().matcher(e.getKey()).find())
                .map(Map.Entry::getValue).map(RawTensor::data).mapToLong(d -> d.byteSize()).sum();
    }

    private int block(String tensor) {
        if (tensor.startsWith("token_embd")) return 0;
        if (!tensor.startsWith("blk.")) return head();
        int layer = Integer.parseInt(tensor.substring(4, tensor.indexOf('.', 4)));
        return tensor.contains(".ffn_") ? Placement.feedForward(layer) : Placement.mixer(layer);
    }

    private int count() {
        return model.config().layers().size();
    }

    private int head() {
        return blockBytes.length - 1;
    }
}
