package squall.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The launcher's cache of classes, with a script in the place of Java that writes down how it was called. */
class LauncherTest {
    private static final String MAKES = "-XX:AOTCacheOutput=";
    private static final String USES = "-XX:AOTCache=";
    private static final String MODULE = "--add-modules";
    private static final String PREPARES = "squall.cli.StartJars ";
    /** Writes its arguments and the variables of Squall to {@code calls}; makes the jars and the cache that it is asked for, slowly. */
    private static final String JAVA = """
            #!/bin/sh
            echo "$* | model=$SQUALL_MODEL" >> "$CALLS"
            for a in "$@"; do
                case $a in -XX:AOTCacheOutput=*) sleep 0.3; [ -n "$FAILS" ] && exit 1; echo cache > "${a#*=}";;
                    *.aot.*-boot.jar | *.aot.*-old.jar) echo jar > "$a";; esac
            done
            """;

    @TempDir Path home;
    private Path target;
    private Path calls;

    @BeforeEach void install() throws IOException {
        assumeTrue(Files.isExecutable(Path.of("/bin/bash")), "no bash here");
        target = Files.createDirectories(home.resolve("src/target"));
        calls = home.resolve("calls");
        Files.copy(Path.of("..", "squall"), home.resolve("squall"));
        Path java = Files.createDirectories(home.resolve("jdk/bin")).resolve("java");
        Files.writeString(java, JAVA);
        for (Path script : List.of(java, home.resolve("squall")))
            Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwxr-xr-x"));
        Files.writeString(home.resolve("jdk/release"), "JAVA_VERSION=\"25.0.1\"\n");
        for (String source : List.of("pom.xml", "src/pom.xml", "src/main/x", "tornado-tasks/pom.xml", "tornado-tasks/src/main/x"))
            old(file(source));
        // after the sources and their folders: nothing is to be built
        for (String jar : List.of("src/target/squall-engine.jar", "src/target/lib/a.jar", "tornado-tasks/target/squall-tornado.jar")) file(jar);
    }

    private Path file(String name) throws IOException {
        Path file = home.resolve(name);
        Files.createDirectories(file.getParent());
        return Files.writeString(file, name);
    }

    private static void old(Path file) throws IOException {
        Files.setLastModifiedTime(file, FileTime.from(Instant.now().minusSeconds(3600)));
    }

    private Process begin(Map<String, String> more) throws IOException {
        ProcessBuilder start = new ProcessBuilder(home.resolve("squall").toString(), "run", "--device", "cpu", "-p", "x");
        start.environment().keySet().removeIf(k -> k.startsWith("SQUALL_"));
        start.environment().putAll(Map.of("JAVA_HOME", home.resolve("jdk").toString(), "CALLS", calls.toString(), "FAILS", "",
                "XDG_CACHE_HOME", home.resolve("cache").toString()));
        start.environment().putAll(more);
        return start.redirectErrorStream(true).redirectOutput(home.resolve("output").toFile()).start();
    }

    /** Starts and returns how Java was called, the last call of the start itself. */
    private List<String> start(Map<String, String> more) throws IOException, InterruptedException {
        Files.deleteIfExists(calls);
        Process process = begin(more);
        assertTrue(process.waitFor(30, TimeUnit.SECONDS));
        assertEquals(0, process.exitValue(), Files.readString(home.resolve("output")));
        assertEquals("", Files.readString(home.resolve("output")), "the launcher is quiet");
        return Files.readAllLines(calls);
    }

    private static List<Path> caches(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(f -> f.toString().contains(".aot")).toList();
        }
    }

    @Test void isMadeOnceAndUsedAtOnce() throws Exception {
        List<String> first = start(Map.of());
        assertEquals(3, first.size(), first.toString());
        assertTrue(first.get(0).contains(PREPARES), first.get(0));
        assertTrue(first.get(1).contains(MAKES), first.get(1));
        Path cache = caches(target).getFirst();
        assertTrue(first.get(2).contains(USES + cache + " "), first.get(2));
        String made = cache.toString().replace(".aot", "");
        for (String jar : List.of("-Xbootclasspath/a:" + made + "-boot.jar ", "-cp " + made + "-old.jar:"))
            for (String call : first.subList(1, 3)) assertTrue(call.contains(jar), call);
        assertFalse(first.get(2).contains(MODULE), "a boot layer with it is not archived");
        List<String> second = start(Map.of());
        assertEquals(List.of(first.get(2)), second);
        assertEquals(List.of(cache), caches(target));
    }

    @Test void whatTheEnvironmentAsksForIsNotRunToMakeIt() throws Exception {
        List<String> calls = start(Map.of("SQUALL_MODEL", "huge.gguf"));
        for (String making : calls.subList(0, 2)) assertTrue(making.endsWith("| model="), making);
        assertTrue(calls.get(2).endsWith("| model=huge.gguf"), calls.get(2));
    }

    /** Also by one that is older, as packages are. */
    @Test void anUpgradedJarOrJdkGetsAnother() throws Exception {
        start(Map.of());
        Path before = caches(target).getFirst();
        old(file("src/target/lib/a.jar"));
        assertTrue(start(Map.of()).get(1).contains(MAKES));
        Path after = caches(target).getFirst();
        assertNotEquals(before, after);
        assertEquals(1, caches(target).size(), "the old one is gone");
        try (Stream<Path> files = Files.list(target)) {
            assertEquals(2, files.filter(f -> f.toString().matches(".*squall-\\d.*\\.jar")).count(), "and its jars");
        }
        Files.writeString(home.resolve("jdk/release"), "JAVA_VERSION=\"25.0.2\"\n");
        assertTrue(start(Map.of()).get(1).contains(MAKES));
        assertNotEquals(after, caches(target).getFirst());
    }

    @Test void whatCannotBeMadeIsNotTriedAgain() throws Exception {
        List<String> first = start(Map.of("FAILS", "yes"));
        assertTrue(first.get(1).contains(MAKES));
        assertFalse(first.get(2).contains(USES), first.get(2));
        List<String> second = start(Map.of("FAILS", "yes"));
        assertEquals(1, second.size(), second.toString());
        assertFalse(second.getFirst().contains(USES), second.getFirst());
        assertTrue(second.getFirst().contains(MODULE), second.getFirst());
    }

    @Test void ofSeveralStartsOneMakesIt() throws Exception {
        assumeTrue(Stream.of(System.getenv("PATH").split(":")).anyMatch(p -> Files.isExecutable(Path.of(p, "flock"))), "no flock here");
        List<Process> all = new ArrayList<>();
        for (int i = 0; i < 4; i++) all.add(begin(Map.of()));
        for (Process p : all) assertTrue(p.waitFor(30, TimeUnit.SECONDS));
        List<String> lines = Files.readAllLines(calls);
        assertEquals(1, lines.stream().filter(l -> l.contains(MAKES)).count(), lines.toString());
        assertEquals(6, lines.size(), lines.toString());
        assertEquals(1, caches(target).size());
    }

    @Test void whereTheFolderCannotBeWrittenItIsTheUsersOwn() throws Exception {
        Files.setPosixFilePermissions(target, PosixFilePermissions.fromString("r-xr-xr-x"));
        try {
            assumeFalse(Files.isWritable(target), "this user may write everywhere");
            List<String> calls = start(Map.of());
            assertEquals(3, calls.size(), calls.toString());
            assertTrue(calls.get(2).contains(USES + home.resolve("cache/squall")), calls.get(2));
            assertEquals(1, start(Map.of("XDG_CACHE_HOME", "/proc/nowhere")).size(), "and where there is none it does without");
        } finally {
            Files.setPosixFilePermissions(target, PosixFilePermissions.fromString("rwxr-xr-x"));
        }
    }
}
