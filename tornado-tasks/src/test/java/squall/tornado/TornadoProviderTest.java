package squall.tornado;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.List;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import squall.engine.EngineOptions;
import squall.engine.EngineOptions.KvFormat;
import squall.engine.ExecutorProvider;

class TornadoProviderTest {
    private final ExecutorProvider tornado = ServiceLoader.load(ExecutorProvider.class).stream()
            .map(ServiceLoader.Provider::get).filter(p -> p.name().equals("tornado")).findFirst().orElseThrow();

    @Tag("checker")
    @Test void withoutAnSdkItRefusesInOneSentenceAndHasNoDevice() {
        String why = tornado.whyUnavailable();
        assertFalse(why.contains("\n"), why);
        assertTrue(why.contains("SDK"), why);
        assertEquals(List.of(), tornado.devices(), "the checker is no device to run on");
    }

    @Tag("checker")
    @Test void aJvmThatWouldRunAFailingKernelInJavaIsRefused() {
        String before = System.clearProperty("tornado.recover.bailout");
        try {
            assertTrue(TornadoProvider.whyUnsafe().contains("-Dtornado.recover.bailout=false"));
            System.setProperty("tornado.recover.bailout", "false");
            assertNull(TornadoProvider.whyUnsafe());
        } finally {
            if (before == null) System.clearProperty("tornado.recover.bailout");
            else System.setProperty("tornado.recover.bailout", before);
        }
    }

    @Test void devicesAreCalledByBackendAndNumber() {
        assumeTrue(TestDevice.isReal(), "needs a JVM with an SDK");
        assertNull(tornado.whyUnavailable());
        ExecutorProvider.Device first = tornado.devices().getFirst();
        assertTrue(first.id().matches("[a-z]+:0"), first.id());
        assertEquals("0:0", first.alias());
        assertTrue(first.memoryBytes() > 0 && first.computeUnits() > 0, first.toString());
        assertTrue(tornado.availableBytes(first.id()) <= first.memoryBytes());
    }

    @Test void aKvFormatThatThePlayerLacksIsRefusedWithTheFlagThatHelps() {
        EngineOptions asked = new EngineOptions(64, 1, 8, 0, null, KvFormat.F16);
        String device = "opencl:0";
        String why = tornado.whyRefused(null, device, asked.orUsual(tornado.usualKvFormat(device)));
        assertTrue(why.contains("--kv-cache-dtype f32"), why);
        assertNull(tornado.whyRefused(null, device, new EngineOptions(64, 1, 8, 0, null, null).orUsual(KvFormat.F32)));
    }

    /** So that a green build without an SDK says what it did not do. */
    @Tag("checker")
    @Test void theTestsRunOnDevicesToo() {
        assumeTrue(!System.getProperty("squall.test.sdk", "").isEmpty(),
                "no TornadoVM SDK (" + Sdk.PLACES + "): nothing of this module is tested on a device");
        assertNotNull(Sdk.find(System.getenv(), java.nio.file.Path.of(System.getProperty("user.home"))));
    }
}
