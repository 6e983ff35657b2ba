package squall.tornado;

import squall.engine.EngineOptions;
import squall.engine.Executor;
import squall.engine.GoldenContract;
import squall.model.Model;

/** Whole models on the device against the reference implementation. */
class TornadoGoldenTest extends GoldenContract {

    @Override protected Executor open(Model model, EngineOptions options) {
        return new TornadoExecutor(model, null, options, TestDevice.traits(Traits.Shape.GROUPS));
    }

    /** Every piece from 1 to 65 has a boundary within so many. */
    @Override protected int tokens(int all) {
        return TestDevice.isReal() ? all : 70;
    }

    /** Five times that of the CPU player: devices round exponentials and reciprocal roots less carefully. */
    @Override protected double tolerance() {
        return 1e-4;
    }
}
