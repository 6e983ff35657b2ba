package squall.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Prints results in one of llama-bench's forms, each as soon as it is there where the form allows it. */
final class BenchReport {

    enum Form { MD, CSV, JSON, JSONL }

    private final Form form;
    private final Streams streams;
    private final List<Map<String, Object>> all = new ArrayList<>();
    private boolean headed;

    BenchReport(Form form, Streams streams) {
        this.form = form;
        this.streams = streams;
    }

    void add(BenchResult result) {
        switch (form) {
            case MD -> row(result);
            case CSV -> csv(result.fields());
            case JSON -> all.add(result.fields());
            case JSONL -> streams.println(Json.line(result.fields()));
        }
    }

    void end(String build) {
        if (form == Form.JSON) streams.println(Json.write(all));
        if (form == Form.MD) streams.println("\nbuild: " + build);
    }

    private void row(BenchResult r) {
        Map<String, Object> f = r.fields();
        Map<String, String> cells = new LinkedHashMap<>();
        cells.put("model", f.get("model_type").toString());
        cells.put("size", Bytes.text((Long) f.get("model_size")));
        cells.put("params", BenchSubject.count((Long) f.get("model_n_params")));
        cells.put("backend", f.get("backends").toString());
        cells.put("threads", f.get("n_threads").toString());
        cells.put("type_k", f.get("type_k").toString());
        cells.put("type_v", f.get("type_v").toString());
        cells.put("test", r.test().name());
        cells.put("t/s", r.speed());
        if (!headed) {
            streams.println("| " + String.join(" | ", cells.keySet()) + " |");
            streams.println("|" + cells.keySet().stream()
                    .map(c -> c.equals("model") || c.equals("backend") ? " --- |" : " ---: |").collect(Collectors.joining()));
            headed = true;
        }
        streams.println("| " + String.join(" | ", cells.values()) + " |");
    }

    private void csv(Map<String, Object> fields) {
        Map<String, Object> plain = new LinkedHashMap<>(fields);
        plain.remove("samples_ns");
        plain.remove("samples_ts");
        if (!headed) streams.println(String.join(",", plain.keySet()));
        headed = true;
        streams.println(plain.values().stream().map(v -> '"' + v.toString().replace("\"", "\"\"") + '"')
                .collect(Collectors.joining(",")));
    }
}
