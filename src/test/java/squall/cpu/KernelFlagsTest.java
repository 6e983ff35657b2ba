package squall.cpu;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Without its flags a kernel may be 25 times slower and still right, so that no other test would tell. */
class KernelFlagsTest {
    private static final String FLAG = "-XX:CompileCommand=dontinline,";

    private final List<String> commands = ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
            .filter(a -> a.startsWith(FLAG)).toList();

    @Test void theLauncherHasTheFlagsOfTheTests() throws IOException {
        assertFalse(commands.isEmpty());
        String launcher = Files.readString(Path.of("..", "squall"));
        for (String c : commands) assertTrue(launcher.contains("'" + c + "'"), "the launcher lacks " + c);
    }

    @Test void theKernelsHaveTheNamesOfTheFlags() throws ClassNotFoundException {
        for (String c : commands) {
            String[] names = c.substring(FLAG.length()).split("::");
            if (names[0].contains("*")) continue;
            String method = names[1].replace("*", ".*");
            assertTrue(Arrays.stream(Class.forName(names[0]).getDeclaredMethods()).anyMatch(m -> m.getName().matches(method)),
                    "no kernel is called " + c);
        }
    }
}
