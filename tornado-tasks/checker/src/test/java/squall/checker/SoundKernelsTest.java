package squall.checker;

import org.junit.jupiter.api.Test;
import squall.checker.kernels.Sound;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.ByteArray;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.collections.VectorFloat8;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static uk.ac.manchester.tornado.api.enums.DataTransferMode.EVERY_EXECUTION;
import static uk.ac.manchester.tornado.api.enums.DataTransferMode.FIRST_EXECUTION;

/** Kernels without mistakes run without complaint and give what they define. */
class SoundKernelsTest {

    private static final KernelContext CONTEXT = new KernelContext();

    private static double dot(FloatArray w, FloatArray x, int row) {
        double sum = 0;
        for (int j = 0; j < x.getSize(); j++) {
            sum += (double) w.get(row * x.getSize() + j) * x.get(j);
        }
        return sum;
    }

    private static FloatArray waves(int size) {
        FloatArray array = new FloatArray(size);
        for (int i = 0; i < size; i++) {
            array.set(i, (float) Math.sin(i * 0.37));
        }
        return array;
    }

    @Test
    void scalesAndAddsInTwoTasks() {
        FloatArray x = Graphs.counting(10);
        FloatArray y = new FloatArray(10);
        Graphs.plan(new TaskGraph("g").transferToDevice(EVERY_EXECUTION, x)
                .task("t", Sound::kScale, y, x, 2f, 1f)
                .task("u", Sound::kAdd, x, y)
                .transferToHost(EVERY_EXECUTION, x, y)).execute();
        assertEquals(7f, y.get(3));
        assertEquals(10f, x.get(3));
    }

    @Test
    void multipliesMatricesInTwoDimensions() {
        int n = 9;
        FloatArray a = waves(n * n);
        FloatArray b = Graphs.counting(n * n);
        FloatArray c = new FloatArray(n * n);
        Graphs.plan(new TaskGraph("g").transferToDevice(FIRST_EXECUTION, a, b).task("t", Sound::kMatmul, c, a, b, n)
                .transferToHost(EVERY_EXECUTION, c)).execute();
        double expected = 0;
        for (int k = 0; k < n; k++) {
            expected += (double) a.get(4 * n + k) * b.get(k * n + 7);
        }
        assertEquals(expected, c.get(4 * n + 7), 1e-4);
    }

    @Test
    void vectorsTreesAndWarpsAgree() {
        int rows = 6;
        int columns = 200;
        FloatArray w = waves(rows * columns);
        FloatArray x = waves(columns);
        FloatArray vectors = new FloatArray(rows);
        FloatArray tree = new FloatArray(rows);
        FloatArray warp = new FloatArray(rows);
        VectorFloat8 w8 = new VectorFloat8(w);
        VectorFloat8 x8 = new VectorFloat8(x);
        Graphs.plan(new TaskGraph("g").transferToDevice(FIRST_EXECUTION, w8, x8)
                .task("t", Sound::kMatVectorRows, vectors, w8, x8, columns / 8).transferToHost(EVERY_EXECUTION, vectors)).execute();
        Graphs.run(new TaskGraph("g").transferToDevice(FIRST_EXECUTION, w, x)
                .task("t", Sound::kMatVectorTree, CONTEXT, tree, w, x, columns).transferToHost(EVERY_EXECUTION, tree), rows * 64, 64);
        Graphs.run(new TaskGraph("g").transferToDevice(FIRST_EXECUTION, w, x)
                .task("t", Sound::kMatVectorWarp, CONTEXT, warp, w, x, columns).transferToHost(EVERY_EXECUTION, warp), rows / 2 * 64, 64);
        for (int row = 0; row < rows; row++) {
            assertEquals(dot(w, x, row), vectors.get(row), 1e-5);
            assertEquals(dot(w, x, row), tree.get(row), 1e-5);
            assertEquals(dot(w, x, row), warp.get(row), 1e-5);
        }
    }

    @Test
    void aGridMayBeLargerThanTheArray() {
        FloatArray x = Graphs.counting(70);
        FloatArray y = new FloatArray(70);
        Graphs.run(new TaskGraph("g").transferToDevice(FIRST_EXECUTION, x).task("t", Sound::kRoot, CONTEXT, y, x, 70)
                .transferToHost(EVERY_EXECUTION, y), 128, 64);
        assertEquals(8f, y.get(64));
    }

    @Test
    void atomicSumsDoNotRace() {
        IntArray values = new IntArray(64);
        for (int i = 0; i < 64; i++) {
            values.set(i, i % 3);
        }
        IntArray counts = new IntArray(3);
        Graphs.run(new TaskGraph("g").transferToDevice(FIRST_EXECUTION, values, counts)
                .task("t", Sound::kCount, CONTEXT, counts, values).transferToHost(EVERY_EXECUTION, counts), 64, 16);
        assertArrayEquals(new int[] {22, 21, 21}, counts.toHeapArray());
    }

    @Test
    void nibblesAndPrivateArrays() {
        ByteArray q = ByteArray.fromElements((byte) 0x9F, (byte) 0x07);
        FloatArray y = new FloatArray(4);
        FloatArray reversed = new FloatArray(4);
        Graphs.plan(new TaskGraph("g").transferToDevice(FIRST_EXECUTION, q).task("t", Sound::kNibbles, y, q)
                .task("u", Sound::kReverse, reversed, y).transferToHost(EVERY_EXECUTION, y, reversed)).execute();
        assertArrayEquals(new float[] {7, 1, -1, -8}, y.toHeapArray());
        assertArrayEquals(new float[] {-8, -1, 1, 7}, reversed.toHeapArray());
    }

    @Test
    void globalMemoryIsHandedRoundBehindItsBarrier() {
        FloatArray scratch = new FloatArray(8);
        FloatArray y = Graphs.counting(8);
        Graphs.run(new TaskGraph("g").transferToDevice(EVERY_EXECUTION, y).task("t", Sound::kRotateGroup, CONTEXT, scratch, y)
                .transferToHost(EVERY_EXECUTION, y), 8, 4);
        assertArrayEquals(new float[] {1, 2, 3, 0, 5, 6, 7, 4}, y.toHeapArray());
    }

    @Test
    void tensorCoresMultiply() {
        HalfFloatArray a = halves(16 * 16, 7, 11, 4f);
        HalfFloatArray b = halves(16 * 8, 5, 13, 8f);
        FloatArray y = new FloatArray(16 * 8);
        Graphs.run(new TaskGraph("g").transferToDevice(FIRST_EXECUTION, a, b).task("t", Sound::kTensorProduct, CONTEXT, y, a, b)
                .transferToHost(EVERY_EXECUTION, y), 32, 32);
        assertProduct(a, b, y);
    }

    @Test
    void tensorCoresMultiplyWhatLanesHave() {
        HalfFloatArray a = halves(16 * 16, 7, 11, 4f);
        HalfFloatArray b = halves(16 * 8, 5, 13, 8f);
        IntArray left = new IntArray(128);
        IntArray right = new IntArray(64);
        for (int lane = 0; lane < 32; lane++) {
            for (int i = 0; i < 4; i++) {
                int at = (lane / 4 + i % 2 * 8) * 16 + lane % 4 * 2 + i / 2 * 8;
                left.set(32 * i + lane, pair(a, at, at + 1));
            }
            for (int i = 0; i < 2; i++) {
                int at = (lane % 4 * 2 + 8 * i) * 8 + lane / 4;
                right.set(32 * i + lane, pair(b, at, at + 8));
            }
        }
        FloatArray y = new FloatArray(16 * 8);
        Graphs.run(new TaskGraph("g").transferToDevice(FIRST_EXECUTION, left, right).task("t", Sound::kTensorProductOfInts, CONTEXT, y, left, right)
                .transferToHost(EVERY_EXECUTION, y), 32, 32);
        assertProduct(a, b, y);
    }

    private static HalfFloatArray halves(int size, int factor, int modulus, float divisor) {
        HalfFloatArray all = new HalfFloatArray(size);
        for (int i = 0; i < size; i++) {
            all.set(i, new HalfFloat((i * factor % modulus - modulus / 2) / divisor));
        }
        return all;
    }

    private static int pair(HalfFloatArray from, int low, int high) {
        return from.get(low).getHalfFloatValue() & 0xFFFF | from.get(high).getHalfFloatValue() << 16;
    }

    private static void assertProduct(HalfFloatArray a, HalfFloatArray b, FloatArray y) {
        for (int row = 0; row < 16; row++) {
            for (int column = 0; column < 8; column++) {
                float expected = 0f;
                for (int k = 0; k < 16; k++) {
                    expected += a.get(row * 16 + k).getFloat32() * b.get(k * 8 + column).getFloat32();
                }
                assertEquals(expected, y.get(row * 8 + column), "exact: all products are multiples of 1/32");
            }
        }
    }
}
