package squall.tornado;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import squall.engine.EngineOptions;
import squall.engine.EngineOptions.KvFormat;
import squall.engine.Golden;
import squall.layer.Block;
import squall.model.Model;
import squall.model.ModelConfig;
import squall.ops.Buf;
import squall.ops.Weight;
import squall.quant.Format;

/** What of a model decides how it is laid out on a device. */
class DeviceModelTest {
    private static Weight weight(Format format, int rows, int cols) {
        return new Weight("w", format, rows, cols, MemorySegment.ofArray(new byte[(int) (rows * format.rowBytes(cols))]));
    }

    private static Model model(ModelConfig config, Format up, Format down, int hidden) {
        Weight first = weight(up, hidden, config.dim()), second = weight(down, config.dim(), hidden);
        Block block = (ops, x) -> {
            Buf h = ops.rows(hidden);
            ops.matmul(h, x, first);
            ops.matmulAdd(x, h, second);
        };
        return new Model(config, null, List.of(new Model.Layer(block, Block.ELSEWHERE)), null);
    }

    /** All of its matrices are in BF16, rows are multiples of eight, and the device may round and has the library. */
    @ParameterizedTest @CsvSource({"BF16, BF16, 24, false, true, true", "BF16, F16, 24, false, true, false", "F32, BF16, 24, false, true, false",
            "BF16, BF16, 20, false, true, false", "BF16, BF16, 24, true, true, false", "BF16, BF16, 24, false, false, false"})
    void modelsInBf16AreMultipliedInTheirBanks(Format up, Format down, int hidden, boolean precise, boolean library, boolean inBanks) {
        try (Golden golden = new Golden("qwen3_5")) {
            EngineOptions options = new EngineOptions(64, 1, 16, 1, KvFormat.F32, KvFormat.F32);
            Traits traits = new Traits(Traits.Shape.WARPS, 64, true, precise, library);
            DeviceModel device = new DeviceModel(model(golden.model().config(), up, down, hidden), options, traits, DeviceModel.MOST_ELEMENTS);
            assertEquals(inBanks, device.traits.brains());
        }
    }
}
