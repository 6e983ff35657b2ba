package squall.tornado;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Against an SDK of two backends that is made up as SDKs are. */
class ArgumentFileTest {
    @TempDir Path home;
    private Path place;
    private Sdk sdk;

    @BeforeEach void sdk() throws IOException {
        place = home.resolve(".sdkman/candidates/tornadovm/current");
        Path jars = Files.createDirectories(place.resolve("share/java/tornado"));
        for (String jar : List.of("tornado-api-5", "tornado-drivers-common-5", "tornado-drivers-opencl-5", "tornado-drivers-cuda-5"))
            Files.createFile(jars.resolve(jar + ".jar"));
        Files.write(place.resolve("tornado-argfile"), List.of("# a comment", "-XX:+UseParallelGC", "--module-path .:" + jars,
                "--add-modules ALL-SYSTEM,tornado.runtime,tornado.drivers.common,tornado.drivers.opencl,tornado.drivers.cuda",
                "--enable-native-access=tornado.drivers.opencl,tornado.drivers.cuda",
                "--add-reads=tornado.drivers.cuda=jdk.graal.compiler",
                "--add-exports=jdk.graal.compiler/jdk.graal.compiler.lir=tornado.runtime,tornado.drivers.common",
                "--add-exports=jdk.graal.compiler/jdk.graal.compiler.lir=tornado.drivers.opencl",
                "--add-exports=jdk.graal.compiler/jdk.graal.compiler.lir=tornado.drivers.cuda"));
        sdk = Sdk.find(Map.of(), home);
    }

    @Test void anSdkIsFoundWhereItIsNamedAndElseAtItsUsualPlace() {
        assertEquals(place, sdk.home());
        assertEquals(place, Sdk.find(Map.of("TORNADOVM_HOME", place.toString()), home.resolve("elsewhere")).home());
        assertEquals(place, Sdk.find(Map.of("SDKMAN_DIR", home.resolve(".sdkman").toString()), home.resolve("elsewhere")).home());
        assertEquals(place, Sdk.find(Map.of("TORNADOVM_HOME", home.resolve("nothing").toString()), home).home());
        assertNull(Sdk.find(Map.of(), home.resolve("elsewhere")));
    }

    @Test void backendsAreThoseOfTheArgumentFile() {
        assertEquals(List.of("opencl", "cuda"), sdk.backends());
    }

    @Test void aRefusedBackendIsInNoFlag() {
        List<String> lines = ArgumentFile.lines(sdk, Map.of("cuda", "no \"driver\""));
        List<String> flags = lines.stream().filter(l -> !l.contains(ArgumentFile.REFUSED)).toList();
        // a property that another backend does not read may stay
        assertTrue(flags.stream().noneMatch(l -> l.contains("cuda") && !l.startsWith("-Dtornado.cuda.")), flags.toString());
        assertTrue(flags.contains("--add-modules ALL-SYSTEM,tornado.runtime,tornado.drivers.common,tornado.drivers.opencl"));
        assertTrue(flags.contains("--enable-native-access=tornado.drivers.opencl"));
        assertEquals(2, flags.stream().filter(l -> l.startsWith("--add-exports")).count());
        assertTrue(lines.contains("\"-Dsquall.tornado.refused=cuda: no \\\"driver\\\"\""), lines.toString());
    }

    @Test void withAllBackendsAllFlagsStayButTheFolderThatSquallWasStartedIn() {
        List<String> lines = ArgumentFile.lines(sdk, Map.of());
        assertEquals(3, lines.stream().filter(l -> l.startsWith("--add-exports")).count());
        String modules = lines.stream().filter(l -> l.startsWith("--module-path")).findFirst().orElseThrow();
        assertTrue(modules.contains("tornado-drivers-cuda-5.jar") && !modules.contains(".:"), modules);
        assertTrue(lines.containsAll(ArgumentFile.FLAGS));
    }

    @Test void withNoBackendTornadoVmIsNotStarted() {
        List<String> lines = ArgumentFile.lines(sdk, Map.of("opencl", "none", "cuda", "none"));
        assertEquals(2, lines.size(), lines.toString());
        assertFalse(lines.getFirst().contains("module"));
    }

    @Test void theTestsRunWithTheFlagsOfTheLauncher() {
        assumeTrue(TestDevice.isReal(), "needs a JVM with an SDK");
        List<String> started = ManagementFactory.getRuntimeMXBean().getInputArguments();
        for (String flag : ArgumentFile.FLAGS)
            if (flag.startsWith("-D")) assertTrue(started.contains(flag), flag + " is not in " + started);
    }
}
