package squall.cli;

import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import squall.engine.Meter;

/** A profile as an SVG picture: a bar for each task, the longest first, a block of them for each sort of step. */
final class ProfilePicture {
    private static final int WIDTH = 900;
    private static final int LABELS = 360;
    private static final int BARS = 400;
    private static final int LINE = 18;
    private static final int MOST = 24;
    /** Told apart by those who see few colours, too. */
    private static final List<String> COLOURS = List.of("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9");

    private final StringBuilder svg = new StringBuilder();
    private int y = 24;

    private ProfilePicture() {}

    static String of(StepProfile profile) {
        ProfilePicture picture = new ProfilePicture();
        picture.text(8, profile.model() + " on " + profile.device() + ", " + profile.name(), "bold");
        for (StepProfile.Phase p : profile.phases()) picture.phase(p);
        return "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%1$d\" height=\"%2$d\" viewBox=\"0 0 %1$d %2$d\" ".formatted(WIDTH, picture.y)
                + "font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n" + picture.svg + "</svg>\n";
    }

    private void phase(StepProfile.Phase p) {
        y += 2 * LINE;
        text(8, String.format(Locale.ROOT, "%s: %.2f ms in kernels", p.name(), p.deviceMillis()), "bold");
        List<String> parts = List.copyOf(p.parts().keySet());
        List<Meter.Cost> costs = p.reading().costs().stream().sorted(Comparator.comparingLong(Meter.Cost::nanos).reversed()).limit(MOST).toList();
        if (costs.isEmpty()) return;
        double longest = Math.max(1, costs.getFirst().nanos());
        for (Meter.Cost c : costs) {
            y += LINE;
            text(8, c.part() + ": " + c.task(), "normal");
            double width = Math.max(1, BARS * c.nanos() / longest);
            svg.append(String.format(Locale.ROOT, "<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>%n", LABELS, y - LINE + 6, width,
                    LINE - 4, COLOURS.get(parts.indexOf(c.part()) % COLOURS.size())));
            text((int) (LABELS + width + 6), String.format(Locale.ROOT, "%.3f ms, %s", p.millis(c),
                    StepProfile.percent((double) c.nanos() / p.reading().nanos())), "normal");
        }
        y += LINE;
    }

    private void text(int x, String said, String weight) {
        svg.append("<text x=\"%d\" y=\"%d\" font-weight=\"%s\">%s</text>%n".formatted(x, y, weight,
                said.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")));
    }
}
