package uk.ac.manchester.tornado.runtime.library.spi;

/** A device that tells its driver's handles. */
public interface TornadoNativeStreamSupport {

    long getNativeStream(long executionPlanId);

    long getNativeContext(long executionPlanId);
}
