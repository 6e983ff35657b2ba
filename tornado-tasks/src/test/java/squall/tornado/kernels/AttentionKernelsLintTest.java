package squall.tornado.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import squall.checker.lint.KernelReport;
import squall.checker.lint.Lint;
import squall.tornado.TestDevice;

/** Nothing in these kernels is refused or miscompiled by TornadoVM, as far as is known. */
class AttentionKernelsLintTest {

    @ParameterizedTest @ValueSource(classes = {RowNorm.class, Elementwise.class, HeadNormRope.class, Attention.class, AttentionGroups.class,
        AttentionTiles.class, AttentionWarps.class, Router.class, Draw.class})
    void keepToTheDialect(Class<?> kernels) {
        assumeFalse(TestDevice.isReal(), "the bytecode is the same on a device");
        List<KernelReport> reports = Lint.kernelsOf(kernels);
        assertFalse(reports.isEmpty());
        for (KernelReport report : reports) assertEquals(List.of(), report.violations(), report.name());
    }
}
