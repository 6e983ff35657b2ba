package squall.tornado.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import squall.checker.lint.KernelReport;
import squall.checker.lint.Lint;

/** Nothing in the kernels of this package is refused or miscompiled by TornadoVM, as far as is known. */
@Tag("checker")
class KernelsLintTest {

    /** All kernels there are, found by their class files: a new one cannot be forgotten. */
    static List<KernelReport> kernels() throws IOException, URISyntaxException, ClassNotFoundException {
        Path folder = Path.of(MatMul.class.getResource("MatMul.class").toURI()).getParent();
        List<String> names;
        try (Stream<Path> files = Files.list(folder)) {
            names = files.map(f -> f.getFileName().toString()).filter(n -> n.endsWith(".class")).sorted().toList();
        }
        List<KernelReport> reports = new ArrayList<>();
        for (String name : names)
            reports.addAll(Lint.kernelsOf(Class.forName(MatMul.class.getPackageName() + "." + name.replace(".class", ""))));
        assertTrue(reports.size() > 30, "only " + reports.size() + " kernels were found in " + folder);
        return reports;
    }

    @ParameterizedTest @MethodSource("kernels")
    void keepsToTheDialect(KernelReport kernel) {
        assertEquals(List.of(), kernel.violations());
    }
}
