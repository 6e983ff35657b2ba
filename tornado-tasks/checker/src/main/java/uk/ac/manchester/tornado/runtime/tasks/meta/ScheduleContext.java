package uk.ac.manchester.tornado.runtime.tasks.meta;

/** What the tasks of a graph have in common. */
public class ScheduleContext {

    public ScheduleContext(String id) {
    }
}
