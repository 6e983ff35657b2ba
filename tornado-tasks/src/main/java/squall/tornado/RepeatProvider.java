package squall.tornado;

import uk.ac.manchester.tornado.runtime.common.TornadoXPUDevice;
import uk.ac.manchester.tornado.runtime.library.spi.LibraryContext;
import uk.ac.manchester.tornado.runtime.library.spi.LibraryInvocation;
import uk.ac.manchester.tornado.runtime.library.spi.TornadoLibraryProvider;
import uk.ac.manchester.tornado.runtime.library.spi.TornadoNativeStreamSupport;

/** Keeps graphs for {@link RepeatedStep}. A service of TornadoVM's runtime, as {@link BankProvider} is. */
public final class RepeatProvider implements TornadoLibraryProvider {

    @Override public String libraryName() {
        return RepeatedStep.LIBRARY;
    }

    @Override public boolean canHandle(TornadoXPUDevice device) {
        return device instanceof TornadoNativeStreamSupport;
    }

    private record Context(CudaStream stream) implements LibraryContext {}

    @Override public LibraryContext createContext(TornadoXPUDevice device, long plan) {
        TornadoNativeStreamSupport streams = (TornadoNativeStreamSupport) device;
        return new Context(new CudaStream(streams.getNativeContext(plan), streams.getNativeStream(plan)));
    }

    @Override public void dispatch(String function, LibraryInvocation call) {
        RepeatedStep step = (RepeatedStep) call.getTuning();
        CudaStream stream = ((Context) call.getContext()).stream;
        long copy = stream.copy();
        if (copy == 0) return;
        step.kept(stream, copy);
        if (step.isLast()) step.drawnAt(call.getDevicePointer(RepeatedStep.DRAWN));
    }

    @Override public void destroyContext(LibraryContext context) {
        // the stream is TornadoVM's
    }
}
