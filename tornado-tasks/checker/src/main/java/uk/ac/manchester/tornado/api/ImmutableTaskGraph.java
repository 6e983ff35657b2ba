package uk.ac.manchester.tornado.api;

import squall.checker.GraphRecord;

/** A task graph that can no longer change; what an execution plan takes. */
public class ImmutableTaskGraph {

    final GraphRecord record;

    ImmutableTaskGraph(GraphRecord record) {
        this.record = record;
    }
}
