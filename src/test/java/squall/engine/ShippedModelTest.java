package squall.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.ServiceLoader;
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
class ShippedModelTest {
    private static final Path HOME = Path.of("..", "models", "squall-tiny");
    private static final int MOST_NEW = 96;

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

    private static Engine engine(int slots, int batch) {
        EngineOptions options = new EngineOptions(4096, slots, batch, 2, KvFormat.F32, KvFormat.F32);
        for (ExecutorProvider p : ServiceLoader.load(ExecutorProvider.class))
            if (p.name().equals("cpu")) return new Engine(p.open(model, "cpu", options), options, model.config().vocab(), Engine.Reuse.ON);
        throw new AssertionError("no CPU player");
    }

    private static Sequence submit(Engine engine, int[] prompt, int stable) {
        int vocab = model.config().vocab();
        int[] masked = Sampler.masked(vocab, id -> id < tokenizer.size() && tokenizer.isUsable(id));
        Tokenizer.Stream text = tokenizer.stream();
        return engine.submit(new Request(prompt, stable, new Sampler(Sampling.GREEDY, 0, vocab, masked), MOST_NEW,
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
    private static int[] expected(JsonNode prompt) {
        JsonNode answer = prompt.get("q8_0");
        int[] ids = ints(answer.get("ids"));
        return answer.get("stopped").booleanValue() ? Arrays.copyOf(ids, ids.length - 1) : ids;
    }

    @Test void answersAreThoseOfTheCard() {
        assertEquals(60, prompts.size());
        List<Sequence> all = new ArrayList<>();
        try (Engine engine = engine(6, 64)) {
            for (JsonNode p : prompts) all.add(submit(engine, ints(p.get("ids")), 0));
            for (Sequence s : all) engine.run(s);
        }
        for (int i = 0; i < all.size(); i++) {
            JsonNode p = prompts.get(i);
            assertArrayEquals(expected(p), all.get(i).answer(), p.get("text").stringValue());
            assertEquals(p.get("q8_0").get("stopped").booleanValue() ? Sequence.End.STOP : Sequence.End.LENGTH, all.get(i).end());
        }
    }

    @Test void answersStayTheSameFromACheckpoint() {
        try (Engine engine = engine(1, 32)) {
            for (int i = 0; i < 4; i++) {
                JsonNode p = prompts.get(i * 7);
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
