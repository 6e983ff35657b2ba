package uk.ac.manchester.tornado.runtime.tasks;

import java.lang.reflect.Method;
import uk.ac.manchester.tornado.api.common.SchedulableTask;

/** A task whose kernel is a Java method. The checker has none. */
public abstract class CompilableTask implements SchedulableTask {

    CompilableTask() {}

    public abstract Method getMethod();
}
