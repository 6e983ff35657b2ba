package squall.cli;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.ServiceLoader;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import picocli.CommandLine.Option;
import squall.engine.ExecutorProvider;
import squall.engine.ExecutorProvider.Device;
import squall.engine.ExecutorProvider.Type;

/** Where the model runs: on one device, or its layers on several. */
final class DeviceOptions {
    private static final String AUTO = "auto";
    private static final String CPU = "cpu";
    /** Backends of one GPU, the fastest last; any other is taken where none of these is there. */
    private static final List<String> PREFERRED = List.of("opencl", "ptx", "cuda");

    @Option(names = "--device", paramLabel = "ID[,ID…]", defaultValue = AUTO,
            description = "auto (default: a GPU if there is one, else cpu), cpu, or an id that 'squall devices' lists, such as opencl:0. "
                    + "Of several the first gets the first layers, as many as it has memory for.")
    private String device;

    @Option(names = {"-ts", "--tensor-split"}, paramLabel = "N,N", split = ",",
            description = "Shares of the layers for the devices of --device, such as 3,1.")
    private List<Double> shares = List.of();

    @Option(names = {"-ot", "--override-tensor"}, paramLabel = "PATTERN=ID", split = ",",
            description = "Puts blocks on another device by the names of their tensors, such as ffn_.*_exps=cpu. A block (the attention "
                    + "or DeltaNet part of a layer, or its feed-forward part) goes as a whole, with most of its bytes.")
    private List<String> overrides = List.of();

    @Option(names = "--precise",
            description = "Keep float32 operands in all products, and keys and values in float32. Without it devices with tensor cores or 8-bit"
                    + " products round them, as llama.cpp does.")
    private boolean precise;

    private final Iterable<ExecutorProvider> providers;
    private int named;

    DeviceOptions() {
        this(ServiceLoader.load(ExecutorProvider.class));
    }

    DeviceOptions(Iterable<ExecutorProvider> providers) {
        this.providers = providers;
    }

    /**
     * A provider, the device it was chosen for, and why others were passed over.
     *
     * @param device id of the device
     * @param passed a sentence for each kind of device that cannot be used
     */
    record Choice(ExecutorProvider provider, String device, List<String> passed) {
        Device description() {
            return provider.devices().stream().filter(d -> d.id().equals(device)).findFirst().orElseThrow();
        }
    }

    /** @throws UnusableException if several devices are named */
    Choice one() {
        List<Choice> all = choose();
        if (all.size() > 1) throw new UnusableException("--device " + device + ": one device was expected");
        return all.getFirst();
    }

    /**
     * Tensors that are put on another device.
     *
     * @param pattern found in a tensor's name
     * @param device  number among the chosen devices
     */
    record Override(Pattern pattern, int device) {}

    /**
     * The devices, those of --device first.
     *
     * @throws UnusableException if there is no such device or it cannot be used; the message lists those there are
     */
    List<Choice> choose() {
        LinkedHashMap<String, Choice> chosen = new LinkedHashMap<>();
        for (String id : device.split(",")) add(chosen, id);
        named = chosen.size();
        for (String o : overrides) add(chosen, o.substring(sign(o) + 1));
        List<Choice> all = List.copyOf(chosen.values());
        for (Choice c : all)
            if (all.size() > 1 && !c.provider().playsParts())
                throw new UnusableException("--device " + device + ": " + c.device() + " cannot play a part of a model; name one device");
        return all;
    }

    private void add(LinkedHashMap<String, Choice> chosen, String id) {
        Choice c = choose(id.strip());
        chosen.putIfAbsent(c.device(), c);
    }

    private static int sign(String override) {
        int at = override.lastIndexOf('=');
        if (at <= 0) throw new UnusableException("-ot " + override + ": PATTERN=ID was expected, such as ffn_.*_exps=cpu");
        return at;
    }

    /** What chooses the device in another process. */
    List<String> flags(Choice choice) {
        return precise ? List.of("--device", choice.device(), "--precise") : List.of("--device", choice.device());
    }

    boolean precise() {
        return precise;
    }

    /** The CPU player, which is always there. */
    ExecutorProvider cpu() {
        for (ExecutorProvider provider : providers)
            if (provider.name().equals(CPU)) return provider;
        throw new IllegalStateException("the CPU player was not found; build the project again");
    }

    /** How many of the chosen devices --device names: they share the layers. */
    int named() {
        return named;
    }

    /** Share of the layers for each of them, or empty. */
    List<Double> shares() {
        if (!shares.isEmpty() && shares.size() != named)
            throw new UnusableException("--tensor-split: " + named + " numbers were expected, one for each device of --device, found "
                    + shares.size());
        if (!shares.isEmpty() && (shares.stream().anyMatch(s -> !(s >= 0)) || shares.stream().allMatch(s -> s == 0)))
            throw new UnusableException("--tensor-split: shares from 0 up were expected and one above 0, found " + shares);
        return shares;
    }

    /** chosen: what {@link #choose} gave. */
    List<Override> overrides(List<Choice> chosen) {
        List<Override> all = new ArrayList<>();
        for (String o : overrides) {
            String id = choose(o.substring(sign(o) + 1).strip()).device();
            int at = 0;
            while (!chosen.get(at).device().equals(id)) at++;
            try {
                all.add(new Override(Pattern.compile(o.substring(0, sign(o))), at));
            } catch (PatternSyntaxException e) {
                throw new UnusableException("-ot " + o + ": not a regular expression, " + e.getDescription());
            }
        }
        return all;
    }

    private Choice choose(String device) {
        List<String> passed = new ArrayList<>();
        List<String> known = new ArrayList<>(List.of(AUTO));
        Choice cpu = null;
        Choice best = null;
        for (ExecutorProvider provider : providers) {
            if (provider.name().equals(CPU)) {
                // asking for its devices costs start-up time and could say nothing new
                if (device.equals(CPU)) return new Choice(provider, CPU, passed);
                cpu = new Choice(provider, CPU, passed);
                known.add(CPU);
                continue;
            }
            String why = provider.whyUnavailable();
            if (why != null) {
                passed.add(provider.name() + ": " + why);
                continue;
            }
            for (Device d : provider.devices()) {
                if (d.isCalled(device)) return new Choice(provider, d.id(), passed);
                known.add(d.id());
            }
            passed.addAll(provider.missing());
            if (!device.equals(AUTO)) continue;
            Device fastest = provider.devices().stream().filter(d -> isFaster(d, passed))
                    .max(Comparator.comparingInt(d -> PREFERRED.indexOf(backend(d)))).orElse(null);
            if (best == null && fastest != null) best = new Choice(provider, fastest.id(), passed);
        }
        if (device.equals(AUTO) && best != null) return best;
        if (device.equals(AUTO) && cpu != null) return cpu;
        throw new UnusableException("--device " + device + ": no such device, known are " + String.join(", ", known)
                + (passed.isEmpty() ? "" : "; not usable here: " + String.join("; ", passed)));
    }

    /** Whether it beats the processor that Java runs on; if not, the reason is noted. */
    private static boolean isFaster(Device d, List<String> passed) {
        if (d.type() == Type.CPU) passed.add(d.id() + ": a processor, which the CPU player uses better");
        return d.type() != Type.CPU;
    }

    private static String backend(Device d) {
        return d.id().substring(0, d.id().indexOf(':'));
    }
}
