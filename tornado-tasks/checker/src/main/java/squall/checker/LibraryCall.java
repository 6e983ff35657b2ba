package squall.checker;

import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Map;
import squall.checker.lint.Access;
import uk.ac.manchester.tornado.api.common.LibraryTaskDescriptor;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/**
 * A call of a vendor's library, played on the JVM: cuBLAS's product of halves. A number that depends on memory nobody
 * wrote is not written either, so that padding may hold anything as long as nobody reads what became of it.
 */
final class LibraryCall implements Code {

    private static final String GEMM = "cublasGemmExFP16FP32";
    private static final int TRANSPOSED = 1;
    // arguments of the product
    private static final int ALPHA = 5;
    private static final int A = 6;
    private static final int B = 8;
    private static final int BETA = 10;
    private static final int C = 11;

    /** One operand as the library sees it: element (row, column) of op(X). */
    private record Operand(DeviceBuffer memory, int leading, boolean transposed) {

        int at(int row, int column) {
            return transposed ? row * leading + column : column * leading + row;
        }

        boolean isWritten(int row, int column) {
            return memory.isWritten(at(row, column));
        }

        float get(int row, int column) {
            return Float.float16ToFloat(memory.memory().get(ValueLayout.JAVA_SHORT_UNALIGNED,
                    TornadoNativeArray.ARRAY_HEADER + 2L * at(row, column)));
        }
    }

    private final LibraryTaskDescriptor descriptor;

    private LibraryCall(LibraryTaskDescriptor descriptor) {
        this.descriptor = descriptor;
    }

    /** {@code where} names the task in messages. */
    static LibraryCall of(LibraryTaskDescriptor descriptor, String where) {
        if (!descriptor.getFunctionName().equals(GEMM)) {
            throw new CheckFailure(Fault.DIALECT, where + " calls " + descriptor.getFunctionName() + "; the checker plays " + GEMM + " only");
        }
        Object[] p = descriptor.getParameters();
        int m = (int) p[2];
        int n = (int) p[3];
        int k = (int) p[4];
        requireRoom(where, "A", p[A], (int) p[0] == TRANSPOSED ? m : k, (int) p[0] == TRANSPOSED ? k : m, (int) p[A + 1]);
        requireRoom(where, "B", p[B], (int) p[1] == TRANSPOSED ? k : n, (int) p[1] == TRANSPOSED ? n : k, (int) p[B + 1]);
        requireRoom(where, "C", p[C], n, m, (int) p[C + 1]);
        return new LibraryCall(descriptor);
    }

    /** A matrix of so many columns, {@code height} numbers each. */
    private static void requireRoom(String where, String name, Object array, int columns, int height, int leading) {
        if (leading < height) {
            throw new CheckFailure(Fault.LIMIT, where + ": columns of " + name + " have " + height + " numbers and start every " + leading);
        }
        long last = (columns - 1L) * leading + height;
        int size = Views.storage(array).getSize();
        if (last > size) {
            throw new CheckFailure(Fault.OUT_OF_RANGE, "", 0, last - 1, where + ": " + name + " has " + last + " numbers, its array " + size);
        }
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
        int m = (int) p.get(2);
        int n = (int) p.get(3);
        int k = (int) p.get(4);
        Operand a = new Operand(buffers.get(p.get(A)), (int) p.get(A + 1), (int) p.get(0) == TRANSPOSED);
        Operand b = new Operand(buffers.get(p.get(B)), (int) p.get(B + 1), (int) p.get(1) == TRANSPOSED);
        DeviceBuffer c = buffers.get(p.get(C));
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
                int at = j * (int) p.get(C + 1) + row;
                float sum = wholeColumn && whole[row] ? dot(rows, row * k, column) : 0;
                store(c, at, wholeColumn && whole[row], (float) p.get(ALPHA) * sum, (float) p.get(BETA));
            }
        }
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
