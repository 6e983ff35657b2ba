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
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

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

    /** Operands and results of the library start at boundaries: matrices, the residual stream, and buffers behind one that ends anywhere. */
    @ParameterizedTest @CsvSource({"BF16, false, true", "F16, false, true", "F32, false, false", "BF16, true, false"})
    void whatTheLibraryReadsAndWritesStartsAtBoundaries(Format format, boolean precise, boolean atBoundary) {
        try (Golden golden = new Golden("qwen3_5")) {
            EngineOptions options = new EngineOptions(64, 1, 16, 1, KvFormat.F32, KvFormat.F32);
            Traits traits = new Traits(Traits.Shape.WARPS, 64, true, precise, true);
            DeviceModel device = new DeviceModel(model(golden.model().config(), format, format, 24), options, traits, DeviceModel.MOST_ELEMENTS);
            Bank first = device.groupArrays.getFirst().reader().matrices(List.of());
            assertEquals(atBoundary, isBoundary(first.at(), first.array().getElementSize()));
            TornadoOps ops = new TornadoOps(new Tape(null, null, new Frame(null, null, null, 0, null, null, 5, device.traits, null)), null, 5, null, 0, device.base());
            ops.placed(7);
            assertEquals(!precise, isBoundary(device.residual().at(), Float.BYTES) && isBoundary(ops.placed(7).at(), Float.BYTES));
        }
    }

    private static boolean isBoundary(int at, int size) {
        return (TornadoNativeArray.ARRAY_HEADER + (long) at * size) % Boundary.BYTES == 0;
    }
}
