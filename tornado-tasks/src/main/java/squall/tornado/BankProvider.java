package squall.tornado;

import uk.ac.manchester.tornado.api.common.LibraryTaskDescriptor;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.runtime.common.TornadoXPUDevice;
import uk.ac.manchester.tornado.runtime.library.spi.LibraryContext;
import uk.ac.manchester.tornado.runtime.library.spi.LibraryInvocation;
import uk.ac.manchester.tornado.runtime.library.spi.TornadoLibraryProvider;
import uk.ac.manchester.tornado.runtime.library.spi.TornadoNativeStreamSupport;

/**
 * Calls cuBLAS for {@link BankProduct}. TornadoVM's runtime finds it as a service, and nothing else names it: without that runtime the
 * class does not load.
 */
public final class BankProvider implements TornadoLibraryProvider {

    @Override public String libraryName() {
        return BankProduct.LIBRARY;
    }

    @Override public boolean canHandle(TornadoXPUDevice device) {
        return device instanceof TornadoNativeStreamSupport;
    }

    private record Context(CuBlasHandle handle) implements LibraryContext {}

    /** Before a graph's tasks are taken down for the device to repeat: memory could not be asked for then. */
    @Override public LibraryContext createContext(TornadoXPUDevice device, long plan) {
        TornadoNativeStreamSupport streams = (TornadoNativeStreamSupport) device;
        return new Context(CuBlasHandle.open(streams.getNativeContext(plan), streams.getNativeStream(plan)));
    }

    /** As {@link #createContext}: nothing could be tried on the device then. Where rows vary, there would be too much to try. */
    @Override public void prepare(LibraryTaskDescriptor descriptor, LibraryContext context) {
        Object[] told = (Object[]) descriptor.getTuning();
        if (((long[]) told[BankProduct.NUMBERS])[BankProduct.FIXED] > 0) ((Context) context).handle.prepare(shape(told));
    }

    @Override public void dispatch(String function, LibraryInvocation call) {
        Object[] told = (Object[]) call.getTuning();
        long[] numbers = (long[]) told[BankProduct.NUMBERS];
        int layer = ((IntArray) told[BankProduct.LAYER]).get(0);
        long w = call.getDevicePointer(BankProduct.W) + numbers[BankProduct.LAYER_AT] + layer * numbers[BankProduct.LAYER_GAP];
        long x = call.getDevicePointer(BankProduct.X) + numbers[BankProduct.X_AT], y = call.getDevicePointer(BankProduct.Y) + Float.BYTES * numbers[BankProduct.Y_AT];
        ((Context) call.getContext()).handle.multiply(shape(told), Float.intBitsToFloat((int) numbers[BankProduct.GAIN]), w, x, y);
    }

    private static ProductShape shape(Object[] told) {
        long[] numbers = (long[]) told[BankProduct.NUMBERS];
        int fixed = (int) numbers[BankProduct.FIXED], rows = fixed > 0 ? fixed : ((IntArray) told[BankProduct.STEP]).get(StepArray.ROWS);
        return new ProductShape((int) numbers[BankProduct.TYPE], (int) numbers[BankProduct.OUTS], rows, (int) numbers[BankProduct.COLS],
                (int) numbers[BankProduct.Y_STRIDE], numbers[BankProduct.ADD] != 0);
    }

    @Override public void destroyContext(LibraryContext context) {
        ((Context) context).handle.close();
    }
}
