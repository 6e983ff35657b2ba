package squall.tornado;

import squall.engine.EngineOptions;
import squall.engine.Executor;
import squall.engine.ShippedModelContract;
import squall.model.Model;

/** The shipped model on the device, tokens drawn there; a few tokens where every access is counted. */
class TornadoShippedModelTest extends ShippedModelContract {

    @Override protected Executor open(Model model, EngineOptions options) {
        return new TornadoExecutor(model, null, options, TestDevice.traits(Traits.Shape.GROUPS));
    }

    @Override protected int mostNew() {
        return TestDevice.isReal() ? super.mostNew() : 2;
    }

    @Override protected int stride() {
        return TestDevice.isReal() ? super.stride() : 30;
    }
}
