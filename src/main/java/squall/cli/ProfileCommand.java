package squall.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
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

/** {@code squall profile}: where the time of a prompt and of a token, or of a step of several sequences, goes on a device. */
@Command(name = "profile", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Shows the time of the start, and of a prompt and of a token by layer type and task, and the bytes that they move.")
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

    @Option(names = {"-np", "--parallel"}, paramLabel = "N", defaultValue = "1",
            description = "Sequences that generate together; what is shown is a step of all of them (default: ${DEFAULT-VALUE}).")
    private int parallel;

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
        if (prompt < 1 || generated < 1 || parallel < 1)
            throw new ParameterException(command.commandLine(),
                    "-p, -n and -np must be 1 or more, found " + prompt + ", " + generated + " and " + parallel);
        TextFiles.checkPlace("--svg", svg);
        DeviceOptions.Choice choice = device.one();
        try (OpenModel open = OpenModel.open(ModelOptions.orShipped(model))) {
            EngineOptions asked = new EngineOptions(prompt + generated + 1, parallel, Math.max(prompt, parallel), 0, null, null);
            Layout layout = Spread.layout(open, device, List.of(choice), asked, streams);
            layout.check();
            Model built = open.build(layout.options(), streams);
            StepProfile profile;
            long began = System.nanoTime();
            try (Executor executor = layout.open(built, _ -> {})) {
                profile = measure(executor, choice, open, System.nanoTime() - began);
            }
            if (json) streams.println(Json.write(profile));
            else streams.print(profile.text());
            if (svg != null) write(ProfilePicture.of(profile));
        }
        return Squall.DONE;
    }

    private StepProfile measure(Executor executor, DeviceOptions.Choice choice, OpenModel open, long opened) {
        int vocab = open.config().vocab();
        int[] ids = new SplittableRandom(1).ints(prompt + generated + 1, 0, vocab).toArray();
        long firstPrompt = prompts(executor, ids), firstTokens = tokens(executor, ids, vocab);
        long promptNanos = prompts(executor, ids), tokenNanos = tokens(executor, ids, vocab);
        Meter meter = executor.meter();
        if (meter == null)
            throw new UnusableException("--device " + choice.device() + ": it does not tell what a step costs; name one of TornadoVM's with --device, 'squall devices' lists them");
        Executor.Readiness ready = executor.readiness();
        StepProfile.Start start = new StepProfile.Start(open.weightBytes(), ready, opened,
                Math.max(0, firstPrompt - promptNanos), Math.max(0, firstTokens - tokenNanos));
        List<StepProfile.Phase> phases = new ArrayList<>();
        try (meter) {
            long metered = prompt(executor, ids, 0);
            phases.add(new StepProfile.Phase("prompt of " + prompt, 1, promptNanos, metered, meter.take()));
            others(executor, ids);
            meter.take();
            metered = tokens(executor, ids, vocab);
            String step = parallel == 1 ? "token" : "step of " + parallel + " sequences";
            phases.add(new StepProfile.Phase(step + " after " + prompt, generated, tokenNanos, metered, meter.take()));
        }
        String file = open.file().path().getFileName().toString();
        return new StepProfile(choice.device(), choice.description().name(), file, choice.provider().bandwidth(choice.device()), start, phases);
    }

    /** Prompts of all sequences; nanoseconds of the first. */
    private long prompts(Executor executor, int[] ids) {
        long nanos = prompt(executor, ids, 0);
        others(executor, ids);
        return nanos;
    }

    private void others(Executor executor, int[] ids) {
        for (int slot = 1; slot < parallel; slot++) prompt(executor, ids, slot);
    }

    /** Nanoseconds. */
    private long prompt(Executor executor, int[] ids, int slot) {
        executor.clear(slot);
        long started = System.nanoTime();
        executor.step(new StepPlan.Builder().add(slot, 0, ids, 0, prompt, StepPlan.Want.LAST).build(), null);
        return System.nanoTime() - started;
    }

    /** Drawn where the device can, as in generation: then no logits come back. */
    private long tokens(Executor executor, int[] ids, int vocab) {
        boolean draws = executor.draws(Sampling.GREEDY);
        List<Wish> wishes = Collections.nCopies(parallel, new Wish(Sampling.GREEDY, 0, vocab));
        long started = System.nanoTime();
        for (int i = prompt; i < prompt + generated; i++) {
            StepPlan.Builder rows = new StepPlan.Builder();
            for (int slot = 0; slot < parallel; slot++) rows.add(slot, i, ids, i, i + 1, StepPlan.Want.LAST);
            if (draws) executor.draw(rows.build(), wishes);
            else executor.step(rows.build(), null);
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
