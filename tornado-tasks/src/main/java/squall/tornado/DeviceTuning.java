package squall.tornado;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import squall.engine.EngineOptions;
import squall.engine.Executor;
import squall.engine.Profile;
import squall.engine.Tuning;
import squall.format.ModelFileException;
import squall.model.Model;

/** What can be chosen for a TornadoVM device: the shape of its kernels and the size of their groups. */
final class DeviceTuning implements Tuning {
    static final String SHAPE = "shape";
    static final String GROUP = "group";
    private static final Pattern DRIVER = Pattern.compile("(?i)driver version\\s*:\\s*(.+)");

    private final FoundDevice device;
    private final String file;

    /** file: name of its profile. */
    DeviceTuning(FoundDevice device, String file) {
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
        return all;
    }

    @Override public Map<String, String> versions() {
        Map<String, String> all = new LinkedHashMap<>();
        Sdk sdk = Sdk.find(System.getenv(), Path.of(System.getProperty("user.home")));
        all.put("TornadoVM", sdk == null ? "unknown" : sdk.version());
        Matcher driver = DRIVER.matcher(String.valueOf(device.tornado().getPhysicalDevice().getDeviceInfo()));
        all.put("driver", driver.find() ? driver.group(1).strip() : String.valueOf(device.tornado().getDeviceOpenCLCVersion()).strip());
        return all;
    }

    @Override public Path file() {
        return Path.of(System.getProperty("squall.home", "."), "profiles", file);
    }

    /** What the profile says, or what is usual on such a device. */
    Traits traits() {
        return Files.exists(file()) ? traits(Profile.read(file()).settings()) : device.usual();
    }

    private Traits traits(Map<String, String> settings) {
        Traits usual = device.usual();
        return new Traits(Traits.Shape.valueOf(settings.getOrDefault(SHAPE, usual.shape().name())),
                Integer.parseInt(settings.getOrDefault(GROUP, Integer.toString(usual.group()))), usual.fp16(), usual.precise(), usual.library());
    }

    /** For {@code squall devices} and {@code -v}: the file, and why it may not hold any more. */
    String said() {
        if (!Files.exists(file())) return "none";
        try {
            String stale = Profile.read(file()).whyStale(versions());
            return stale == null ? file : file + " (stale: " + stale + ")";
        } catch (ModelFileException e) {
            return file + " (" + e.getMessage() + ")";
        }
    }

    @Override public Executor open(Model model, EngineOptions options, Map<String, String> settings) {
        return new TornadoExecutor(model, device.tornado(), options, traits(settings).withPrecise(options.precise()));
    }
}
