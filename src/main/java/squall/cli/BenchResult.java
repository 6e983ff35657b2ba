package squall.cli;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import squall.engine.EngineOptions;

/**
 * A test's samples, with llama-bench's field names.
 *
 * @param about   what is the same for all tests: build, machine, model
 * @param nanos   of each repetition
 */
record BenchResult(Map<String, Object> about, BenchOptions flags, EngineOptions options, BenchTest test, String time, long[] nanos) {

    Map<String, Object> fields() {
        double[] speeds = speeds();
        double[] times = Arrays.stream(nanos).asDoubleStream().toArray();
        Map<String, Object> all = new LinkedHashMap<>(about);
        all.put("n_batch", flags.batch());
        all.put("n_ubatch", flags.microBatch());
        all.put("n_threads", options.threads());
        all.put("type_k", options.keyFormat().name().toLowerCase(Locale.ROOT));
        all.put("type_v", options.valueFormat().name().toLowerCase(Locale.ROOT));
        all.put("n_prompt", test.prompt());
        all.put("n_gen", test.generated());
        all.put("n_depth", test.depth());
        all.put("n_parallel", test.sequences());
        all.put("test_time", time);
        all.put("avg_ns", Math.round(mean(times)));
        all.put("stddev_ns", Math.round(deviation(times)));
        all.put("avg_ts", mean(speeds));
        all.put("stddev_ts", deviation(speeds));
        all.put("samples_ns", nanos);
        all.put("samples_ts", speeds);
        return all;
    }

    /** Tokens per second of each repetition. */
    double[] speeds() {
        return test.speeds(nanos);
    }

    /** {@code mean ± standard deviation} in tokens per second. */
    String speed() {
        return String.format(Locale.ROOT, "%.2f ± %.2f", mean(speeds()), deviation(speeds()));
    }

    static double mean(double[] samples) {
        return Arrays.stream(samples).average().orElse(0);
    }

    /** Of a sample: divided by n - 1. */
    static double deviation(double[] samples) {
        if (samples.length < 2) return 0;
        double mean = mean(samples);
        return Math.sqrt(Arrays.stream(samples).map(s -> (s - mean) * (s - mean)).sum() / (samples.length - 1));
    }
}
