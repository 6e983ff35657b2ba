package squall.tornado;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import squall.engine.EngineOptions;
import squall.engine.EngineOptions.KvFormat;
import squall.engine.Executor;
import squall.engine.Profile;
import squall.engine.Tuning;
import squall.format.ModelFileException;
import squall.model.Model;
import squall.tornado.kernels.Attention;
import uk.ac.manchester.tornado.api.common.TornadoDevice;

/**
 * What can be chosen for a TornadoVM device: the shape of its kernels, the size of their groups, into how many parts attention
 * is split, whether the delta rule takes prompts in chunks, which operations are fused, and whether cuBLAS is called.
 */
final class DeviceTuning implements Tuning {
    static final String SHAPE = "shape";
    static final String GROUP = "group";
    static final String SPLIT = "split";
    static final String DELTA = "delta";
    static final String LIBRARY = "library";
    private static final String ON = "on";
    private static final List<String> SWITCH = List.of(ON, "off");
    private static final Pattern DRIVER = Pattern.compile("(?i)driver version\\s*:\\s*(.+)");

    private final FoundDevice device;
    private final Path file;

    /** file: its profile, which need not be there. */
    DeviceTuning(FoundDevice device, Path file) {
        this.device = device;
        this.file = file;
    }

    /** Shuffles are right on CUDA and PTX only, vectors of eight everywhere else. */
    @Override public Map<String, List<String>> choices() {
        Map<String, List<String>> all = new LinkedHashMap<>();
        all.put(SHAPE, switch (device.usual().shape()) {
            case ROWS -> List.of("ROWS", "GROUPS");
            case GROUPS -> List.of("GROUPS", "ROWS");
            case WARPS -> List.of("WARPS", "GROUPS");
        });
        all.put(GROUP, List.of("64", "32", "128"));
        int split = device.usual().shape() == Traits.Shape.ROWS ? Attention.CPU_ITEMS : Attention.GPU_GROUPS;
        all.put(SPLIT, IntStream.of(split, split / 4, split * 4).mapToObj(Integer::toString).toList());
        all.put(DELTA, List.of("usual", device.usual().shape() == Traits.Shape.WARPS ? "rows" : "chunks"));
        for (Traits.Fusion fusion : Traits.Fusion.values()) all.put(setting(fusion), SWITCH);
        if (device.usual().library()) all.put(LIBRARY, SWITCH);
        return all;
    }

    /** ROPE_APPEND -> fuse-rope-append */
    static String setting(Traits.Fusion fusion) {
        return "fuse-" + fusion.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    @Override public Map<String, String> versions() {
        Map<String, String> all = new LinkedHashMap<>();
        all.put("TornadoVM", ApiJar.of(TornadoDevice.class).version());
        all.put("driver", driver());
        return all;
    }

    /** Not every backend tells: SPIR-V's throws, and PTX's says the device's name alone. */
    private String driver() {
        try {
            Matcher said = DRIVER.matcher(String.valueOf(device.tornado().getPhysicalDevice().getDeviceInfo()));
            if (said.find()) return said.group(1).strip();
        } catch (UnsupportedOperationException e) {
            // the version of its language then
        }
        return String.valueOf(device.tornado().getDeviceOpenCLCVersion()).strip();
    }

    @Override public Path file() {
        return file;
    }

    /**
     * What the profile says, or what is usual on such a device.
     *
     * @throws ModelFileException if the profile is none, or says what cannot be
     */
    Traits traits() {
        if (!Files.exists(file)) return device.usual();
        Map<String, String> settings = Profile.read(file).settings();
        try {
            return traits(settings);
        } catch (IllegalArgumentException e) {
            throw new ModelFileException(file + " has a setting that is not known (" + e.getMessage() + ", in " + settings
                    + "); delete it, or make it again with 'squall tune'");
        }
    }

    /** Settings that are not there are the usual ones. */
    Traits traits(Map<String, String> settings) {
        Traits usual = device.usual();
        Set<Traits.Fusion> fused = EnumSet.noneOf(Traits.Fusion.class);
        for (Traits.Fusion fusion : Traits.Fusion.values()) if (settings.getOrDefault(setting(fusion), ON).equals(ON)) fused.add(fusion);
        Traits.Choices choices = new Traits.Choices(Integer.parseInt(settings.getOrDefault(SPLIT, "0")),
                Traits.Delta.valueOf(settings.getOrDefault(DELTA, usual.choices().delta().name()).toUpperCase(Locale.ROOT)), fused);
        return new Traits(Traits.Shape.valueOf(settings.getOrDefault(SHAPE, usual.shape().name())),
                Integer.parseInt(settings.getOrDefault(GROUP, Integer.toString(usual.group()))), usual.fp16(), usual.precise(),
                usual.library() && settings.getOrDefault(LIBRARY, ON).equals(ON), choices);
    }

    /** For {@code squall devices} and {@code -v}: the file, and why it may not hold any more. */
    String said() {
        if (!Files.exists(file)) return "none";
        try {
            String stale = Profile.read(file).whyStale(versions());
            return file.getFileName() + (stale == null ? "" : " (stale: " + stale + ")");
        } catch (ModelFileException e) {
            return file.getFileName() + " (" + e.getMessage() + ")";
        }
    }

    @Override public Executor open(Model model, EngineOptions options, Map<String, String> settings) {
        Traits traits = traits(settings).withPrecise(options.precise());
        // what is usual on the device may be for kernels for warps alone
        boolean floats = traits.shape() != Traits.Shape.WARPS && options.keyFormat() == KvFormat.F16;
        return new TornadoExecutor(model, device.tornado(), floats ? options.withKept(KvFormat.F32) : options, traits);
    }
}
