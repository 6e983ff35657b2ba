package squall.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import squall.engine.EngineOptions;
import squall.engine.Executor;
import squall.engine.Meter;
import squall.format.IoReason;
import squall.model.Model;
import squall.ops.StepPlan;
import squall.sample.Sampling;
import squall.sample.Wish;

/** {@code squall profile}: where the time of a prompt and of a token goes on a device. */
@Command(name = "profile", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Shows the time of a prompt and of a token by layer type and task, and the bytes that they move.")
final class ProfileCommand implements Callable<Integer> {
    private final Streams streams;

    @Spec private CommandSpec command;

    @Option(names = {"-m", "--model"}, paramLabel = "PATH",
            description = "GGUF file, safetensors file or directory. Default: the small model that ships with Squall.")
    private Path model;

    @Mixin private final DeviceOptions device;

    @Option(names = {"-p", "--n-prompt"}, paramLabel = "N", defaultValue = "128", description = "Tokens of the prompt (default: ${DEFAULT-VALUE}).")
    private int prompt;

    @Option(names = {"-n", "--n-gen"}, paramLabel = "N", defaultValue = "16",
            description = "Tokens after it; what is shown is their mean (default: ${DEFAULT-VALUE}).")
    private int generated;

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Option(names = "--svg", paramLabel = "FILE", description = "Also write a picture of it.")
    private Path svg;

    ProfileCommand(Streams streams) {
        this(streams, new DeviceOptions());
    }

    ProfileCommand(Streams streams, DeviceOptions device) {
        this.streams = streams;
        this.device = device;
    }

    @Override public Integer call() {
        if (prompt < 1 || generated < 1)
            throw new ParameterException(command.commandLine(), "-p and -n must be 1 or more, found " + prompt + " and " + generated);
        DeviceOptions.Choice choice = device.one();
        try (OpenModel open = OpenModel.open(ModelOptions.orShipped(model))) {
            EngineOptions asked = new EngineOptions(prompt + generated + 1, 1, prompt, 0, null, null);
            Layout layout = Spread.layout(open, device, List.of(choice), asked, streams);
            layout.check();
            Model built = open.build(layout.options(), streams);
            StepProfile profile;
            try (Executor executor = layout.open(built, _ -> {})) {
                profile = measure(executor, choice, open);
            }
            if (json) streams.println(Json.write(profile));
            else streams.print(profile.text());
            if (svg != null) write(ProfilePicture.of(profile));
        }
        return Squall.DONE;
    }

    private StepProfile measure(Executor executor, DeviceOptions.Choice choice, OpenModel open) {
        int vocab = open.config().vocab();
        int[] ids = new SplittableRandom(1).ints(prompt + generated + 1, 0, vocab).toArray();
        // the first time kernels are compiled
        prompt(executor, ids);
        tokens(executor, ids, vocab);
        long promptNanos = prompt(executor, ids), tokenNanos = tokens(executor, ids, vocab);
        Meter meter = executor.meter();
        if (meter == null)
            throw new UnusableException("--device " + choice.device() + ": it does not tell what a step costs; TornadoVM's devices do");
        List<StepProfile.Phase> phases = new ArrayList<>();
        try (meter) {
            long metered = prompt(executor, ids);
            phases.add(new StepProfile.Phase("prompt of " + prompt, 1, promptNanos, metered, meter.take()));
            metered = tokens(executor, ids, vocab);
            phases.add(new StepProfile.Phase("token after " + prompt, generated, tokenNanos, metered, meter.take()));
        }
        String file = open.file().path().getFileName().toString();
        return new StepProfile(choice.device(), choice.description().name(), file, choice.provider().bandwidth(choice.device()), phases);
    }

    /** Nanoseconds. */
    private long prompt(Executor executor, int[] ids) {
        executor.clear(0);
        long started = System.nanoTime();
        executor.step(new StepPlan.Builder().add(0, 0, ids, 0, prompt, StepPlan.Want.LAST).build(), null);
        return System.nanoTime() - started;
    }

    /** Drawn where the device can, as in generation: then no logits come back. */
    private long tokens(Executor executor, int[] ids, int vocab) {
        boolean draws = executor.draws(Sampling.GREEDY);
        List<Wish> wish = List.of(new Wish(Sampling.GREEDY, 0, vocab));
        long started = System.nanoTime();
        for (int i = prompt; i < prompt + generated; i++) {
            StepPlan step = new StepPlan.Builder().add(0, i, ids, i, i + 1, StepPlan.Want.LAST).build();
            if (draws) executor.draw(step, wish);
            else executor.step(step, null);
        }
        return System.nanoTime() - started;
    }

    private void write(String picture) {
        try {
            Files.writeString(svg, picture);
        } catch (IOException e) {
            throw new UnusableException("--svg " + svg + " cannot be written: " + IoReason.of(e));
        }
    }
}
