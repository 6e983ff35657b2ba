package squall.cli;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import squall.engine.EngineOptions;
import squall.engine.EngineOptions.KvFormat;

/** What to measure: llama-bench's flags, with lists by commas. Every set-up runs every test. */
final class BenchOptions {
    private static final int MOST = 1 << 22;
    private static final int MOST_SEQUENCES = 1024;

    @Spec(Spec.Target.MIXEE) private CommandSpec command;

    @Option(names = {"-p", "--n-prompt"}, split = ",", paramLabel = "N", defaultValue = "512", description = "Prompt lengths (default: 512); 0: none.")
    private List<Integer> prompts;

    @Option(names = {"-n", "--n-gen"}, split = ",", paramLabel = "N", defaultValue = "128", description = "Tokens to generate (default: 128); 0: none.")
    private List<Integer> generations;

    @Option(names = "-pg", paramLabel = "P,N", description = "A prompt of P and N tokens after it, as one test; may be given several times.")
    private List<String> both = List.of();

    @Option(names = {"-d", "--n-depth"}, split = ",", paramLabel = "N", defaultValue = "0", description = "Tokens in the context before (default: 0).")
    private List<Integer> depths;

    @Option(names = {"-np", "--parallel"}, split = ",", paramLabel = "N", defaultValue = "1",
            description = "Sequences that generate at a time (default: 1); prompts are measured one at a time.")
    private List<Integer> sequences;

    @Option(names = {"-r", "--repetitions"}, paramLabel = "N", defaultValue = "5", description = "Repetitions of each test (default: 5).")
    private int repetitions;

    @Option(names = {"-b", "--batch-size"}, paramLabel = "N", defaultValue = "2048", description = "Logical batch (default: 2048).")
    private int batch;

    @Option(names = {"-ub", "--ubatch-size"}, paramLabel = "N", defaultValue = "512", description = "Most tokens of a step (default: 512).")
    private int microBatch;

    @Option(names = {"-t", "--threads"}, split = ",", paramLabel = "N", defaultValue = "0", description = "CPU threads; 0: all (default).")
    private List<Integer> threads;

    @Option(names = {"-ctk", "--cache-type-k"}, split = ",", paramLabel = "TYPE", description = "Keys in the KV cache (default: f16, f32 where the device has no other).")
    private List<KvFormat> keys;

    @Option(names = {"-ctv", "--cache-type-v"}, split = ",", paramLabel = "TYPE", description = "Values in the KV cache (default: as for keys).")
    private List<KvFormat> values;

    /** The tests of one set-up. */
    List<BenchTest> tests() {
        List<BenchTest> tests = new ArrayList<>();
        for (int d : depths) {
            range("--n-depth", d, 0, MOST);
            for (int p : prompts) {
                range("--n-prompt", p, 0, MOST);
                if (p > 0) tests.add(new BenchTest(p, 0, d));
            }
            for (int n : generations) {
                range("--n-gen", n, 0, MOST);
                for (int at : sequences) {
                    range("--parallel", at, 1, MOST_SEQUENCES);
                    if (n > 0) tests.add(new BenchTest(0, n, d, at));
                }
            }
            for (String pair : both) tests.add(pair(pair, d));
        }
        if (tests.isEmpty()) throw wrong("nothing to measure: give -p, -n or -pg more than 0");
        return tests;
    }

    private BenchTest pair(String text, int depth) {
        String[] parts = text.split(",");
        try {
            if (parts.length == 2) {
                int p = Integer.parseInt(parts[0].strip());
                int n = Integer.parseInt(parts[1].strip());
                if (p > 0 && n > 0 && p <= MOST && n <= MOST) return new BenchTest(p, n, depth);
            }
        } catch (NumberFormatException e) {
            // told below
        }
        throw wrong("-pg needs two numbers from 1 to " + MOST + " as in 512,128, found '" + text + "'");
    }

    /** Every combination of threads and KV formats; without flags the formats are still to be settled. */
    List<EngineOptions> setups(int contextLength) {
        range("--batch-size", batch, 1, MOST);
        range("--ubatch-size", microBatch, 1, MOST);
        int slots = Collections.max(sequences), rows = Math.max(slots, Math.min(batch, microBatch));
        List<EngineOptions> all = new ArrayList<>();
        for (int t : threads) {
            range("--threads", t, 0, 1024);
            int used = t == 0 ? Runtime.getRuntime().availableProcessors() : t;
            for (KvFormat k : orUnsettled(keys))
                for (KvFormat v : orUnsettled(values)) all.add(new EngineOptions(contextLength, slots, rows, used, k, v));
        }
        return all;
    }

    private static List<KvFormat> orUnsettled(List<KvFormat> formats) {
        return formats == null ? Collections.singletonList(null) : formats;
    }

    int repetitions() {
        range("--repetitions", repetitions, 1, 10_000);
        return repetitions;
    }

    int batch() {
        return batch;
    }

    int microBatch() {
        return microBatch;
    }

    private void range(String flag, int found, int least, int most) {
        if (found < least || found > most) throw wrong(flag + " must be from " + least + " to " + most + ", found " + found);
    }

    private ParameterException wrong(String message) {
        return new ParameterException(command.commandLine(), message);
    }
}
