package squall.parity;

import squall.engine.EngineOptions;
import squall.engine.Executor;
import squall.model.Model;

/** A device as parity needs it: any model can be put on it. */
@FunctionalInterface
public interface Player {
    Executor open(Model model, EngineOptions options);
}
