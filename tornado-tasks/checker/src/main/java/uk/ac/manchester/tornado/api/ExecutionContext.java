package uk.ac.manchester.tornado.api;

/** What a kernel is given to know where it runs. */
public interface ExecutionContext {
    void localBarrier();

    void globalBarrier();
}
