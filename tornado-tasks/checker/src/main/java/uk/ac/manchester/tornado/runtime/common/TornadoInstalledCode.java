package uk.ac.manchester.tornado.runtime.common;

/** What a task was compiled to. */
public interface TornadoInstalledCode {
}
