package squall.tornado;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;
import uk.ac.manchester.tornado.api.TornadoBackend;
import uk.ac.manchester.tornado.api.TornadoRuntime;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.runtime.TornadoRuntimeProvider;

/**
 * Where every test of this module runs: in the checker; with {@code -Dsquall.test.device=n} on the n-th kind of device that an
 * SDK's TornadoVM finds; with a folder in place of n on the processor standing in for a CUDA device, by libraries that
 * src/test/cuda-on-cpu/build.sh has put there. The device is made TornadoVM's default one, so a test need not know. Without
 * such a device the tests are skipped and say so; an error that its driver prints fails the test that ran.
 */
public final class TestDevice implements ExecutionCondition, AfterEachCallback {
    private static final String DEVICE = System.getProperty("squall.test.device");
    /** Name of the processor in its other part. */
    private static final String STAND_IN = "CPU posing as";
    /** Why nothing can run here, or null. */
    private static String skipped;
    private static boolean settled;
    private static String backend = "";

    /** Whether the tests run on a device and not in the checker. */
    public static boolean isReal() {
        return DEVICE != null;
    }

    /** Whether kernels may use warps: the checker plays them, and CUDA has them. */
    public static boolean hasWarps() {
        if (isReal()) settle();
        return !isReal() || backend.contains("CUDA");
    }

    /** Whether products may be cuBLAS's: the checker plays them, and CUDA has it where it is installed. */
    public static boolean hasLibrary() {
        return !isReal() || hasWarps() && CuBlasLibrary.whyMissing() == null;
    }

    /** Whether kernels may use vectors of eight: every backend but CUDA. */
    public static boolean hasVectors() {
        if (isReal()) settle();
        return !backend.contains("CUDA");
    }

    /** Kernels of this shape with groups that suit: to the checker eight work-items show what 64 do, in a fifth of the time. */
    static Traits traits(Traits.Shape shape) {
        return new Traits(shape, isReal() ? 64 : 8, false);
    }

    @Override public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
        if (!isReal()) return ConditionEvaluationResult.enabled("in the checker");
        settle();
        return skipped == null ? ConditionEvaluationResult.enabled("device " + DEVICE)
                : ConditionEvaluationResult.disabled(skipped);
    }

    @Override public void afterEach(ExtensionContext context) {
        NativeOutput.check();
    }

    private static synchronized void settle() {
        if (settled) return;
        settled = true;
        NativeOutput.capture();
        try {
            Path why = Path.of(DEVICE, "skipped");
            if (Files.exists(why)) skipped = Files.readString(why).strip();
            else choose(TornadoRuntimeProvider.getTornadoRuntime());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (RuntimeException | LinkageError e) {
            Throwable cause = e;
            while (cause.getCause() != null) cause = cause.getCause();
            skipped = "TornadoVM does not start here: " + cause;
        }
    }

    /** Devices of one backend with one name are one kind. */
    private static void choose(TornadoRuntime runtime) {
        Map<String, int[]> kinds = new LinkedHashMap<>();
        for (int b = 0; b < runtime.getNumBackends(); b++) {
            TornadoBackend backend = runtime.getBackend(b);
            for (int d = 0; d < backend.getNumDevices(); d++)
                kinds.putIfAbsent(backend.getName() + ", " + backend.getDevice(d).getPhysicalDevice().getDeviceName(), new int[] {b, d});
        }
        List<String> names = new ArrayList<>(kinds.keySet());
        int number = DEVICE.matches("\\d+") ? Integer.parseInt(DEVICE) - 1
                : IntStream.range(0, names.size()).filter(i -> names.get(i).contains(STAND_IN)).findFirst().orElse(names.size());
        if (number >= names.size()) {
            skipped = "TornadoVM finds " + names + " here, there is no device " + DEVICE;
            return;
        }
        int[] at = kinds.get(names.get(number));
        backend = runtime.getBackend(at[0]).getName();
        runtime.getBackend(at[0]).setDefaultDevice(at[1]);
        runtime.setDefaultBackend(at[0]);
        TornadoDevice device = runtime.getDefaultDevice();
        System.err.println("tests run on " + names.get(number) + " (" + device.getDescription().strip() + ")");
    }
}
