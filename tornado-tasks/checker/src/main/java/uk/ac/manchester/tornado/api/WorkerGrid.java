package uk.ac.manchester.tornado.api;

/** How many work-items a task gets, and in which groups. */
public interface WorkerGrid {
    int dimension();

    long[] getGlobalWork();

    /** Null where nothing was set. */
    long[] getLocalWork();

    long[] getNumberOfWorkgroups();

    long[] getGlobalOffset();

    void setGlobalWork(long x, long y, long z);

    void setLocalWork(long x, long y, long z);

    void setNumberOfWorkgroupsToNull();

    void setLocalWorkToNull();

    void setGlobalOffset(long x, long y, long z);
}
