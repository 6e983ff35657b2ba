package squall.engine;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;

/** Bytes of physical memory that this process holds, mapped files that it has touched included. */
public final class ResidentMemory {
    private static final Path STATUS = Path.of("/proc/self/status");
    private static final String NOW = "VmRSS:";

    private ResidentMemory() {}

    /** Empty where the system does not tell. */
    public static OptionalLong bytes() {
        try {
            if (!Files.isReadable(STATUS)) return OptionalLong.empty();
            return Files.readAllLines(STATUS).stream().filter(l -> l.startsWith(NOW))
                    .mapToLong(l -> 1024 * Long.parseLong(l.substring(NOW.length()).replace("kB", "").strip())).findFirst();
        } catch (IOException | NumberFormatException e) {
            return OptionalLong.empty();
        }
    }
}
