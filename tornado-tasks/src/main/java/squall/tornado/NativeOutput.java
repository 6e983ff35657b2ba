package squall.tornado;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.FileDescriptor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.reflect.Field;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/**
 * What native code prints on standard output. TornadoVM's drivers print the errors of OpenCL and CUDA there and go on, with
 * whatever the memory holds; so file descriptor 1 is turned to a file that {@link #check} reads, and Java's own standard
 * output to a copy of what it was. The result of a command stays clean of a driver's words, too.
 *
 * <p>Java sees no difference, and a step pays one system call. The JVM needs {@code --add-opens java.base/java.io=ALL-UNNAMED}.
 */
public final class NativeOutput {
    private static final int STDOUT = 1;
    private static final int CURRENT = 1;

    private static NativeOutput captured;

    private final MethodHandle seek = function("lseek", JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT);
    private final MethodHandle flush = function("fflush", JAVA_INT, ADDRESS);
    private final Path file;
    private long seen;

    private NativeOutput() {
        try {
            file = Files.createTempFile("squall-driver", ".txt");
            file.toFile().deleteOnExit();
            int real = call("dup", STDOUT);
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment name = arena.allocateFrom(file.toString());
                MemorySegment mode = arena.allocateFrom("a");
                // by way of C's streams: the numbers of open's flags differ between systems
                MemorySegment stream = (MemorySegment) function("fopen", ADDRESS, ADDRESS, ADDRESS).invokeExact(name, mode);
                if (stream.equals(MemorySegment.NULL)) throw new IOException(file + " cannot be opened");
                int opened = (int) function("fileno", JAVA_INT, ADDRESS).invokeExact(stream);
                int _ = (int) function("dup2", JAVA_INT, JAVA_INT, JAVA_INT).invokeExact(opened, STDOUT);
            }
            Field number = FileDescriptor.class.getDeclaredField("fd");
            number.setAccessible(true);
            System.out.flush();
            number.setInt(FileDescriptor.out, real);
        } catch (IOException e) {
            throw new UncheckedIOException("what the driver prints cannot be read: " + e.getMessage(), e);
        } catch (Throwable e) {
            throw new IllegalStateException("what the driver prints cannot be read: " + e, e);
        }
    }

    /** From now on native code prints where {@link #check} looks; once is enough for a process. */
    public static synchronized void capture() {
        if (captured == null) captured = new NativeOutput();
    }

    /**
     * Looks for errors that native code printed since the last look, and passes its other words on to standard error.
     *
     * @throws IllegalStateException with the first line that reports an error
     */
    public static synchronized void check() {
        if (captured == null) return;
        List<String> lines = captured.fresh();
        lines.forEach(System.err::println);
        lines.stream().filter(l -> l.toLowerCase(Locale.ROOT).contains("error")).findFirst().ifPresent(l -> {
            throw new IllegalStateException("the device's driver reported: " + l.strip()
                    + "; what it computed since cannot be trusted");
        });
    }

    private List<String> fresh() {
        try {
            int _ = (int) flush.invokeExact(MemorySegment.NULL);
            long end = (long) seek.invokeExact(STDOUT, 0L, CURRENT);
            if (end == seen) return List.of();
            byte[] all = Files.readAllBytes(file);
            String text = new String(all, (int) seen, (int) (all.length - seen), StandardCharsets.UTF_8);
            seen = all.length;
            return text.lines().filter(l -> !l.isBlank()).toList();
        } catch (IOException e) {
            throw new UncheckedIOException("what the driver printed cannot be read: " + e.getMessage(), e);
        } catch (Throwable e) {
            throw new IllegalStateException("what the driver printed cannot be read: " + e, e);
        }
    }

    private static int call(String name, int argument) throws Throwable {
        return (int) function(name, JAVA_INT, JAVA_INT).invokeExact(argument);
    }

    private static MethodHandle function(String name, MemoryLayout result, MemoryLayout... arguments) {
        Linker linker = Linker.nativeLinker();
        return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), FunctionDescriptor.of(result, arguments));
    }
}
