package squall.cpu;

import squall.engine.EngineOptions;
import squall.engine.Executor;
import squall.engine.GoldenContract;
import squall.model.Model;

/** The CPU player against the reference implementation. */
class GoldenTest extends GoldenContract {

    @Override protected Executor open(Model model, EngineOptions options) {
        return new CpuExecutor(model, options);
    }

    /** Twice the reference's own distance between float32 and float64. */
    @Override protected double tolerance() {
        return 2e-5;
    }
}
