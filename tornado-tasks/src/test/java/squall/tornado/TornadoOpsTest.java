package squall.tornado;

import java.util.List;
import org.junit.jupiter.api.Nested;
import squall.ops.OpsContract;
import squall.ops.Stage;
import squall.ops.StateSpec;

/** The recorder does what the vocabulary says, with each shape of kernels. */
class TornadoOpsTest {
    private abstract static class Shaped extends OpsContract {
        abstract Traits.Shape shape();

        @Override protected int[][] longJourney() {
            return TestDevice.isReal() ? super.longJourney() : new int[][] {{130, 0, 0}, {1, 5, 1}, {3, 1, 70}, {1, 1, 1}};
        }

        @Override protected Stage open(List<StateSpec> state, int slots) {
            return new TornadoStage(TestDevice.traits(shape()), slots, 708);
        }
    }

    @Nested
    class Rows extends Shaped {
        @Override Traits.Shape shape() {
            return Traits.Shape.ROWS;
        }
    }

    @Nested
    class Groups extends Shaped {
        @Override Traits.Shape shape() {
            return Traits.Shape.GROUPS;
        }
    }
}
