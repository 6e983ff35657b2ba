package squall.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import squall.engine.EngineOptions.KvFormat;
import squall.format.CheckpointWeights;
import squall.format.ModelFile;
import squall.format.ModelFiles;
import squall.model.ConfigReader;
import squall.model.Model;
import squall.model.Qwen;
import squall.sample.Sampler;
import squall.sample.Sampling;
import squall.text.Tokenizer;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The shipped model's greedy answers are those of its card, whatever shares the steps and wherever a prompt is cut. */
public abstract class ShippedModelContract {
    private static final Path HOME = Path.of("..", "models", "squall-tiny");
    /** Tokens of the card's answers. */
    private static final int MOST_NEW = 96;

    /** Puts the model on the player. */
    protected abstract Executor open(Model model, EngineOptions options);

    /** Tokens that are compared of each answer. */
    protected int mostNew() {
        return MOST_NEW;
    }

    /** Every so-manieth prompt is asked. */
    protected int stride() {
        return 1;
    }

    private static ModelFile file;
    private static Model model;
    private static Tokenizer tokenizer;
    private static JsonNode prompts;

    @BeforeAll static void open() {
        file = ModelFiles.open(HOME.resolve("squall-tiny-Q8_0.gguf"));
        model = Qwen.build(ConfigReader.read(file), CheckpointWeights.of(file, ConfigReader.read(file)));
        tokenizer = Tokenizer.read(file);
        prompts = JsonMapper.shared().readTree(HOME.resolve("expected.json").toFile()).get("prompts");
    }

    @AfterAll static void close() {
        file.close();
    }

    private Engine engine(int slots, int batch) {
        EngineOptions options = new EngineOptions(4096, slots, batch, 2, KvFormat.F32, KvFormat.F32);
        return new Engine(open(model, options), options, model.config().vocab(), Engine.Reuse.ON);
    }

    private Sequence submit(Engine engine, int[] prompt, int stable) {
        int vocab = model.config().vocab();
        int[] masked = Sampler.masked(vocab, id -> id < tokenizer.size() && tokenizer.isUsable(id));
        Tokenizer.Stream text = tokenizer.stream();
        return engine.submit(new Request(prompt, stable, new Sampler(Sampling.GREEDY, 0, vocab, masked), mostNew(),
                tokenizer.stopIds(), List.of(), new Request.TextStream() {
                    @Override public String add(int id) {
                        return text.next(id);
                    }

                    @Override public String end() {
                        return text.flush();
                    }
                }, (_, _) -> {}));
    }

    private static int[] ints(JsonNode array) {
        return IntStream.range(0, array.size()).map(i -> array.get(i).intValue()).toArray();
    }

    /** The card's answer without its stop token. */
    private int[] expected(JsonNode prompt) {
        JsonNode answer = prompt.get("q8_0");
        int[] ids = ints(answer.get("ids"));
        int n = answer.get("stopped").booleanValue() ? ids.length - 1 : ids.length;
        return Arrays.copyOf(ids, Math.min(n, mostNew()));
    }

    private Sequence.End expectedEnd(JsonNode prompt) {
        JsonNode answer = prompt.get("q8_0");
        boolean within = answer.get("stopped").booleanValue() && answer.get("ids").size() <= mostNew();
        return within ? Sequence.End.STOP : Sequence.End.LENGTH;
    }

    @Test void answersAreThoseOfTheCard() {
        assertEquals(60, prompts.size());
        List<Sequence> all = new ArrayList<>();
        try (Engine engine = engine(6, 64)) {
            for (int i = 0; i < prompts.size(); i += stride()) all.add(submit(engine, ints(prompts.get(i).get("ids")), 0));
            for (Sequence s : all) engine.run(s);
        }
        for (int i = 0; i < all.size(); i++) {
            JsonNode p = prompts.get(i * stride());
            assertArrayEquals(expected(p), all.get(i).answer(), p.get("text").stringValue());
            assertEquals(expectedEnd(p), all.get(i).end());
        }
    }

    @Test void answersStayTheSameFromACheckpoint() {
        try (Engine engine = engine(1, 32)) {
            for (int i = 0; i < 28; i += 7 * stride()) {
                JsonNode p = prompts.get(i);
                int[] ids = ints(p.get("ids"));
                int stable = ids.length - 6;
                engine.run(submit(engine, ids, stable));
                Sequence again = submit(engine, ids, stable);
                engine.run(again);
                assertEquals(stable, again.timings().cachedTokens());
                assertArrayEquals(expected(p), again.answer(), p.get("text").stringValue());
            }
        }
    }
}
