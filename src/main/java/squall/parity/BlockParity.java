package squall.parity;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import squall.engine.EngineOptions;
import squall.engine.EngineOptions.KvFormat;
import squall.engine.Executor;
import squall.layer.Block;
import squall.layer.Embedding;
import squall.layer.LmHead;
import squall.model.Model;
import squall.model.ModelConfig;
import squall.ops.Buf;
import squall.ops.Weight;

/** Every kind of block of a model, by itself, on random hidden states. */
final class BlockParity {
    /** Random hidden states: the tokens of a vocabulary of their own. */
    private static final int STATES = 512;
    static final EngineOptions OPTIONS = new EngineOptions(Journey.CONTEXT, Journey.SLOTS, Journey.BATCH, 0, KvFormat.F32, KvFormat.F32);

    private static final Block NOTHING = (ops, x) -> {};

    private BlockParity() {}

    /** The first block of each kind, by what it is called. */
    static Map<Signature, Block> kinds(Model model) {
        Map<Signature, Block> kinds = new LinkedHashMap<>();
        for (int i = 0; i < 2 * model.layers().size(); i++) {
            Block block = model.block(i);
            Signature s = Signature.of(block.getClass().getSimpleName(), block, model.config().dim());
            if (kinds.keySet().stream().noneMatch(s::isLike)) kinds.put(s, block);
        }
        return kinds;
    }

    static List<Finding> check(Model model, Player expected, Player actual, double tolerance) {
        List<Finding> all = new ArrayList<>();
        kinds(model).forEach((signature, block) -> {
            Model alone = alone(model.config(), List.of(block));
            try (Executor a = expected.open(alone, OPTIONS); Executor b = actual.open(alone, OPTIONS)) {
                Deviation[] d = Journey.compare(alone, a, b)[0];
                all.add(Finding.of("block", signature.label() + ": a row a sequence", d[0], tolerance));
                all.add(Finding.of("block", signature.label() + ": 3 to 152 rows", d[1], tolerance));
            }
        });
        return all;
    }

    /** A model of a layer for each block and a last one of little interest, whose tokens are random hidden states. */
    static Model alone(ModelConfig config, List<Block> blocks) {
        return alone(config, config.dim(), config.dim(), blocks);
    }

    /** filled: columns of the hidden states that are not zero. */
    static Model alone(ModelConfig c, int dim, int filled, List<Block> blocks) {
        Noise noise = new Noise();
        Weight states = noise.steps("states", STATES, dim, filled);
        List<Model.Layer> layers = new ArrayList<>();
        for (Block b : blocks) layers.add(new Model.Layer(b, NOTHING));
        LmHead head = new LmHead(noise.norm(dim, c.eps()), states);
        layers.add(new Model.Layer((ops, x) -> {
            Buf n = ops.rows(dim);
            ops.rmsNorm(n, x, head.norm());
            ops.add(x, n);
        }, NOTHING));
        ModelConfig config = new ModelConfig(c.arch(), c.name(), dim, STATES, c.contextLength(), c.eps(), c.layers(), c.attention(),
                c.delta(), c.convTaps(), c.ffn(), c.moe(), 0);
        return new Model(config, new Embedding(states), layers, head);
    }
}
