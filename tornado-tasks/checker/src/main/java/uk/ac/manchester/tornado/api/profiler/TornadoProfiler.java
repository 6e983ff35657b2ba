package uk.ac.manchester.tornado.api.profiler;

/** Keeps the times of a graph. */
public interface TornadoProfiler {
}
