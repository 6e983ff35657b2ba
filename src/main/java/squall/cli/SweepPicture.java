package squall.cli;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;

/**
 * A sweep as an SVG chart: speed of generation and of prompts, and the bytes of keys, values and states, over the depth of the
 * context; a line for each model. Depths stand at equal distances: they are mostly powers of two. Of several rows of a model at
 * one depth the last is shown.
 */
final class SweepPicture {
    private static final int PANEL_WIDTH = 330;
    private static final int PLOT_WIDTH = 250;
    private static final int PLOT_HEIGHT = 200;
    private static final int LEFT = 52;
    private static final int TOP = 34;
    private static final int LINE = 16;
    private static final int GRID_LINES = 4;
    private static final double[] ROUND = {1, 2, 2.5, 5, 10, 20};
    /** Told apart by those who see few colours, too. */
    private static final List<String> COLOURS = List.of("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9");

    private final List<SweepRow> rows;
    private final List<String> models;
    private final List<Integer> depths;
    private final StringBuilder svg = new StringBuilder();
    private int panels;

    private SweepPicture(List<SweepRow> rows) {
        this.rows = rows;
        models = rows.stream().map(SweepRow::model).distinct().toList();
        depths = rows.stream().map(SweepRow::depth).distinct().sorted().toList();
    }

    static String of(List<SweepRow> rows) {
        SweepPicture picture = new SweepPicture(rows);
        picture.panel("generation, tokens/s", rows.stream().filter(r -> r.generated() > 0).toList(), SweepRow::generateSpeed);
        picture.panel("prompt, tokens/s", rows.stream().filter(r -> r.prompt() > 0).toList(), SweepRow::promptSpeed);
        picture.panel("keys, values and states, MiB", rows, r -> (r.kvBytes() + r.stateBytes()) / 1048576.0);
        int height = picture.legend(TOP + PLOT_HEIGHT + 3 * LINE);
        int width = picture.panels * PANEL_WIDTH;
        return "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%1$d\" height=\"%2$d\" viewBox=\"0 0 %1$d %2$d\" ".formatted(width, height)
                + "font-family=\"sans-serif\" font-size=\"11\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n" + picture.svg + "</svg>\n";
    }

    private void panel(String title, List<SweepRow> shown, ToDoubleFunction<SweepRow> value) {
        if (shown.isEmpty()) return;
        int left = panels++ * PANEL_WIDTH + LEFT;
        double step = step(shown.stream().mapToDouble(value).max().orElseThrow());
        text(left, TOP - 14, "start", title);
        for (int i = 0; i <= GRID_LINES; i++) {
            double y = y(i * step, step);
            add("<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" stroke=\"#ddd\"/>", left, y, left + PLOT_WIDTH, y);
            text(left - 6, y + 4, "end", plain(i * step));
        }
        for (int depth : depths) text(x(left, depth), TOP + PLOT_HEIGHT + LINE, "middle", depth % 1024 == 0 && depth > 0 ? depth / 1024 + "K" : "" + depth);
        for (String model : models) line(left, step, shown, model, value);
    }

    /** A model's line through a panel; the number of a point stands above it where no other model is higher. */
    private void line(int left, double step, List<SweepRow> shown, String model, ToDoubleFunction<SweepRow> value) {
        SortedMap<Integer, SweepRow> byDepth = new TreeMap<>();
        for (SweepRow r : shown) if (r.model().equals(model)) byDepth.put(r.depth(), r);
        String colour = colour(model);
        List<String> places = new ArrayList<>();
        for (SweepRow r : byDepth.values()) {
            double x = x(left, r.depth());
            double y = y(value.applyAsDouble(r), step);
            places.add(String.format(Locale.ROOT, "%.1f,%.1f", x, y));
            add("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>", x, y, colour);
            boolean highest = shown.stream().filter(o -> o.depth() == r.depth()).noneMatch(o -> value.applyAsDouble(o) > value.applyAsDouble(r));
            text(x, highest ? y - 7 : y + 15, "middle", plain(value.applyAsDouble(r)));
        }
        add("<polyline points=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"2\"/>", String.join(" ", places), colour);
    }

    /** Returns the height that is used then. */
    private int legend(int y) {
        for (String model : models) {
            SweepRow r = rows.stream().filter(row -> row.model().equals(model)).findFirst().orElseThrow();
            add("<rect x=\"%d\" y=\"%d\" width=\"12\" height=\"12\" fill=\"%s\"/>", LEFT, y - 10, colour(model));
            text(LEFT + 18, y, "start", model + ", " + r.backend() + ", " + r.threads() + " threads, keys " + r.keys() + ", values " + r.values());
            y += LINE;
        }
        text(LEFT, y, "start", "tokens in the context before: " + String.join(", ",
                rows.stream().map(SweepRow::fill).distinct().map(f -> f.equals("blank") ? "unset keys and values" : "a computed prompt").toList()));
        return y + LINE;
    }

    private String colour(String model) {
        return COLOURS.get(models.indexOf(model) % COLOURS.size());
    }

    private double x(int left, int depth) {
        return depths.size() == 1 ? left + PLOT_WIDTH / 2.0 : left + 10 + (PLOT_WIDTH - 20.0) * depths.indexOf(depth) / (depths.size() - 1);
    }

    private static double y(double value, double step) {
        return TOP + PLOT_HEIGHT * (1 - value / (GRID_LINES * step));
    }

    /** Between the grid's lines: 1, 2, 2.5 or 5 times a power of ten, so that the largest value is below the top line. */
    static double step(double largest) {
        if (!(largest > 0)) return 1;
        double power = Math.pow(10, Math.floor(Math.log10(largest / GRID_LINES)));
        double round = Arrays.stream(ROUND).filter(r -> r * power * GRID_LINES >= 1.05 * largest).findFirst().orElseThrow();
        return round * power;
    }

    private static String plain(double value) {
        return value != 0 && value < 10 ? String.format(Locale.ROOT, "%.1f", value) : String.format(Locale.ROOT, "%.0f", value);
    }

    private void text(double x, double y, String anchor, String said) {
        add("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>", x, y, anchor,
                said.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"));
    }

    private void add(String form, Object... values) {
        svg.append(String.format(Locale.ROOT, form, values)).append('\n');
    }
}
