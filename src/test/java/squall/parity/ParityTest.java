package squall.parity;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import squall.engine.EngineOptions;
import squall.engine.EngineOptions.KvFormat;
import squall.engine.Executor;
import squall.engine.ExecutorProvider;
import squall.engine.Golden;
import squall.layer.Block;
import squall.model.Model;
import squall.ops.Buf;
import squall.ops.Norm;

class ParityTest {
    private static final EngineOptions OPTIONS = new EngineOptions(64, 1, 32, 1, KvFormat.F32, KvFormat.F32);

    private final ExecutorProvider cpu = ServiceLoader.load(ExecutorProvider.class).stream().map(ServiceLoader.Provider::get)
            .filter(p -> p.name().equals("cpu")).findFirst().orElseThrow();

    private Executor open(Model model, EngineOptions options) {
        return cpu.open(model, "cpu", options);
    }

    @ParameterizedTest @ValueSource(strings = {"qwen3_5", "qwen3_5_moe", "qwen3_moe"})
    void aPlayerIsLikeItself(String name) {
        try (Golden golden = new Golden(name)) {
            ParityTable table = ParityTable.of(golden.model(), this::open, this::open, true, _ -> {});
            assertTrue(table.passed(), table.text());
            assertTrue(table.findings().stream().filter(f -> !f.group().equals("model")).allMatch(f -> f.max() == 0), table.text());
            for (String part : List.of("operation", "block", "model"))
                assertTrue(table.findings().stream().anyMatch(f -> f.group().equals(part)), part);
        }
    }

    /** The model with a norm in layer {@code wrong} whose epsilon is off: a small error, as of a kernel gone wrong. */
    private static Model bent(Model model, int wrong) {
        List<Model.Layer> layers = new ArrayList<>(model.layers());
        Model.Layer layer = layers.get(wrong);
        Block bent = (ops, x) -> {
            layer.feedForward().forward(ops, x);
            Buf n = ops.rows(x.width());
            ops.rmsNorm(n, x, new Norm(model.head().norm().weight(), 1e4f));
            ops.add(x, n);
        };
        layers.set(wrong, new Model.Layer(layer.mixer(), bent));
        return new Model(model.config(), model.embedding(), layers, model.head());
    }

    @Test void aLayerThatIsOffIsFound() {
        try (Golden golden = new Golden("qwen3_5")) {
            ParityTable table = ParityTable.of(golden.model(), this::open, (m, o) -> open(m == golden.model() ? bent(m, 2) : m, o), true, _ -> {});
            assertFalse(table.passed());
            List<String> wrong = table.findings().stream().filter(f -> !f.passed()).map(Finding::what).toList();
            assertTrue(wrong.getFirst().startsWith("residual stream after layer 2"), wrong.toString());
            assertTrue(table.text().contains("WRONG"));
        }
    }

    @Test void theProbeEndsARunThatIsOff() {
        try (Golden golden = new Golden("qwen3_5")) {
            Model model = golden.model();
            try (Executor good = open(model, OPTIONS); Executor bad = open(bent(model, 0), OPTIONS)) {
                assertDoesNotThrow(() -> ParityProbe.check(model, good, cpu, OPTIONS, "here"));
                String why = assertThrows(IllegalStateException.class, () -> ParityProbe.check(model, bad, cpu, OPTIONS, "here")).getMessage();
                assertTrue(why.startsWith("here computes something else") && why.contains("layer 0 (GatedDeltaNet") && why.contains("--device cpu"), why);
            }
        }
    }

    @Test void numbersThatAreNoneAreFarOff() {
        Deviation d = new Deviation();
        d.add(new float[] {1, 2}, new float[] {Float.NaN, 2}, 2);
        assertEquals(Double.POSITIVE_INFINITY, d.max());
        assertEquals(Double.POSITIVE_INFINITY, d.rms());
    }

    @Test void errorsAreRelativeToTheLargest() {
        Deviation d = new Deviation();
        d.add(new float[] {-4, 0}, new float[] {-4, 2}, 2);
        assertEquals(0.5, d.max());
        assertEquals(Math.sqrt(2) / 4, d.rms(), 1e-15);
    }
}
