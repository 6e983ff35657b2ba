package squall.cpu;

import java.util.List;
import squall.ops.OpsContract;
import squall.ops.Stage;
import squall.ops.StateSpec;

/** The way in which a process plays its first step with a large model does what the vocabulary says, too. */
class FirstStepOpsTest extends OpsContract {

    @Override protected Stage open(List<StateSpec> state, int slots) {
        return new CpuOpsTest.CpuStage(state, slots, FirstStepOps::new);
    }
}
