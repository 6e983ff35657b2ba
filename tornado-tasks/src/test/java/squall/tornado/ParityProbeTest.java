package squall.tornado;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import squall.engine.EngineOptions;
import squall.engine.EngineOptions.KvFormat;
import squall.engine.Executor;
import squall.engine.ExecutorProvider;
import squall.engine.Golden;
import squall.layer.Block;
import squall.model.Model;
import squall.parity.ParityProbe;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/** A kernel that computes something else, or does not run at all, ends the run. */
class ParityProbeTest {
    private static final EngineOptions OPTIONS = new EngineOptions(32, 1, 16, 1, KvFormat.F32, KvFormat.F32);
    private static final Traits TRAITS = new Traits(Traits.Shape.GROUPS, 64, false);

    /** Adds one to the first element of row 0, as a miscompiled kernel may. */
    static void kWrong(KernelContext context, FloatArray arena, int at) {
        if (context.globalIdx == 0) arena.set(at, arena.get(at) + 1f);
    }

    /** Reads beyond the arena. */
    static void kFailing(KernelContext context, FloatArray arena, int at) {
        arena.set(at, arena.get(at + arena.getSize()));
    }

    private interface Kernel {
        void addTo(Tape tape, int at);
    }

    /** Where the recorder takes the model down, a kernel of the test's own comes into its second layer. */
    private static Model with(Model model, Kernel kernel) {
        List<Model.Layer> layers = new ArrayList<>(model.layers());
        Model.Layer layer = layers.get(1);
        Block planted = (ops, x) -> {
            layer.feedForward().forward(ops, x);
            kernel.addTo(((TornadoOps) ops).tape(), ((Region) x).at());
        };
        layers.set(1, new Model.Layer(layer.mixer(), planted));
        return new Model(model.config(), model.embedding(), layers, model.head());
    }

    private static void probe(Model model, Model onDevice) {
        ExecutorProvider cpu = ServiceLoader.load(ExecutorProvider.class).stream().map(ServiceLoader.Provider::get)
                .filter(p -> p.name().equals("cpu")).findFirst().orElseThrow();
        try (Executor device = new TornadoExecutor(onDevice, null, OPTIONS, TRAITS)) {
            ParityProbe.check(model, device, cpu, OPTIONS, "device");
        }
    }

    @Test void aGoodDevicePasses() {
        try (Golden golden = new Golden("qwen3_5")) {
            assertDoesNotThrow(() -> probe(golden.model(), golden.model()));
        }
    }

    @Test void aWrongKernelIsSeen() {
        try (Golden golden = new Golden("qwen3_5")) {
            Model wrong = with(golden.model(), (tape, at) -> tape.add("wrong", Grid.fixed(1, 1), (g, id) ->
                    g.task(id, ParityProbeTest::kWrong, tape.frame().context(), tape.frame().arena(), at)));
            String why = assertThrows(IllegalStateException.class, () -> probe(golden.model(), wrong)).getMessage();
            assertTrue(why.contains("layer 1"), why);
        }
    }

    @Tag("checker")
    @Test void aFailingKernelIsSeen() {
        try (Golden golden = new Golden("qwen3_5")) {
            Model failing = with(golden.model(), (tape, at) -> tape.add("failing", Grid.fixed(1, 1), (g, id) ->
                    g.task(id, ParityProbeTest::kFailing, tape.frame().context(), tape.frame().arena(), at)));
            assertThrows(RuntimeException.class, () -> probe(golden.model(), failing));
        }
    }
}
