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
import org.junit.jupiter.api.Test;
import squall.checker.lint.KernelReport;
import squall.checker.lint.Lint;

/**
 * Nothing in the kernels of this package is refused or miscompiled by TornadoVM, as far as is known. Types of the checker stay
 * within methods: where the tests run on a device it is not there, and their classes are looked at all the same.
 */
@Tag("checker")
class KernelsLintTest {

    /** The classes there are, found by their files: a new one cannot be forgotten. */
    private static List<Class<?>> classes() throws IOException, URISyntaxException, ClassNotFoundException {
        Path folder = Path.of(MatMul.class.getResource("MatMul.class").toURI()).getParent();
        List<String> names;
        try (Stream<Path> files = Files.list(folder)) {
            names = files.map(f -> f.getFileName().toString()).filter(n -> n.endsWith(".class")).sorted().toList();
        }
        List<Class<?>> all = new ArrayList<>();
        for (String name : names) all.add(Class.forName(MatMul.class.getPackageName() + "." + name.replace(".class", "")));
        return all;
    }

    @Test void everyKernelKeepsToTheDialect() throws Exception {
        List<String> wrong = new ArrayList<>();
        int kernels = 0;
        for (Class<?> c : classes())
            for (KernelReport kernel : Lint.kernelsOf(c)) {
                kernels++;
                if (!kernel.violations().isEmpty()) wrong.add(kernel.name() + ": " + kernel.violations());
            }
        assertEquals(List.of(), wrong);
        assertTrue(kernels > 30, "only " + kernels + " kernels were found");
    }
}
