package squall.checker;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import squall.checker.lint.Access;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.common.LibraryTaskDescriptor;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.exceptions.TornadoRuntimeException;
import uk.ac.manchester.tornado.api.exceptions.TornadoTaskRuntimeException;

/** What was recorded in a task graph: its tasks, and when each array travels. */
public final class GraphRecord {

    /** TornadoVM's limits, which no flag raises. */
    static final int MAX_TASKS = 256;
    static final int MAX_ARGUMENTS = 20;
    static final int MAX_DESCRIPTOR_BYTES = 8192;

    /** A kernel or a call of a library, with its arguments. */
    record Task(String id, Code code, List<Object> arguments) {

        Access access(Object argument) {
            Access sum = Access.NONE;
            for (int i = 0; i < arguments.size(); i++) {
                if (arguments.get(i) == argument) {
                    sum = sum.and(code.access(i));
                }
            }
            return sum;
        }
    }

    private final String name;
    private final List<Task> tasks = new ArrayList<>();
    private final Map<Object, Integer> inputs = new IdentityHashMap<>();
    private final Map<Object, String> consumed = new IdentityHashMap<>();
    private final Set<Object> outputs = Collections.newSetFromMap(new IdentityHashMap<>());
    private final Set<Object> persisted = Collections.newSetFromMap(new IdentityHashMap<>());
    private int descriptorBytes;

    public GraphRecord(String name) {
        this.name = name;
    }

    public String name() {
        return name;
    }

    List<Task> tasks() {
        return tasks;
    }

    Map<Object, String> consumed() {
        return consumed;
    }

    Set<Object> outputs() {
        return outputs;
    }

    /** The mode of {@code transferToDevice}, or null. */
    Integer inputMode(Object argument) {
        return inputs.get(argument);
    }

    boolean stays(Object argument) {
        return persisted.contains(argument) || consumed.containsKey(argument);
    }

    boolean comesBack(Object argument) {
        return outputs.contains(argument) || stays(argument);
    }

    public void addTask(String id, Object code, Object... arguments) {
        String where = requireRoom(id, arguments);
        tasks.add(new Task(id, Kernel.of(code, arguments, where), List.of(arguments)));
    }

    public void addLibraryTask(String id, LibraryTaskDescriptor call) {
        String where = requireRoom(id, call.getParameters());
        tasks.add(new Task(id, LibraryCall.of(call, where), List.of(call.getParameters())));
    }

    /** The task in words. */
    private String requireRoom(String id, Object[] arguments) {
        if (tasks.stream().anyMatch(task -> task.id().equals(id))) {
            throw new TornadoTaskRuntimeException("graph " + name + " has a task " + id + " already");
        }
        String where = "task " + name + "." + id;
        if (arguments.length > MAX_ARGUMENTS) {
            throw new CheckFailure(Fault.LIMIT, where + " has " + arguments.length + " arguments; TornadoVM takes "
                    + MAX_ARGUMENTS + ", the KernelContext among them");
        }
        if (tasks.size() == MAX_TASKS) {
            throw new CheckFailure(Fault.LIMIT, where + " would be number " + (MAX_TASKS + 1)
                    + " of its graph; TornadoVM takes " + MAX_TASKS + ": split the graph");
        }
        descriptorBytes += 15 + 5 * arguments.length;
        if (descriptorBytes > MAX_DESCRIPTOR_BYTES) {
            throw new GraphFull(where + " brings the graph to " + descriptorBytes
                    + " bytes of argument descriptors; TornadoVM takes " + MAX_DESCRIPTOR_BYTES + ": split the graph");
        }
        for (int i = 0; i < arguments.length; i++) {
            requireUsable(arguments[i], "argument " + i + " of " + where);
        }
        return where;
    }

    private static void requireUsable(Object argument, String what) {
        boolean scalar = argument instanceof Number || argument instanceof Boolean || argument instanceof Character;
        if (!scalar && !(argument instanceof KernelContext) && Views.storage(argument) == null) {
            throw new CheckFailure(Fault.TRANSFER, what + " is " + (argument == null ? "null" : "a " + argument.getClass().getName())
                    + ": give an array of the API, a VectorFloat4 or VectorFloat8, a primitive or the KernelContext");
        }
    }

    public void transferToDevice(int mode, Object... objects) {
        for (Object object : objects) {
            requireObject(object);
            if (object instanceof Number) {
                continue;
            }
            if (consumed.containsKey(object)) {
                throw new CheckFailure(Fault.TRANSFER, "graph " + name + " both consumes an array and sends it: leave one");
            }
            inputs.put(object, mode);
        }
    }

    public void consume(String producer, Object... objects) {
        for (Object object : objects) {
            requireArray(object);
            if (inputs.containsKey(object)) {
                throw new CheckFailure(Fault.TRANSFER, "graph " + name + " both consumes an array and sends it: leave one");
            }
            consumed.put(object, producer);
        }
    }

    public void transferToHost(int mode, Object... objects) {
        for (Object object : objects) {
            requireArray(object);
            if (mode == DataTransferMode.UNDER_DEMAND) {
                persisted.add(object);
            } else {
                outputs.add(object);
            }
        }
    }

    private void requireObject(Object object) {
        if (object == null) {
            throw new TornadoRuntimeException("graph " + name + ": null cannot travel");
        }
    }

    private void requireArray(Object object) {
        requireObject(object);
        if (Views.storage(object) == null) {
            throw new TornadoRuntimeException("graph " + name + ": a " + object.getClass().getSimpleName() + " cannot travel; use an array");
        }
    }

    public Collection<Object> listed() {
        Set<Object> all = new LinkedHashSet<>(inputs.keySet());
        all.addAll(consumed.keySet());
        all.addAll(outputs);
        all.addAll(persisted);
        return all;
    }

    public Collection<Object> streamedOut() {
        return List.copyOf(outputs);
    }

    /** A copy that no longer changes, after a look at what travels. */
    public GraphRecord snapshot() {
        requireInputs();
        for (Object output : outputs) {
            if (tasks.stream().noneMatch(task -> task.access(output).writes())) {
                throw new CheckFailure(Fault.TRANSFER, "graph " + name + " brings back a "
                        + output.getClass().getSimpleName() + " that none of its tasks writes: TornadoVM copies nothing then");
            }
        }
        GraphRecord copy = new GraphRecord(name);
        copy.tasks.addAll(tasks);
        copy.inputs.putAll(inputs);
        copy.consumed.putAll(consumed);
        copy.outputs.addAll(outputs);
        copy.persisted.addAll(persisted);
        return copy;
    }

    private void requireInputs() {
        for (Task task : tasks) {
            for (int i = 0; i < task.arguments().size(); i++) {
                Object argument = task.arguments().get(i);
                boolean known = inputs.containsKey(argument) || consumed.containsKey(argument);
                if (!known && Views.storage(argument) != null && firstAccess(argument) == Access.READ) {
                    throw new CheckFailure(Fault.TRANSFER, "task " + name + "." + task.id() + " reads " + task.code().argument(i)
                            + ", which nothing brings to the device: list it in transferToDevice or consumeFromDevice");
                }
            }
        }
    }

    /** What the first task that has the array does with it: TornadoVM uploads only what that task reads. */
    Access firstAccess(Object argument) {
        return tasks.stream().map(task -> task.access(argument)).filter(access -> access != Access.NONE)
                .findFirst().orElse(Access.NONE);
    }

    /** The argument in words, by the first task that has it. */
    String describe(Object argument) {
        for (Task task : tasks) {
            for (int i = 0; i < task.arguments().size(); i++) {
                if (task.arguments().get(i) == argument) {
                    return task.code().argument(i) + " of task " + name + "." + task.id();
                }
            }
        }
        return "a " + argument.getClass().getSimpleName() + " of graph " + name;
    }
}
