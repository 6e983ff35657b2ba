package squall.tornado;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;
import squall.engine.ExecutorProvider;

class TornadoProviderTest {

    @Test void isFoundAndRefusesWithOneSentence() {
        List<ExecutorProvider> found = ServiceLoader.load(ExecutorProvider.class).stream()
                .map(ServiceLoader.Provider::get).filter(p -> p.name().equals("tornado")).toList();
        assertEquals(1, found.size());
        ExecutorProvider tornado = found.getFirst();
        assertFalse(tornado.whyUnavailable().contains("\n"));
        assertEquals(List.of(), tornado.devices());
        assertThrows(UnsupportedOperationException.class, () -> tornado.open(null, "opencl:0", null));
    }
}
