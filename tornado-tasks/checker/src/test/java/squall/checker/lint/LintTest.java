package squall.checker.lint;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeTransform;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import squall.checker.Fault;
import squall.checker.kernels.Calm;
import squall.checker.kernels.Sound;
import squall.checker.kernels.Traps;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

/** Every rule has a planted kernel; it is found in the marked lines and nothing else is. */
class LintTest {

    private static final Path TRAPS = Path.of("src/test/java/squall/checker/kernels/Traps.java");
    /** Rules that no method of a class can break alone. */
    private static final Set<Rule> ELSEWHERE = EnumSet.of(Rule.NAME, Rule.NOT_STATIC, Rule.NO_DEBUG_INFO);

    static List<KernelReport> traps() {
        return Lint.kernelsOf(Traps.class);
    }

    private static Rule rule(KernelReport report) {
        String name = report.name().substring(1).replaceAll("_.*", "");
        return Rule.valueOf(name.replaceAll("(?<=[a-z0-9])(?=[A-Z])", "_").toUpperCase(Locale.ROOT));
    }

    @ParameterizedTest
    @MethodSource("traps")
    void findsTheTrap(KernelReport report) throws IOException {
        List<String> source = Files.readAllLines(TRAPS);
        assertEquals(Set.of(rule(report)), report.violations().stream().map(Violation::rule).collect(Collectors.toSet()), report.toString());
        Set<Integer> found = report.violations().stream().map(Violation::line).collect(Collectors.toCollection(TreeSet::new));
        assertEquals(marked(source, report.name()), found);
        for (Violation violation : report.violations()) {
            assertEquals("squall.checker.kernels.Traps", violation.className());
            assertTrue(violation.toString().contains("line " + violation.line()), violation::toString);
            assertTrue(violation.toString().contains(violation.rule().instead()), violation::toString);
        }
    }

    /** Marked lines of a kernel and of the helper that follows it. */
    private static Set<Integer> marked(List<String> source, String kernel) {
        int start = IntStream.range(0, source.size()).filter(i -> source.get(i).contains("void " + kernel + "(")).findFirst().orElseThrow();
        int end = IntStream.range(start, source.size()).filter(i -> source.get(i).startsWith("    public static void k") && i > start)
                .findFirst().orElse(source.size());
        return IntStream.range(start, end).filter(i -> source.get(i).contains("// here")).mapToObj(i -> i + 1)
                .collect(Collectors.toCollection(TreeSet::new));
    }

    @Test
    void everyRuleHasATrap() {
        Set<Rule> planted = traps().stream().map(LintTest::rule).collect(Collectors.toCollection(() -> EnumSet.noneOf(Rule.class)));
        planted.addAll(ELSEWHERE);
        assertEquals(EnumSet.allOf(Rule.class), planted);
    }

    /** traps.md: names every rule and every fault that can be planted, and only examples that there are. */
    @Test
    void theTableOfTrapsHolds() throws IOException {
        List<String> rows = Files.readAllLines(Path.of("traps.md")).stream().filter(line -> line.startsWith("| ")).toList();
        Set<String> found = words(rows, 2, "[A-Z][A-Z_0-9]{2,}");
        Set<String> all = new TreeSet<>();
        EnumSet.allOf(Rule.class).forEach(rule -> all.add(rule.name()));
        EnumSet.complementOf(EnumSet.of(Fault.DIALECT, Fault.EXCEPTION)).forEach(fault -> all.add(fault.name()));
        assertEquals(all, found);
        Set<String> planted = words(rows, 3, "(?<=`)\\w+(?=`)");
        StringBuilder sources = new StringBuilder();
        for (Path root : List.of(Path.of("src/test/java"), Path.of("../src/test/java")))
            try (Stream<Path> files = Files.walk(root)) {
                for (Path file : files.filter(f -> f.toString().endsWith(".java")).toList()) {
                    sources.append(Files.readString(file));
                }
            }
        planted.removeIf(name -> sources.indexOf("void " + name + "(") >= 0);
        assertEquals(Set.of(), planted, "named in traps.md, and nowhere else");
    }

    /** What fits in a column; a bar that is part of the code in it is escaped. */
    private static Set<String> words(List<String> rows, int column, String pattern) {
        return rows.stream().flatMap(row -> Pattern.compile(pattern).matcher(row.split("(?<!\\\\)\\|")[column]).results())
                .map(MatchResult::group).collect(Collectors.toCollection(TreeSet::new));
    }

    static Stream<KernelReport> harmless() {
        return Stream.concat(Lint.kernelsOf(Calm.class).stream(), Lint.kernelsOf(Sound.class).stream());
    }

    @ParameterizedTest
    @MethodSource("harmless")
    void leavesSoundKernelsAlone(KernelReport report) {
        assertEquals(List.of(), report.violations());
    }

    @Test
    void aScalarArgumentIsAConstantOfTheKernel() {
        assertEquals(List.of(), sizedBy(7).violations(), "not a power of two");
        assertEquals(List.of(Rule.POWER_OF_TWO_DIVISION), sizedBy(8).violations().stream().map(Violation::rule).toList());
        assertEquals(List.of(), sizedBy(null).violations(), "nothing is known of it");
    }

    private static KernelReport sizedBy(Integer divisor) {
        return Lint.kernel(LintTest.class.getClassLoader(), "squall/checker/kernels/Calm", "kDivideByArgument",
                "(Luk/ac/manchester/tornado/api/types/arrays/IntArray;I)V", divisor == null ? null : new Object[] {null, divisor});
    }

    @Test
    void namesWithoutThePrefixAreRefused() {
        KernelReport report = Lint.kernel(getClass().getClassLoader(), "squall/checker/kernels/Traps", "factorial", "(I)I", null);
        assertTrue(report.violations().stream().anyMatch(v -> v.rule() == Rule.NAME));
    }

    @Test
    void variablesMustBeNamedInTheClassFile() {
        ClassLoader stripped = new ClassLoader(getClass().getClassLoader()) {
            @Override
            public InputStream getResourceAsStream(String name) {
                try (InputStream in = super.getResourceAsStream(name)) {
                    ClassFile dropping = ClassFile.of(ClassFile.DebugElementsOption.DROP_DEBUG);
                    return new ByteArrayInputStream(dropping.transformClass(dropping.parse(in.readAllBytes()),
                            ClassTransform.transformingMethodBodies(CodeTransform.ACCEPT_ALL)));
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }
        };
        KernelReport report = Lint.kernel(stripped, "squall/checker/kernels/Sound", "kAdd",
                "(Luk/ac/manchester/tornado/api/types/arrays/FloatArray;Luk/ac/manchester/tornado/api/types/arrays/FloatArray;)V", null);
        assertEquals(Set.of(Rule.NO_DEBUG_INFO), report.violations().stream().map(Violation::rule).collect(Collectors.toSet()));
    }

    @Test
    void tellsWhatAKernelNeeds() {
        KernelReport warp = report(Sound.class, "kMatVectorWarp");
        assertTrue(warp.waits());
        assertTrue(warp.cudaOnly().stream().anyMatch(use -> use.startsWith("simdShuffleDown, line ")));
        KernelReport vectors = report(Sound.class, "kMatVectorRows");
        assertFalse(vectors.notOnCuda().isEmpty());
        assertEquals(1, vectors.parallelDepth());
        KernelReport tree = report(Sound.class, "kMatVectorTree");
        assertTrue(tree.cudaOnly().isEmpty());
        assertEquals(List.of(Access.NONE, Access.WRITE, Access.READ, Access.READ, Access.NONE), tree.accesses());
        assertEquals(List.of("context", "y", "w", "x", "columns"), tree.parameters());
        assertEquals(2, report(Sound.class, "kMatmul").parallelDepth());
        assertEquals(Access.READ_WRITE, report(Sound.class, "kAdd").access(0));
    }

    private static KernelReport report(Class<?> type, String name) {
        return Lint.kernelsOf(type).stream().filter(r -> r.name().equals(name)).findFirst().orElseThrow();
    }
}
