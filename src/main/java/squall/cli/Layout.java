package squall.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import squall.engine.EngineOptions;
import squall.engine.Executor;
import squall.engine.ExecutorProvider;
import squall.engine.MemoryPlan;
import squall.engine.PartExecutor;
import squall.engine.Placement;
import squall.engine.SplitExecutor;
import squall.model.Model;
import squall.model.ModelConfig;
import squall.parity.ParityProbe;

/**
 * Which device plays which blocks of a model, with what options and in how much memory; settled before a weight is touched.
 *
 * @param shares one for each device of the placement
 * @param cpu    what other devices are compared with
 */
record Layout(ModelConfig config, Placement placement, List<Share> shares, ExecutorProvider cpu) {

    /** What goes to one device. */
    record Share(DeviceOptions.Choice choice, EngineOptions options, MemoryPlan plan, long available) {}

    /** For what concerns the whole model. */
    EngineOptions options() {
        return shares.getFirst().options;
    }

    /** @throws squall.format.ModelFileException if a share does not fit its device */
    void check() {
        for (Share s : shares) s.plan.check(config, s.available);
    }

    /**
     * Puts the model where it belongs; what is not played by the CPU player alone is compared with it.
     *
     * @param told gets what the comparison found
     */
    Executor open(Model model, Consumer<String> told) {
        Executor executor = shares.size() == 1 ? whole(model) : split(model);
        if (shares.stream().allMatch(s -> s.choice.provider().name().equals(cpu.name()))) return executor;
        try {
            String where = shares.stream().map(s -> s.choice.device()).collect(Collectors.joining(","));
            boolean precise = shares.stream().allMatch(s -> s.options.precise());
            told.accept(String.format("parity:      layers and head differ from the CPU player's by %.1e of the largest number",
                    ParityProbe.check(model, executor, cpu, options().withPrecise(precise), where)));
            return executor;
        } catch (RuntimeException | Error e) {
            executor.close();
            throw e;
        }
    }

    private Executor whole(Model model) {
        Share all = shares.getFirst();
        try (Journeys seen = new Journeys(all.choice.device())) {
            return all.choice.provider().open(model, all.choice.device(), all.options, seen);
        }
    }

    private Executor split(Model model) {
        List<PartExecutor> parts = new ArrayList<>();
        try {
            for (Share s : shares)
                try (Journeys seen = new Journeys(s.choice.device())) {
                    parts.add(s.choice.provider().openPart(placement.part(model, parts.size()), s.choice.device(), s.options, seen));
                }
            return new SplitExecutor(model, placement, parts);
        } catch (RuntimeException | Error e) {
            parts.forEach(Executor::close);
            throw e;
        }
    }

    /** What a device plays, in words: the embedding, mixers of layers 0-3, layers 4-7, the head. */
    String blocks(int device) {
        if (shares.size() == 1) return "the embedding, all " + config.layers().size() + " layers and the head";
        List<String> said = new ArrayList<>();
        if (placement.has(device, 0)) said.add("the embedding");
        String mixers = ranges(placement.layers(device, Placement::mixer));
        String feedForwards = ranges(placement.layers(device, Placement::feedForward));
        if (mixers.equals(feedForwards)) said.add("layers " + mixers);
        else {
            if (!mixers.isEmpty()) said.add("attention and DeltaNet of layers " + mixers);
            if (!feedForwards.isEmpty()) said.add("the feed-forward parts of layers " + feedForwards);
        }
        if (placement.has(device, placement.head())) said.add("the head");
        return String.join(", ", said);
    }

    /** {0, 1, 2, 5} -> 0-2, 5. */
    private static String ranges(int[] numbers) {
        List<String> ranges = new ArrayList<>();
        for (int i = 0, j; i < numbers.length; i = j) {
            for (j = i + 1; j < numbers.length && numbers[j] == numbers[j - 1] + 1; ) j++;
            ranges.add(j == i + 1 ? "" + numbers[i] : numbers[i] + "-" + numbers[j - 1]);
        }
        return String.join(", ", ranges);
    }
}
