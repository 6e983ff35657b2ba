package squall.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What a model costs at one depth of the context; a row of a sweep's CSV.
 *
 * @param model         architecture, parameters, format
 * @param backend       what it ran on
 * @param fill          what was in the context
 * @param depth         positions before
 * @param prompt        tokens of the prompt that was timed; 0: none
 * @param promptSpeed   tokens/s, mean of the repetitions
 * @param generated     tokens generated one by one; 0: none
 * @param generateSpeed tokens/s, mean of the repetitions
 * @param kvBytes       keys and values of the positions before
 * @param stateBytes    recurrent states and convolution windows
 * @param weightBytes   weights as they are stored
 * @param residentBytes physical memory of the process after the tests; -1 where the system does not tell
 */
record SweepRow(String model, String backend, int threads, String keys, String values, String fill, int depth, int prompt,
                double promptSpeed, double promptDeviation, int generated, double generateSpeed, double generateDeviation,
                long kvBytes, long stateBytes, long weightBytes, long residentBytes, String commit, String time) {
    private static final List<String> HEAD = List.of("model", "backend", "threads", "type_k", "type_v", "fill", "n_depth",
            "n_prompt", "prompt_ts", "prompt_stddev", "n_gen", "gen_ts", "gen_stddev", "kv_bytes", "state_bytes", "weight_bytes",
            "resident_bytes", "commit", "time");

    static String head() {
        return String.join(",", HEAD);
    }

    String csv() {
        return String.join(",", quoted(model), quoted(backend), "" + threads, keys, values, fill, "" + depth, "" + prompt,
                number(promptSpeed), number(promptDeviation), "" + generated, number(generateSpeed), number(generateDeviation),
                "" + kvBytes, "" + stateBytes, "" + weightBytes, "" + residentBytes, commit, time);
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, "%.3f", value);
    }

    private static String quoted(String text) {
        return '"' + text.replace("\"", "\"\"") + '"';
    }

    /**
     * Rows as {@link #csv} wrote them, under a line of names.
     *
     * @throws IllegalArgumentException that says which line is wrong
     */
    static List<SweepRow> read(List<String> lines) {
        List<SweepRow> rows = new ArrayList<>();
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i);
            if (line.isBlank() || line.equals(head())) continue;
            if (i == 0) throw new IllegalArgumentException("the first line is not that of a sweep");
            try {
                rows.add(read(line));
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException("line " + (i + 1) + " is not a row of a sweep", e);
            }
        }
        return rows;
    }

    private static SweepRow read(String line) {
        List<String> cells = cells(line);
        if (cells.size() != HEAD.size()) throw new IllegalArgumentException(cells.size() + " cells");
        Map<String, String> c = new LinkedHashMap<>();
        for (int i = 0; i < cells.size(); i++) c.put(HEAD.get(i), cells.get(i));
        return new SweepRow(c.get("model"), c.get("backend"), Integer.parseInt(c.get("threads")), c.get("type_k"), c.get("type_v"),
                c.get("fill"), Integer.parseInt(c.get("n_depth")), Integer.parseInt(c.get("n_prompt")),
                Double.parseDouble(c.get("prompt_ts")), Double.parseDouble(c.get("prompt_stddev")),
                Integer.parseInt(c.get("n_gen")), Double.parseDouble(c.get("gen_ts")), Double.parseDouble(c.get("gen_stddev")),
                Long.parseLong(c.get("kv_bytes")), Long.parseLong(c.get("state_bytes")), Long.parseLong(c.get("weight_bytes")),
                Long.parseLong(c.get("resident_bytes")), c.get("commit"), c.get("time"));
    }

    /** The cells of a line; a quote inside quotes is written twice. */
    private static List<String> cells(String line) {
        List<String> cells = new ArrayList<>();
        StringBuilder cell = new StringBuilder();
        boolean inside = false;
        for (char c : line.toCharArray()) {
            if (c == '"') {
                inside = !inside;
                if (inside && !cell.isEmpty()) cell.append(c);
            } else if (c == ',' && !inside) {
                cells.add(cell.toString());
                cell.setLength(0);
            } else {
                cell.append(c);
            }
        }
        cells.add(cell.toString());
        return cells;
    }
}
