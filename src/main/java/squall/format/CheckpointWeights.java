package squall.format;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import squall.model.ModelConfig;
import squall.model.WeightSource;
import squall.ops.Weight;
import squall.quant.Format;

/**
 * The weights of an open checkpoint. Matrices are slices of the mapped file wherever their bytes already lie right;
 * rows that must be gathered are copied in their storage format, small tensors are converted to F32.
 */
public final class CheckpointWeights implements WeightSource {
    private static final List<String> ZERO_CENTRED =
            List.of("attn_norm.weight", "ffn_norm.weight", "output_norm.weight", "attn_q_norm.weight", "attn_k_norm.weight");
    private static final int BLOCK = Weight.SCALE_BLOCK;

    private final TensorIndex tensors;
    private final ModelConfig config;
    private final String file;
    private final boolean plusOne;
    // Copies live as long as a weight refers to them, whatever becomes of this object.
    private final Arena memory = Arena.ofAuto();

    private CheckpointWeights(ModelFile file, ModelConfig config) {
        this.tensors = TensorIndex.of(file);
        this.config = config;
        this.file = file.path().toString();
        this.plusOne = !file.container().equals("GGUF") && !config.arch().equals("qwen3") && !config.arch().equals("qwen3moe");
    }

    /** @param file stays open as long as the weights are used */
    public static CheckpointWeights of(ModelFile file, ModelConfig config) {
        return new CheckpointWeights(file, config);
    }

    /** One sentence for each tensor of the file that is not used. */
    public List<String> warnings() {
        return tensors.warnings();
    }

    @Override public boolean has(String name) {
        return tensors.has(name);
    }

    @Override public Weight matrix(String name, int rows, int cols) {
        if (tensors.has(name)) {
            RawTensor t = checked(name, rows, cols);
            return new Weight(name, t.format(), rows, cols, List.of(t.data()), scales(name, t, rows, cols));
        }
        String block = name.substring(0, name.length() - tail(name).length());
        return switch (tail(name)) {
            case "attn_qkv.weight" -> gathered(name, block + "ssm_in.weight", Fixups.qkvz(config.delta()).qkv(), rows, cols);
            case "attn_gate.weight" -> gathered(name, block + "ssm_in.weight", Fixups.qkvz(config.delta()).z(), rows, cols);
            case "ssm_beta.weight" -> gathered(name, block + "ssm_ba.weight", Fixups.betaAlpha(config.delta()).beta(), rows, cols);
            case "ssm_alpha.weight" -> gathered(name, block + "ssm_ba.weight", Fixups.betaAlpha(config.delta()).alpha(), rows, cols);
            default -> throw tensors.missing(name, file);
        };
    }

    @Override public Weight experts(String name, int experts, int rows, int cols) {
        if (tensors.has(name)) return stacked(name, name, experts, rows, 0, rows, cols);
        String fused = name.replaceFirst("ffn_(gate|up)_exps", "ffn_gate_up_exps");
        if (tensors.has(fused))
            return stacked(name, fused, experts, 2 * rows, name.contains("ffn_gate_exps") ? 0 : rows, rows, cols);
        String pattern = name.replace("_exps.weight", ".%d.weight");
        if (!tensors.has(pattern.formatted(0))) throw tensors.missing(name, file);
        List<MemorySegment> data = new ArrayList<>();
        List<float[]> grids = new ArrayList<>();
        Format format = null;
        for (int e = 0; e < experts; e++) {
            String one = pattern.formatted(e);
            RawTensor t = checked(one, rows, cols);
            if (format != null && format != t.format())
                throw ModelFileException.mismatch(t.file(), "format of tensor " + t.name(), format + ", as the experts before it", t.format());
            format = t.format();
            data.add(t.data());
            grids.addAll(scales(one, t, rows, cols));
        }
        if (tensors.has(pattern.formatted(experts)))
            throw ModelFileException.mismatch(file, "tensor " + pattern.formatted(experts), experts + " experts as configured", "more");
        return new Weight(name, format, rows, cols, data, grids);
    }

    @Override public Weight small(String name, int rows, int cols) {
        boolean log = name.endsWith("ssm_a") && !tensors.has(name) && tensors.has(name + "_log");
        String stored = log ? name + "_log" : name;
        RawTensor t = checked(stored, rows, cols);
        float[] values = floats(stored, t, rows, cols);
        if (log) values = Fixups.decay(values);
        if (plusOne && ZERO_CENTRED.contains(tail(name))) values = Fixups.plusOne(values);
        return new Weight(name, Format.F32, rows, cols, f32(values));
    }

    /** Rows {@code first} to {@code first + rows} of each expert of a stack [experts, stride, cols]. */
    private Weight stacked(String name, String stored, int experts, int stride, int first, int rows, int cols) {
        RawTensor t = checked(stored, experts, stride, cols);
        long rowBytes = t.format().rowBytes(cols);
        List<MemorySegment> data = new ArrayList<>();
        for (int e = 0; e < experts; e++) data.add(t.data().asSlice(((long) e * stride + first) * rowBytes, rows * rowBytes));
        List<float[]> grids = new ArrayList<>();
        if (t.format() == Format.F8_E4M3) {
            if (stride != rows && rows % BLOCK != 0)
                throw ModelFileException.mismatch(t.file(), "rows of gate and up in tensor " + t.name(),
                        "a multiple of " + BLOCK + ", so that they share no block scale", rows);
            int across = blocks(cols);
            float[] all = decoded(scaleTensor(stored, experts, blocks(stride), across));
            for (int e = 0; e < experts; e++) {
                int from = (e * blocks(stride) + first / BLOCK) * across;
                grids.add(Arrays.copyOfRange(all, from, from + blocks(rows) * across));
            }
        }
        return new Weight(name, t.format(), rows, cols, data, grids);
    }

    /** A matrix made of rows of another. */
    private Weight gathered(String name, String stored, List<Fixups.Rows> runs, int rows, int cols) {
        if (!tensors.has(stored)) throw tensors.missing(name, file);
        int total = stored.endsWith("ssm_in.weight")
                ? config.delta().channels() + config.delta().valueHeads() * config.delta().dv() : 2 * config.delta().valueHeads();
        RawTensor t = checked(stored, total, cols);
        if (Fixups.count(runs) != rows)
            throw ModelFileException.mismatch(t.file(), "rows of " + name + " in tensor " + t.name(), rows, Fixups.count(runs));
        List<float[]> grid = scales(stored, t, total, cols);
        if (grid.isEmpty()) {
            MemorySegment bytes = Fixups.gather(t.data(), t.format().rowBytes(cols), runs, memory);
            return new Weight(name, t.format(), rows, cols, List.of(bytes), List.of());
        }
        float[] gatheredGrid = Fixups.gatherScales(grid.getFirst(), blocks(cols), runs);
        if (gatheredGrid != null) {
            MemorySegment bytes = Fixups.gather(t.data(), t.format().rowBytes(cols), runs, memory);
            return new Weight(name, t.format(), rows, cols, List.of(bytes), List.of(gatheredGrid));
        }
        // rows under different scales would share a block: this one matrix becomes F32, exactly
        MemorySegment whole = f32(floats(stored, t, total, cols));
        return new Weight(name, Format.F32, rows, cols, List.of(Fixups.gather(whole, 4L * cols, runs, memory)), List.of());
    }

    /** The block scales of an FP8 matrix: one grid, or none for other formats. */
    private List<float[]> scales(String stored, RawTensor t, int rows, int cols) {
        if (t.format() != Format.F8_E4M3) return List.of();
        return List.of(decoded(scaleTensor(stored, blocks(rows), blocks(cols))));
    }

    private RawTensor scaleTensor(String stored, int... shape) {
        return checked(stored + Names.SCALE, shape);
    }

    /** All values of a matrix, block scales applied. */
    private float[] floats(String stored, RawTensor t, int rows, int cols) {
        float[] values = decoded(t);
        for (float[] grid : scales(stored, t, rows, cols))
            for (int r = 0; r < rows; r++)
                for (int c = 0; c < cols; c++) values[r * cols + c] *= grid[r / BLOCK * blocks(cols) + c / BLOCK];
        return values;
    }

    private static float[] decoded(RawTensor t) {
        long n = t.elements();
        if (n > Integer.MAX_VALUE - 8)
            throw ModelFileException.mismatch(t.file(), "tensor " + t.name(), "fewer than 2^31 elements to convert", n);
        float[] values = new float[(int) n];
        t.format().codec.decode(t.data(), 0, values, 0, (int) n);
        return values;
    }

    private MemorySegment f32(float[] values) {
        MemorySegment s = memory.allocate(4L * values.length, 64);
        MemorySegment.copy(values, 0, s, ValueLayout.JAVA_FLOAT, 0, values.length);
        return s;
    }

    /** The tensor, if it has this shape; dimensions of 1 do not count. */
    private RawTensor checked(String name, int... shape) {
        RawTensor t = tensors.get(name, file);
        if (!Arrays.equals(squeezed(t.shape()), squeezed(Arrays.stream(shape).asLongStream().toArray())))
            throw ModelFileException.mismatch(t.file(), "shape of tensor " + t.name(), Arrays.toString(shape), Arrays.toString(t.shape()));
        if (shape[shape.length - 1] % t.format().codec.blockSize() != 0)
            throw ModelFileException.mismatch(t.file(), "rows of tensor " + t.name(), "whole " + t.format() + " blocks of "
                    + t.format().codec.blockSize(), shape[shape.length - 1] + " elements");
        return t;
    }

    /** A name without its {@code blk.N.}. */
    private static String tail(String name) {
        return name.startsWith("blk.") ? name.substring(name.indexOf('.', 4) + 1) : name;
    }

    private static long[] squeezed(long[] shape) {
        return Arrays.stream(shape).filter(d -> d != 1).toArray();
    }

    private static int blocks(int n) {
        return (n + BLOCK - 1) / BLOCK;
    }
}
