package squall.tornado;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import squall.ops.StepPlan;
import squall.quant.Format;
import squall.tornado.kernels.Halves;
import squall.tornado.kernels.LibraryProduct;
import squall.tornado.kernels.LibraryRows;
import squall.tornado.kernels.MatMul;
import squall.tornado.kernels.Normed;
import squall.tornado.kernels.Planes;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.exceptions.TornadoExecutionPlanException;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.LongArray;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/**
 * Times the products that are recorded for a CUDA device, on TornadoVM's default device:
 * {@code java @SDK/tornado-argfile … -cp … squall.tornado.ProductTimes [format,…|all [rows x cols,… [rows of x,…]]]}; "1n" rows are one that
 * the product norms, "1s" and "1ns" make SwiGLU of the sums. A product is
 * repeated over the layers of a bank that is larger than the caches, as tasks of one CUDA graph; what is printed comes from
 * the difference between graphs of many and of few tasks, so that what an execution costs besides is not in it.
 */
final class ProductTimes {
    private static final List<Format> FORMATS = List.of(Format.F32, Format.F16, Format.BF16, Format.Q8_0, Format.Q4_0, Format.Q4_K, Format.Q5_K, Format.Q6_K);
    private static final String SIZES = "1024x1024,4096x4096,12288x4096,4096x12288,151936x1024";
    private static final String ROWS = "1,4,16,64";
    private static final int FEW = 16;
    private static final int MANY = 48;
    /** Bytes of a bank: several times the caches. */
    private static final long BANK = 400_000_000;
    private static final int EXECUTIONS = 15;
    /** Nanoseconds after which the device's clocks are up. */
    private static final long WARM = 100_000_000;

    private final Bank bank;
    private final int layers;
    private final int rows;
    private final Small norm;
    private final boolean swiGlu;
    private final List<Object> arrays = new ArrayList<>();
    private final FloatArray arena;
    private final StepArray step;
    private final LibraryScratch scratch = new LibraryScratch();

    private ProductTimes(Format format, int outs, int cols, int rows, boolean normed, boolean swiGlu) {
        this.rows = rows;
        this.swiGlu = swiGlu;
        long bytes = outs * format.rowBytes(cols);
        layers = (int) Math.max(2, Math.min(16, BANK / bytes));
        bank = bank(format, outs, cols);
        norm = normed ? new Small(new FloatArray(layers * cols), cols, 0, cols) : null;
        if (normed) {
            norm.array().init(0.5f);
            arrays.add(norm.array());
        }
        arena = new FloatArray(64 * (outs + cols));
        for (int i = 0; i < arena.getSize(); i++) arena.set(i, (i * 37 % 101 - 50) / 50f);
        step = new StepArray(64, 64, 0);
        StepPlan.Builder plan = new StepPlan.Builder();
        for (int r = 0; r < rows; r++) plan.add(r, 0, new int[1], 0, 1, StepPlan.Want.LAST);
        step.fill(plan.build(), new int[0], 0);
        scratch.needPairs(64, 32 * cols);
        scratch.allocate(0);
    }

    private Bank bank(Format format, int outs, int cols) {
        if (Planes.fit(format, cols)) {
            int matrix = outs * Planes.rowLongs(format, cols);
            LongArray quanta = longs(layers * matrix, 0x1234567890ABCDEFL);
            HalfFloatArray scales = halves(layers * outs * Planes.rowScales(format, cols));
            arrays.addAll(List.of(quanta, scales));
            return new Bank(format, quanta, matrix, 0, outs, cols, 1, matrix, null, 0, new Planes(scales, 1));
        }
        int numbers = layers * outs * cols;
        TornadoNativeArray array = switch (format) {
            case F32 -> new FloatArray(numbers);
            case F16 -> halves(numbers);
            default -> longs(numbers / 4, 0x3D803D00BD803E00L);
        };
        if (array instanceof FloatArray floats) floats.init(0.01f);
        arrays.add(array);
        int matrix = array.getSize() / layers;
        return new Bank(format, array, matrix, 0, outs, cols, 1, matrix, null, 0);
    }

    private static LongArray longs(int size, long value) {
        LongArray array = new LongArray(size);
        array.init(value);
        return array;
    }

    private static HalfFloatArray halves(int size) {
        HalfFloatArray array = new HalfFloatArray(size);
        array.init(new HalfFloat(0.01f));
        return array;
    }

    /** Seconds of an execution of so many products, the median. */
    private double seconds(int tasks) throws TornadoExecutionPlanException {
        int maxRows = rows == 1 ? 1 : rows <= 8 ? 8 : rows <= 16 ? 16 : 64, cols = bank.cols();
        TaskGraph graph = new TaskGraph("products" + tasks);
        FloatArray halves = Halves.table();
        graph.transferToDevice(DataTransferMode.FIRST_EXECUTION, arena, step.ints, halves).transferToDevice(DataTransferMode.FIRST_EXECUTION, arrays.toArray())
                .transferToDevice(DataTransferMode.FIRST_EXECUTION, scratch.arrays().toArray());
        GridScheduler scheduler = new GridScheduler();
        KernelContext context = new KernelContext();
        Tape tape = new Tape(graph, scheduler, null);
        for (int t = 0; t < tasks; t++) {
            IntArray layer = new IntArray(1);
            layer.set(0, t % layers);
            graph.transferToDevice(DataTransferMode.FIRST_EXECUTION, layer);
            tape.turnTo(new Frame(context, arena, step.ints, step.rowsAt, layer, halves, maxRows,
                    new Traits(Traits.Shape.WARPS, 64, true, false, false), scratch));
            Region y = new Region(bank.rows(), 64 * cols, bank.rows()), x = new Region(cols, 0, cols);
            boolean tiles = LibraryProduct.serves(tape.frame(), cols);
            if (tiles && t == 0) LibraryRows.record(tape, x);
            if (tiles) LibraryProduct.record(tape, y, bank);
            else if (swiGlu) swiGlu(tape, x);
            else if (norm == null) MatMul.record(tape, y, x, bank);
            else MatMul.record(tape, y, normed(x), bank);
        }
        graph.transferToHost(DataTransferMode.UNDER_DEMAND, arena);
        tape.size(rows, rows);
        double[] times = new double[EXECUTIONS];
        try (TornadoExecutionPlan plan = new TornadoExecutionPlan(graph.snapshot())) {
            plan.withGridScheduler(scheduler).withCUDAGraph();
            plan.execute();
            for (long begin = System.nanoTime(); System.nanoTime() - begin < WARM; ) plan.execute();
            for (int i = 0; i < EXECUTIONS; i++) {
                long start = System.nanoTime();
                plan.execute();
                times[i] = (System.nanoTime() - start) / 1e9;
            }
        }
        Arrays.sort(times);
        return times[EXECUTIONS / 2];
    }

    private Normed normed(Region x) {
        return new Normed(x, norm, 1e-6f);
    }

    private void swiGlu(Tape tape, Region x) {
        Region h = new Region(bank.rows() / 2, 64 * bank.cols(), bank.rows() / 2);
        if (norm == null) MatMul.recordSwiGlu(tape, h, x, bank);
        else MatMul.recordSwiGlu(tape, h, normed(x), bank);
    }

    private String line() throws TornadoExecutionPlanException {
        double seconds = (seconds(MANY) - seconds(FEW)) / (MANY - FEW);
        double bytes = 0;
        for (Object a : arrays) if (norm == null || a != norm.array()) bytes += ((TornadoNativeArray) a).getNumBytesOfSegment() / (double) layers;
        return String.format(Locale.ROOT, "%-5s %6dx%-5d %2d rows%s%s %8.2f us %7.0f GB/s %7.1f TFLOP/s", bank.format(), bank.rows(), bank.cols(), rows, norm == null ? "" : " normed", swiGlu ? " swiGlu" : "",
                seconds * 1e6, bytes / seconds / 1e9, 2.0 * bank.rows() * bank.cols() * rows / seconds / 1e12);
    }

    public static void main(String[] args) throws TornadoExecutionPlanException {
        List<Format> formats = args.length < 1 || args[0].equals("all") ? FORMATS : Arrays.stream(args[0].split(",")).map(Format::valueOf).toList();
        for (Format format : formats)
            for (String size : (args.length < 2 ? SIZES : args[1]).split(","))
                for (String rows : (args.length < 3 ? ROWS : args[2]).split(",")) {
                    String[] sides = size.split("x");
                    System.out.println(new ProductTimes(format, Integer.parseInt(sides[0]), Integer.parseInt(sides[1]),
                            Integer.parseInt(rows.replaceAll("[ns]", "")), rows.contains("n"), rows.endsWith("s")).line());
                }
    }
}
