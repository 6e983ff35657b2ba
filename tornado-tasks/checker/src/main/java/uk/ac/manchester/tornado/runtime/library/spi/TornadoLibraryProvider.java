package uk.ac.manchester.tornado.runtime.library.spi;

import uk.ac.manchester.tornado.api.common.LibraryTaskDescriptor;
import uk.ac.manchester.tornado.runtime.common.TornadoXPUDevice;

/** Calls a library's functions for the runtime, which finds it as a service. The checker plays their definitions and calls no provider. */
public interface TornadoLibraryProvider {

    String libraryName();

    boolean canHandle(TornadoXPUDevice device);

    LibraryContext createContext(TornadoXPUDevice device, long executionPlanId);

    /** Before tasks of this kind are handed out, and before they are taken down for a graph; often more than once. */
    default void prepare(LibraryTaskDescriptor descriptor, LibraryContext context) {
    }

    void dispatch(String functionName, LibraryInvocation invocation);

    void destroyContext(LibraryContext context);
}
