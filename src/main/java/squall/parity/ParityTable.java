package squall.parity;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import squall.model.Model;

/**
 * All that is compared between a device and the CPU player, line by line.
 *
 * @param findings in the order in which they were made
 */
public record ParityTable(List<Finding> findings) {
    /** Of one operation: some tens of float32 roundings in sums of another order. */
    private static final double OPERATION = 1e-5;
    /** Of a block and of a whole model: what errors of operations grow to over layers. A wrong kernel shows as 1e-2. */
    private static final double MODEL = 1e-4;
    /** Of an operation whose operands are rounded to 8 or 16 bits: 1/254 of a block's largest value, and sums of such. */
    private static final double ROUNDED_OPERATION = 1e-2;
    /**
     * Of a block and a model with such operands. llama.cpp's rounding moves the logits of a small random network with quantised
     * weights by up to 1.2e-1 from float64; a wrong kernel shows as 1.
     */
    static final double ROUNDED_MODEL = 2e-1;

    /**
     * @param precise whether the device keeps float32 operands: what may be off depends on it
     * @param told    hears what is compared next
     */
    public static ParityTable of(Model model, Player expected, Player actual, boolean precise, Consumer<String> told) {
        List<Finding> all = new ArrayList<>();
        told.accept("operations");
        all.addAll(OperationParity.check(model, expected, actual, precise ? OPERATION : ROUNDED_OPERATION));
        told.accept("blocks");
        all.addAll(BlockParity.check(model, expected, actual, tolerance(precise)));
        told.accept("the whole model");
        all.addAll(ModelParity.check(model, expected, actual, tolerance(precise)));
        return new ParityTable(List.copyOf(all));
    }

    /** What a block or a model may be off, relative to the largest number. */
    private static double tolerance(boolean precise) {
        return precise ? MODEL : ROUNDED_MODEL;
    }

    public boolean passed() {
        return findings.stream().allMatch(Finding::passed);
    }

    /** Markdown, which is also readable as it is. */
    public String text() {
        int width = findings.stream().mapToInt(f -> what(f).length()).max().orElse(4);
        String line = "| %-9s | %-" + width + "s | %-8s | %-8s | %-9s | %-6s |%n";
        StringBuilder text = new StringBuilder();
        text.append(line.formatted("part", "compared", "max", "rms", "tolerance", ""));
        text.append(line.formatted("---", "---", "---", "---", "---", "---"));
        for (Finding f : findings)
            text.append(line.formatted(f.group(), what(f), number(f.max()), number(f.rms()), number(f.tolerance()), f.passed() ? "ok" : "WRONG"));
        return text.toString().replace("\r", "");
    }

    private static String what(Finding f) {
        return f.remark().isEmpty() ? f.what() : f.what() + ": " + f.remark();
    }

    private static String number(double error) {
        return error == 0 ? "0" : String.format(Locale.ROOT, "%.1e", error);
    }
}
