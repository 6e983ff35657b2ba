package squall.engine;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Bytes of this machine's memory that a process could still take, page cache included. */
public final class AvailableMemory {
    private static final Path MEMINFO = Path.of("/proc/meminfo");
    private static final Path CGROUP = Path.of("/sys/fs/cgroup");

    private AvailableMemory() {}

    public static long bytes() {
        try {
            if (Files.isReadable(MEMINFO))
                return Math.min(1024 * number(Files.readAllLines(MEMINFO), "MemAvailable:"), ofContainer());
        } catch (IOException | NumberFormatException e) {
            // a Linux without these files: the total is the best that is known
        }
        return ManagementFactory.getPlatformMXBean(com.sun.management.OperatingSystemMXBean.class).getTotalMemorySize();
    }

    /** What a container's limit leaves; its file pages can be dropped. */
    private static long ofContainer() throws IOException {
        Path limit = CGROUP.resolve("memory.max");
        if (!Files.isReadable(limit)) return Long.MAX_VALUE;
        String most = Files.readString(limit).strip();
        if (most.equals("max")) return Long.MAX_VALUE;
        long used = Long.parseLong(Files.readString(CGROUP.resolve("memory.current")).strip());
        long files = number(Files.readAllLines(CGROUP.resolve("memory.stat")), "file ");
        return Math.max(0, Long.parseLong(most) - Math.max(0, used - files));
    }

    private static long number(List<String> lines, String name) {
        for (String line : lines)
            if (line.startsWith(name)) return Long.parseLong(line.substring(name.length()).replace("kB", "").strip());
        throw new NumberFormatException("no " + name);
    }
}
