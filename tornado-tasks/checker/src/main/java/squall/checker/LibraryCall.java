package squall.checker;

import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Map;
import squall.checker.lint.Access;
import uk.ac.manchester.tornado.api.common.LibraryTaskDescriptor;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/**
 * A call of a vendor's library, played on the JVM: the product with a matrix in a bank, for which there is a provider of our own. A number
 * that depends on memory nobody wrote is not written either, so that padding may hold anything as long as nobody reads what became of it.
 * Calls that keep graphs of a driver's do nothing where there are none.
 */
final class LibraryCall implements Code {

    private static final String BANK = "bankProduct";
    private static final String GRAPHS = "squall/graphs";
    /** The type of the upper halves of floats; other numbers of two bytes are halves. */
    private static final int BRAIN = 14;

    /** One operand as the library sees it: element (row, column) of op(X), numbers of two bytes, the first of them {@code first} bytes into the array. */
    private record Operand(DeviceBuffer memory, long first, int leading, boolean transposed, boolean brain) {

        private long at(int row, int column) {
            return first + 2L * (transposed ? (long) row * leading + column : (long) column * leading + row);
        }

        boolean isWritten(int row, int column) {
            long element = (memory.bytes() - TornadoNativeArray.ARRAY_HEADER) / memory.size();
            return memory.isWritten((int) (at(row, column) / element));
        }

        float get(int row, int column) {
            short bits = memory.memory().get(ValueLayout.JAVA_SHORT_UNALIGNED, TornadoNativeArray.ARRAY_HEADER + at(row, column));
            return brain ? Float.intBitsToFloat(bits << 16) : Float.float16ToFloat(bits);
        }

        void requireRoom(String where, String name, int rows, int columns) {
            long last = at(rows - 1, columns - 1), room = memory.bytes() - TornadoNativeArray.ARRAY_HEADER;
            if (first < 0 || last + 2 > room) {
                throw new CheckFailure(Fault.OUT_OF_RANGE, "", 0, last / 2, where + ": " + name + " takes bytes " + first + " to " + (last + 1)
                        + " of an array of " + room);
            }
        }
    }

    /** {@code C = alpha op(A) op(B) + beta C}, column after column; C starts at element {@code at} of its array. */
    private record Product(int m, int n, int k, float alpha, Operand a, Operand b, float beta, DeviceBuffer c, int at, int leading) {

        void run() {
            float[] rows = new float[m * k];
            boolean[] whole = new boolean[m];
            for (int row = 0; row < m; row++) {
                whole[row] = true;
                for (int i = 0; i < k; i++) {
                    whole[row] &= a.isWritten(row, i);
                    rows[row * k + i] = a.get(row, i);
                }
            }
            float[] column = new float[k];
            for (int j = 0; j < n; j++) {
                boolean wholeColumn = true;
                for (int i = 0; i < k; i++) {
                    wholeColumn &= b.isWritten(i, j);
                    column[i] = b.get(i, j);
                }
                for (int row = 0; row < m; row++) {
                    float sum = wholeColumn && whole[row] ? dot(rows, row * k, column) : 0;
                    store(c, at + j * leading + row, wholeColumn && whole[row], alpha * sum, beta);
                }
            }
        }
    }

    private final LibraryTaskDescriptor descriptor;
    private final String where;

    private LibraryCall(LibraryTaskDescriptor descriptor, String where) {
        this.descriptor = descriptor;
        this.where = where;
    }

    /** {@code where} names the task in messages. */
    static LibraryCall of(LibraryTaskDescriptor descriptor, String where) {
        if (!descriptor.getFunctionName().equals(BANK) && !keeps(descriptor)) {
            throw new CheckFailure(Fault.DIALECT, where + " calls " + descriptor.getFunctionName() + "; the checker plays " + BANK + " only");
        }
        return new LibraryCall(descriptor, where);
    }

    private static boolean keeps(LibraryTaskDescriptor descriptor) {
        return descriptor.getLibraryName().equals(GRAPHS);
    }

    @Override
    public String name() {
        return descriptor.getFunctionName();
    }

    @Override
    public Access access(int number) {
        return switch (descriptor.getAccess()[number]) {
            case NONE -> Access.NONE;
            case READ_ONLY -> Access.READ;
            case WRITE_ONLY -> Access.WRITE;
            case READ_WRITE -> Access.READ_WRITE;
        };
    }

    @Override
    public String argument(int number) {
        return "argument " + number + " of " + name();
    }

    void run(List<Object> p, Map<Object, DeviceBuffer> buffers) {
        if (!keeps(descriptor)) bank(p, buffers).run();
    }

    /**
     * W, X, Y; and layer, step, and rows or 0 for {@code step[0]}, byte of layer 0's matrix, bytes a layer, type, outs, cols, element of Y, its stride, byte of X,
     * bits of alpha, beta.
     */
    private Product bank(List<Object> p, Map<Object, DeviceBuffer> buffers) {
        Object[] told = (Object[]) descriptor.getTuning();
        long[] numbers = (long[]) told[2];
        int rows = numbers[0] > 0 ? (int) numbers[0] : ((IntArray) told[1]).get(0);
        long from = numbers[1] + ((IntArray) told[0]).get(0) * numbers[2];
        boolean brain = numbers[3] == BRAIN;
        int outs = (int) numbers[4];
        int cols = (int) numbers[5];
        Operand w = new Operand(buffers.get(p.get(0)), from, cols, true, brain);
        Operand x = new Operand(buffers.get(p.get(1)), numbers[8], cols, false, brain);
        w.requireRoom(where, "W", outs, cols);
        x.requireRoom(where, "X", cols, rows);
        DeviceBuffer y = buffers.get(p.get(2));
        int at = (int) numbers[6];
        int stride = (int) numbers[7];
        long last = at + (rows - 1L) * stride + outs - 1;
        if (stride < outs || last >= y.size()) {
            throw new CheckFailure(Fault.OUT_OF_RANGE, "", 0, last, where + ": rows of " + outs + " each " + stride + " end at " + last + " of an array of "
                    + y.size());
        }
        return new Product(outs, rows, cols, Float.intBitsToFloat((int) numbers[9]), w, x, numbers[10], y, at, stride);
    }

    private static float dot(float[] a, int from, float[] b) {
        double sum = 0;
        for (int i = 0; i < b.length; i++) {
            sum += (double) a[from + i] * b[i];
        }
        return (float) sum;
    }

    private static void store(DeviceBuffer c, int at, boolean whole, float product, float beta) {
        long place = TornadoNativeArray.ARRAY_HEADER + 4L * at;
        if (whole && (beta == 0 || c.isWritten(at))) {
            float old = beta == 0 ? 0 : beta * c.memory().get(ValueLayout.JAVA_FLOAT_UNALIGNED, place);
            c.memory().set(ValueLayout.JAVA_FLOAT_UNALIGNED, place, product + old);
            c.markWritten(at);
        } else {
            c.markEmpty(at, "a library made it of numbers that nobody wrote");
        }
    }
}
