package squall.tornado;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import squall.engine.AvailableMemory;
import squall.engine.EngineOptions;
import squall.engine.EngineOptions.KvFormat;
import squall.engine.Executor;
import squall.engine.ExecutorProvider;
import squall.engine.Journey;
import squall.engine.PartExecutor;
import squall.engine.Tuning;
import squall.model.Model;
import squall.model.ModelConfig;

/**
 * The devices of TornadoVM. Which there are is TornadoVM's answer, asked once; it is started only in a JVM that has the SDK's
 * modules, whose drivers the launcher has tried before. No class of TornadoVM's is named here: there may be none.
 */
public final class TornadoProvider implements ExecutorProvider {
    /** Of a GPU's memory; the rest is the driver's, the context's and the compiled kernels'. */
    private static final double USABLE = 0.95;

    /** All that TornadoVM has, or why it has nothing. */
    private record Found(List<FoundDevice> devices, String why) {}

    /** Static: TornadoVM starts once in a JVM, and providers are made as often as somebody looks. */
    private static Found found;

    @Override public String name() {
        return "tornado";
    }

    @Override public String whyUnavailable() {
        return found().why;
    }

    @Override public List<Device> devices() {
        return found().devices.stream().map(FoundDevice::device).toList();
    }

    /** Backends of the SDK that the launcher left out, and a library that a device could use. */
    @Override public List<String> missing() {
        if (found().why != null) return List.of();
        String refused = System.getProperty(ArgumentFile.REFUSED, "");
        List<String> all = new ArrayList<>(refused.isEmpty() ? List.of() : List.of(refused.split(ArgumentFile.BETWEEN)));
        if (devices().stream().anyMatch(d -> d.id().startsWith("cuda:")) && CuBlasLibrary.whyMissing() != null)
            all.add("cublas, for prompts and several sequences: " + CuBlasLibrary.whyMissing());
        return all;
    }

    @Override public Map<String, String> foundations() {
        Sdk sdk = Sdk.find(System.getenv(), Path.of(System.getProperty("user.home")));
        if (sdk == null) return Map.of();
        Map<String, String> all = new LinkedHashMap<>();
        all.put("TornadoVM SDK", sdk.version() + " at " + sdk.home() + ", backends " + String.join(", ", sdk.backends()));
        String file = System.getProperty(ArgumentFile.PLACE);
        if (file != null) all.put("argument file", file);
        return all;
    }

    private static synchronized Found found() {
        if (found == null) {
            boolean there = ModuleLayer.boot().findModule("tornado.runtime").isPresent();
            found = there ? start() : new Found(List.of(), whyNotStarted());
        }
        return found;
    }

    /** Why this JVM has no TornadoVM. */
    private static String whyNotStarted() {
        String tried = System.getProperty(ArgumentFile.SDK);
        if (tried != null)
            return "no backend of the SDK at " + tried + " can be used here: " + System.getProperty(ArgumentFile.REFUSED);
        Sdk sdk = Sdk.find(System.getenv(), Path.of(System.getProperty("user.home")));
        if (sdk == null) return "no TornadoVM SDK was found (" + Sdk.PLACES + "); 'sdk install tornadovm' installs one";
        return System.getProperty("squall.home") == null
                ? "the JVM was not started with the SDK at " + sdk.home() + "; ./squall, the launcher, does that"
                : "no accelerator shows on this machine, so the SDK at " + sdk.home()
                        + " was not started; a device that is named, as in --device opencl:0, is looked for all the same";
    }

    /** Without the flag TornadoVM runs the Java method of a kernel that does not compile, once, and says nothing. */
    static String whyUnsafe() {
        return "false".equalsIgnoreCase(System.getProperty("tornado.recover.bailout")) ? null
                : "this JVM was started without -Dtornado.recover.bailout=false, so that a kernel that does not compile would give wrong "
                        + "numbers and no error; ./squall, the launcher, sets it";
    }

    private static Found start() {
        if (whyUnsafe() != null) return new Found(List.of(), whyUnsafe());
        try {
            NativeOutput.capture();
            List<FoundDevice> all = FoundDevice.all();
            NativeOutput.check();
            return all.isEmpty() ? new Found(List.of(), "TornadoVM has no device here") : new Found(all, null);
        } catch (RuntimeException | LinkageError e) {
            Throwable cause = e;
            while (cause.getCause() != null) cause = cause.getCause();
            return new Found(List.of(), "TornadoVM does not start, " + cause);
        }
    }

    private static FoundDevice device(String id) {
        return found().devices.stream().filter(f -> f.device().isCalled(id)).findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no device " + id));
    }

    /**
     * TornadoVM keeps a host copy of every array: what a device of its own takes must be there on both sides, and where the
     * device is this processor twice in this machine's memory.
     */
    @Override public long availableBytes(String device) {
        Device d = device(device).device();
        long host = AvailableMemory.bytes();
        return d.type() == Type.CPU ? Math.min(d.memoryBytes(), host / 2) : Math.min((long) (USABLE * d.memoryBytes()), host);
    }

    @Override public Tuning tuning(String device) {
        return device(device).tuning();
    }

    @Override public double bandwidth(String device) {
        FoundDevice on = device(device);
        return Bandwidth.measure(on.tornado(), on.device().type() == Type.CPU ? Traits.Shape.ROWS : Traits.Shape.GROUPS);
    }

    @Override public boolean rounds(String device) {
        return device(device).tuning().traits().shape() == Traits.Shape.WARPS;
    }

    @Override public KvFormat usualKvFormat(String device) {
        return keepsHalves(device) ? KvFormat.F16 : KvFormat.F32;
    }

    /** Kernels that read keys and values in half precision are those for warps. */
    private static boolean keepsHalves(String device) {
        return found().devices.stream().filter(f -> f.device().isCalled(device)).map(f -> f.tuning().traits())
                .anyMatch(t -> t.shape() == Traits.Shape.WARPS && t.fp16());
    }

    @Override public String whyRefused(ModelConfig model, String device, EngineOptions options) {
        boolean alike = options.keyFormat() == options.valueFormat();
        if (alike && options.keyFormat() == KvFormat.F32 || alike && options.keyFormat() == KvFormat.F16 && keepsHalves(device)) return null;
        return keepsHalves(device) ? "keys and values are kept in f32 or both in f16 there; leave out -ctk and -ctv or use --kv-cache-dtype f16"
                : "keys and values are kept in f32 there; leave out -ctk and -ctv or use --kv-cache-dtype f32";
    }

    @Override public Executor open(Model model, String device, EngineOptions options) {
        return open(model, device, options, Journey.UNSEEN);
    }

    @Override public Executor open(Model model, String device, EngineOptions options, Journey told) {
        return openPart(model, device, options, told);
    }

    @Override public boolean playsParts() {
        return true;
    }

    @Override public PartExecutor openPart(Model part, String device, EngineOptions options) {
        return openPart(part, device, options, Journey.UNSEEN);
    }

    @Override public PartExecutor openPart(Model part, String device, EngineOptions options, Journey told) {
        FoundDevice on = device(device);
        return new TornadoExecutor(part, on.tornado(), options, on.tuning().traits().withPrecise(options.precise()), told);
    }
}
