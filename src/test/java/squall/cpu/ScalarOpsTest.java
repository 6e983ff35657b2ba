package squall.cpu;

import java.util.List;
import squall.ops.OpsContract;
import squall.ops.Stage;
import squall.ops.StateSpec;

/** The way in which a process plays its first steps does what the vocabulary says, too. */
class ScalarOpsTest extends OpsContract {

    @Override protected Stage open(List<StateSpec> state, int slots) {
        return new CpuOpsTest.CpuStage(state, slots, ScalarOps::new);
    }
}
