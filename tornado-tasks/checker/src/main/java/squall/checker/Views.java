package squall.checker;

import java.lang.foreign.MemorySegment;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;
import uk.ac.manchester.tornado.api.types.collections.VectorFloat4;
import uk.ac.manchester.tornado.api.types.collections.VectorFloat8;

/** Makes what a kernel sees in place of its arguments, through constructors that the API does not show. */
final class Views {

    private static final Map<Class<?>, Constructor<?>> CONSTRUCTORS = new ConcurrentHashMap<>();

    private Views() {
    }

    static KernelContext context(WorkItem item) {
        return create(KernelContext.class, new Class<?>[] {WorkItem.class}, item);
    }

    static <T> T array(Class<T> type, MemorySegment withHeader, Tracker tracker) {
        return create(type, new Class<?>[] {MemorySegment.class, Tracker.class}, withHeader, tracker);
    }

    /** The host array that holds an argument's numbers, or null for an argument that is no array. */
    static TornadoNativeArray storage(Object argument) {
        return switch (argument) {
            case TornadoNativeArray array -> array;
            case VectorFloat4 vectors -> vectors.getArray();
            case VectorFloat8 vectors -> vectors.getArray();
            case null, default -> null;
        };
    }

    /** An argument of the same type as the host's, over the device's memory. */
    static Object onDevice(Object argument, DeviceBuffer buffer, Tracker tracker) {
        return switch (argument) {
            case VectorFloat4 v -> new VectorFloat4(array(FloatArray.class, buffer.memory(), tracker));
            case VectorFloat8 v -> new VectorFloat8(array(FloatArray.class, buffer.memory(), tracker));
            default -> array(argument.getClass(), buffer.memory(), tracker);
        };
    }

    static GraphRecord record(TaskGraph graph) {
        try {
            Field field = TaskGraph.class.getDeclaredField("record");
            field.setAccessible(true);
            return (GraphRecord) field.get(graph);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    private static <T> T create(Class<T> type, Class<?>[] parameters, Object... arguments) {
        try {
            return type.cast(constructor(type, parameters).newInstance(arguments));
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(type + " cannot be made", e);
        }
    }

    private static Constructor<?> constructor(Class<?> type, Class<?>[] parameters) {
        return CONSTRUCTORS.computeIfAbsent(type, t -> {
            try {
                Constructor<?> constructor = t.getDeclaredConstructor(parameters);
                constructor.setAccessible(true);
                return constructor;
            } catch (NoSuchMethodException e) {
                throw new IllegalStateException(e);
            }
        });
    }
}
