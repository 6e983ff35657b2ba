package squall.cpu;

import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Tag;
import squall.engine.EngineOptions.KvFormat;
import squall.ops.Buf;
import squall.ops.OpsContract;
import squall.ops.Stage;
import squall.ops.StateSpec;
import squall.ops.StepPlan;

/** The CPU player does what the vocabulary says. */
@Tag("width")
class CpuOpsTest extends OpsContract {

    @Override protected Stage open(List<StateSpec> state, int slots) {
        return new CpuStage(state, slots);
    }

    static final class CpuStage implements Stage {
        private final ThreadTeam team = new ThreadTeam(2);
        private final CpuOps ops;

        CpuStage(List<StateSpec> state, int slots) {
            this(state, slots, UnaryOperator.identity());
        }

        /** way: which of the CPU's ways to play. */
        CpuStage(List<StateSpec> state, int slots, UnaryOperator<CpuOps> way) {
            ops = way.apply(new CpuOps(team, state, slots, KvFormat.F32, KvFormat.F32));
        }

        @Override public float[][] play(StepPlan plan, int[] widths, float[][] inputs, Score score) {
            ops.begin(plan);
            Buf[] in = new Buf[widths.length];
            for (int i = 0; i < widths.length; i++) {
                Activation a = ops.rows(widths[i]);
                System.arraycopy(inputs[i], 0, a.data, 0, inputs[i].length);
                in[i] = a;
            }
            Buf[] out = score.play(ops, in);
            float[][] result = new float[out.length][];
            for (int i = 0; i < out.length; i++) {
                Activation a = Activation.of(out[i]);
                result[i] = Arrays.copyOf(a.data, a.elements());
            }
            ops.endBlock();
            return result;
        }

        @Override public void clear(int slot) {
            ops.cache().cut(slot, 0);
            ops.states().clear(slot);
        }

        @Override public void close() {
            ops.close();
            team.close();
        }
    }
}
