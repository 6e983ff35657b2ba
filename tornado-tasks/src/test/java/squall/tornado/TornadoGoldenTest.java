package squall.tornado;

import squall.engine.EngineOptions;
import squall.engine.Executor;
import squall.engine.GoldenContract;
import squall.model.Model;

/** Whole models on the device against the reference implementation. */
class TornadoGoldenTest extends GoldenContract {

    @Override protected Executor open(Model model, EngineOptions options) {
        return new TornadoExecutor(model, null, options, new Traits(Traits.Shape.GROUPS, 64, false));
    }

    /** Five times that of the CPU player: devices round exponentials and reciprocal roots less carefully. */
    @Override protected double tolerance() {
        return 1e-4;
    }
}
