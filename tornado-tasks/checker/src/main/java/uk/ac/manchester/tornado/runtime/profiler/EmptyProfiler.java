package uk.ac.manchester.tornado.runtime.profiler;

import uk.ac.manchester.tornado.api.profiler.TornadoProfiler;

/** Keeps nothing. */
public class EmptyProfiler implements TornadoProfiler {
}
