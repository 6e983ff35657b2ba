package squall.cpu;

import squall.engine.EngineOptions;
import squall.engine.Executor;
import squall.engine.ShippedModelContract;
import squall.model.Model;

/** The shipped model on the CPU player. */
class ShippedModelTest extends ShippedModelContract {

    @Override protected Executor open(Model model, EngineOptions options) {
        return new CpuExecutor(model, options);
    }
}
