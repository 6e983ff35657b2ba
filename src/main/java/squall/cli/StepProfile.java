package squall.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import squall.engine.Executor;
import squall.engine.Meter;

/**
 * Where the time of steps goes on a device.
 *
 * @param bandwidth bytes a second that the device reads, measured; 0 if unknown
 */
record StepProfile(String device, String name, String model, double bandwidth, Start start, List<Phase> phases) {

    /**
     * What comes before steps are as fast as those below.
     *
     * @param bytes  of the weights
     * @param device what it took to have them
     * @param ready  nanoseconds until it was compared with the CPU player, all of that included
     * @param prompt nanoseconds that the first prompt took longer than the next
     * @param tokens the same of the first tokens
     */
    record Start(long bytes, Executor.Readiness device, long ready, long prompt, long tokens) {
        String text() {
            return String.format(Locale.ROOT, "start: %s laid out in %.2f s (%.1f GB/s), sent in %.2f s (%.1f GB/s); %d kernels for %d tasks compiled in %.2f s; "
                    + "ready and compared with the CPU player after %.2f s; the first prompt took %.2f s longer than the next, the first tokens %.2f s%n",
                    Bytes.text(bytes), device.laidOut() / 1e9, (double) bytes / device.laidOut(), device.sent() / 1e9,
                    (double) bytes / device.sent(), device.kernels(), device.tasks(), device.compiled() / 1e9, ready / 1e9, prompt / 1e9, tokens / 1e9);
        }
    }

    /**
     * Steps of one sort.
     *
     * @param nanos   of all of them on the clock, as they run when nobody measures
     * @param metered of all of them on the clock while each task is measured: without what a device repeats by itself
     */
    record Phase(String name, int steps, long nanos, long metered, Meter.Reading reading) {
        double wallMillis() {
            return nanos / 1e6 / steps;
        }

        double meteredMillis() {
            return metered / 1e6 / steps;
        }

        double deviceMillis() {
            return reading.nanos() / 1e6 / steps;
        }

        double millis(Meter.Cost c) {
            return c.nanos() / 1e6 / steps;
        }

        /** Costs by layer type, the order kept. */
        Map<String, List<Meter.Cost>> parts() {
            Map<String, List<Meter.Cost>> parts = new LinkedHashMap<>();
            for (Meter.Cost c : reading.costs()) parts.computeIfAbsent(c.part(), _ -> new ArrayList<>()).add(c);
            return parts;
        }
    }

    String text() {
        StringBuilder text = new StringBuilder(model + " on " + device + ", " + name + "; it reads "
                + (bandwidth > 0 ? String.format(Locale.ROOT, "%.1f GB/s", bandwidth / 1e9) : "at an unknown speed") + "\n" + start.text());
        for (Phase p : phases) phase(text, p);
        return text.toString();
    }

    private void phase(StringBuilder text, Phase p) {
        text.append(String.format(Locale.ROOT, "%n%s: %.2f ms on the clock; measured task by task %.2f ms, %.2f ms of it in kernels; %s up, %s down%n",
                p.name(), p.wallMillis(), p.meteredMillis(), p.deviceMillis(), Bytes.text(p.reading().bytesUp() / p.steps()), Bytes.text(p.reading().bytesDown() / p.steps())));
        String line = "%-40s %5s %10s %6s %10s %8s%n";
        text.append(line.formatted("layer type, task", "runs", "ms", "time", "moved", "of peak"));
        p.parts().forEach((part, costs) -> {
            row(text, line, p, part, costs);
            for (Meter.Cost c : costs) row(text, line, p, "  " + c.task(), List.of(c));
        });
    }

    private void row(StringBuilder text, String line, Phase p, String label, List<Meter.Cost> costs) {
        long nanos = costs.stream().mapToLong(Meter.Cost::nanos).sum();
        long bytes = costs.stream().mapToLong(Meter.Cost::bytes).sum();
        int runs = costs.stream().mapToInt(Meter.Cost::runs).max().orElse(0) / p.steps();
        text.append(line.formatted(label, runs, String.format(Locale.ROOT, "%.3f", nanos / 1e6 / p.steps()),
                percent((double) nanos / Math.max(1, p.reading().nanos())), bytes == 0 ? "-" : Bytes.text(bytes / p.steps()),
                bytes == 0 || bandwidth == 0 || nanos == 0 ? "-" : percent(bytes / (nanos / 1e9) / bandwidth)));
    }

    static String percent(double share) {
        return String.format(Locale.ROOT, "%.1f%%", 100 * share);
    }
}
