package squall.tornado;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.IntStream;
import squall.engine.EngineOptions;
import squall.engine.Executor;
import squall.engine.Journey;
import squall.layer.Block;
import squall.model.Model;
import squall.ops.StateSpec;
import squall.quant.Format;
import squall.tornado.kernels.Draw;
import squall.tornado.kernels.Halves;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/**
 * A model as arrays of a device: its layers in groups of one kind, their weights in banks, room for their states, and the
 * arena for activations. The residual stream is the first of them.
 */
final class DeviceModel {
    /** Most rows of a recording for decoding. */
    private static final int FEW = 8;
    /** Those of the recordings for decoding on a device whose kernels for one row and for many sequences are others. */
    private static final List<Integer> WARP_ROWS = List.of(1, FEW, 16, 64);
    private static final int EIGHT = 8;
    /** Elements that an array may have: an int counts them, less TornadoVM's header and what is in front of a boundary. */
    static final long MOST_ELEMENTS = Integer.MAX_VALUE - 2 * Boundary.BYTES;

    final Model model;
    final Traits traits;
    /** Each recording, most rows ascending; the last is for prompts. */
    final List<Rows> rows;
    /** Most rows of logits of each recording of the head, ascending. */
    final List<Integer> headRows;
    final int manyRows;
    final int slots;
    /** Rows of logits that the arena has room for. */
    final int maxOutputs;
    final PageTable table;
    final DeviceState state;
    final DeviceWeights weights;
    final List<LayerGroup> groups;
    /** Layers of which something is played here: all, or those of this part of a model. */
    final List<Integer> played;
    /** Where each of them is. */
    final List<LayerGroup.Place> places = new ArrayList<>();
    /** Null where another device has it, and so is the head. */
    final GroupArrays embedding;
    final GroupArrays head;
    final List<GroupArrays> groupArrays;
    final FloatArray arena;
    final FloatArray halves;
    final LibraryScratch scratch = new LibraryScratch();
    /** Where the arena's first buffer is. */
    private final int first;
    private int highWater;

    /**
     * What a recording is for.
     *
     * @param most  rows
     * @param alone whether each is alone in its segment
     */
    record Rows(int most, boolean alone) {}

    /** @param largest elements that one array may have on the device */
    DeviceModel(Model model, EngineOptions options, Traits traits, long largest) {
        this(model, options, traits, largest, Journey.UNSEEN);
    }

    /** told: how far the weights are laid out */
    DeviceModel(Model model, EngineOptions options, Traits traits, long largest, Journey told) {
        this.model = model;
        this.first = traits.multipliesInLibrary() ? Boundary.first(Float.BYTES) : 0;
        this.traits = traits.multipliesInLibrary() && inBrains(traits) ? traits.withBrains() : traits;
        this.weights = new DeviceWeights(traits, told);
        this.slots = options.slots();
        this.manyRows = options.batch();
        this.maxOutputs = Math.min(manyRows, Math.max(FEW, slots));
        this.rows = upTo(manyRows, isWhole() ? WARP_ROWS : List.of(FEW)).stream().flatMap(this::recordings).toList();
        this.headRows = upTo(maxOutputs, isWhole() ? WARP_ROWS : List.of());
        this.table = new PageTable(slots, options.contextLength());

        this.highWater = base();
        this.played = IntStream.range(0, model.layers().size()).filter(l -> !isElsewhere(model.layers().get(l))).boxed().toList();
        List<Reading> layers = played.stream().map(l -> read(model.layers().get(l))).toList();
        Reading embeddingRead = model.embedding() == null ? null
                : note(Reading.of(traits, manyRows, false, maxOutputs, 0, ops -> model.embedding().forward(ops)));
        Reading headRead = model.head() == null ? null : headRows.stream().map(this::readHead).toList().getLast();
        LayerGroup.Capacity capacity = new LayerGroup.Capacity(slots * (1 + Executor.KEPT_STATES), table.pages());
        this.groups = LayerGroup.of(layers, capacity, Math.min(largest, MOST_ELEMENTS), places);

        boolean routes = layers.stream().anyMatch(r -> r.survey().routes());
        this.state = new DeviceState(options.contextLength(), capacity, table, options.keyFormat(), routes ? manyRows * (model.config().moe().used() + 1) : 0);
        weights.expect(Stream.concat(layers.stream(), Stream.of(embeddingRead, headRead).filter(Objects::nonNull)).map(Reading::survey).toList());
        this.embedding = embeddingRead == null ? null : single(embeddingRead);
        this.head = headRead == null ? null : single(headRead);
        this.groupArrays = groups.stream().map(g -> new GroupArrays(g, weights, state)).toList();
        layers.forEach(r -> r.survey().ropes().forEach(rope -> weights.angles(rope, options.contextLength())));
        this.halves = Halves.table();
        this.arena = HostMemory.floats(highWater);
        scratch.allocate(slots);
    }

    /** Whether every matrix of its products is in BF16 and has rows that cuBLAS reads as they are, 16 bytes at a time. */
    private boolean inBrains(Traits device) {
        Stream<Consumer<TornadoOps>> parts = Stream.concat(model.layers().stream().filter(l -> !isElsewhere(l)).map(l -> ops -> play(l, ops)),
                Stream.ofNullable(model.head()).map(h -> ops -> h.forward(ops, residual())));
        return parts.flatMap(p -> Reading.of(device, 1, true, 1, 0, p).survey().sites().stream()).filter(Site.Matrices.class::isInstance).map(Site.Matrices.class::cast)
                .allMatch(m -> m.format() == Format.BF16 && m.experts() == 1 && m.cols() % EIGHT == 0);
    }

    /** Rows of the recordings that are smaller than the largest, and it. */
    private static List<Integer> upTo(int most, List<Integer> smaller) {
        return Stream.concat(smaller.stream().filter(r -> r < most), Stream.of(most)).toList();
    }

    /** Those for so many rows. Gated DeltaNet has a task of its own for rows that are alone, of which there are as many as sequences. */
    private Stream<Rows> recordings(int most) {
        int fewer = WARP_ROWS.stream().filter(r -> r < most).reduce(0, Math::max);
        boolean alone = isWhole() && fewer > 0 && most < manyRows && slots > fewer
                && model.layers().stream().flatMap(l -> l.mixer().state().stream()).anyMatch(StateSpec.Recurrent.class::isInstance);
        Rows any = new Rows(most, most == 1);
        return alone ? Stream.of(new Rows(most, true), any) : Stream.of(any);
    }

    /** Whether a step of decoding is recorded as a whole as well, every layer by itself. */
    boolean isWhole() {
        return traits.shape() == Traits.Shape.WARPS && !isPart();
    }

    private static boolean isElsewhere(Model.Layer layer) {
        return layer.mixer() == Block.ELSEWHERE && layer.feedForward() == Block.ELSEWHERE;
    }

    /** Whether other devices play the rest. */
    boolean isPart() {
        return model.embedding() == null || model.head() == null || model.layers().stream()
                .anyMatch(l -> l.mixer() == Block.ELSEWHERE || l.feedForward() == Block.ELSEWHERE);
    }

    /** Element of the arena where the buffers of a block start. */
    int base() {
        return Math.addExact(first, Math.multiplyExact(manyRows, model.config().dim()));
    }

    /** The residual stream, [rows, dim]. */
    Region residual() {
        int dim = model.config().dim();
        return new Region(dim, first, dim);
    }

    void play(int layer, TornadoOps ops) {
        play(model.layers().get(layer), ops);
    }

    private void play(Model.Layer layer, TornadoOps ops) {
        layer.mixer().forward(ops, residual());
        ops.endBlock();
        layer.feedForward().forward(ops, residual());
        ops.endBlock();
    }

    /** Reads a layer for every number of rows: kernels for few may want more scratch a row. All use the same sites. */
    private Reading read(Model.Layer layer) {
        List<Reading> all = rows.stream().map(r -> note(Reading.of(traits, r.most(), r.alone(), maxOutputs, base(), ops -> play(layer, ops)))).toList();
        Reading many = all.getLast();
        for (Reading few : all)
            if (!few.survey().sites().equals(many.survey().sites()))
                throw new IllegalStateException("few rows use " + few.survey().sites() + ", many " + many.survey().sites());
        return many;
    }

    private Reading readHead(int outputs) {
        return note(Reading.of(traits, outputs, outputs == 1, outputs, base(), ops -> {
            model.head().forward(ops, residual());
            ops.placed(Draw.scratchWidth(model.config().vocab()));
        }));
    }

    private Reading note(Reading reading) {
        highWater = Math.max(highWater, reading.highWater());
        scratch.include(reading.scratch());
        return reading;
    }

    private GroupArrays single(Reading r) {
        return new GroupArrays(new LayerGroup(r.survey().sites(), r.tasks(), List.of(r.survey().parts())), weights, state);
    }

    /** A layer of each group, to record it. */
    int firstLayerOf(int group) {
        return played.get(places.indexOf(new LayerGroup.Place(group, 0)));
    }

    /** The blocks of a group's layers, GatedAttention + DenseMlp. */
    String type(int group) {
        Model.Layer layer = model.layers().get(firstLayerOf(group));
        return Stream.of(layer.mixer(), layer.feedForward()).filter(b -> b != Block.ELSEWHERE).map(b -> b.getClass().getSimpleName())
                .collect(Collectors.joining(" + "));
    }
}
