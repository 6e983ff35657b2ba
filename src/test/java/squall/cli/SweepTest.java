package squall.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.w3c.dom.Document;

class SweepTest {
    private static final String HYBRID = Path.of("..", "models", "squall-tiny", "squall-tiny-Q8_0.gguf").toString();
    private static final String DENSE = Path.of("test", "resources", "goldens", "hf", "qwen3").toString();
    /** Of squall-tiny: two attention layers; keys and values in halves. */
    private static final String SHORT = "-p 4 -n 2 -r 2 -t 2";

    @TempDir Path directory;

    private static SweepRow row(String model, int depth, double speed) {
        return new SweepRow(model, "CPU", 2, "f16", "q8_0", "blank", depth, 512, speed, 1.5, 32, speed / 4, 0.25, 1000L * depth, 64,
                1 << 20, -1, "0123abcd", "2026-01-02T03:04:05Z");
    }

    private static Cli sweep(String flags) {
        return Cli.run(("bench sweep " + flags).split(" "));
    }

    private static Document parse(String svg) throws Exception {
        return DocumentBuilderFactory.newDefaultInstance().newDocumentBuilder()
                .parse(new ByteArrayInputStream(svg.getBytes(StandardCharsets.UTF_8)));
    }

    @ParameterizedTest @ValueSource(strings = {"blank", "prompt"})
    void measuresEveryModelAtEveryDepth(String fill) throws Exception {
        Path svg = directory.resolve("sweep.svg");
        Cli run = sweep("-m " + HYBRID + " -m " + DENSE + " -d 1K,0,64 --fill " + fill + " --svg " + svg + " " + SHORT);
        assertEquals(0, run.code(), run.err());
        List<SweepRow> rows = SweepRow.read(run.out().lines().toList());
        assertEquals(List.of(0, 64, 1024, 0, 64, 1024), rows.stream().map(SweepRow::depth).toList());
        for (SweepRow r : rows) {
            assertTrue(r.promptSpeed() > 0 && r.generateSpeed() > 0, r.csv());
            assertEquals(fill, r.fill());
            assertTrue(r.residentBytes() == -1 || r.residentBytes() > r.weightBytes() / 2, r.csv());
        }
        SweepRow hybrid = rows.get(2);
        assertEquals(430080, hybrid.stateBytes());
        assertEquals(0, rows.get(3).stateBytes());
        assertEquals(2 * rows.get(4).kvBytes() * 8, rows.get(5).kvBytes());
        assertEquals(3 + 3, parse(Files.readString(svg)).getElementsByTagName("polyline").getLength(), "three charts of two models");
    }

    @Test void rowsOfBeforeAreDrawnWithoutMeasuring() throws Exception {
        Path a = Files.writeString(directory.resolve("a.csv"), SweepRow.head() + "\n" + row("dense & \"old\", 1 B", 0, 100).csv() + "\n"
                + row("dense & \"old\", 1 B", 4096, 50).csv() + "\n");
        Path b = Files.writeString(directory.resolve("b.csv"), SweepRow.head() + "\n" + row("hybrid", 4096, 90).csv() + "\n\n");
        Path svg = directory.resolve("both.svg");
        Cli run = sweep("--from " + a + "," + b + " --svg " + svg);
        assertEquals(0, run.code(), run.err());
        assertEquals(List.of(SweepRow.head(), row("dense & \"old\", 1 B", 0, 100).csv(), row("dense & \"old\", 1 B", 4096, 50).csv(),
                row("hybrid", 4096, 90).csv()), run.out().lines().toList());
        String picture = Files.readString(svg);
        parse(picture);
        assertTrue(picture.contains("dense &amp; \"old\", 1 B"), picture);
    }

    @Test void aRowIsReadAsItWasWritten() {
        SweepRow row = row("a \"b\", c", 65536, 12.5);
        assertEquals(List.of(row), SweepRow.read(List.of(SweepRow.head(), row.csv())));
    }

    /** A point lies where its numbers say: speeds on the line between zero and the top of the grid, depths at equal distances. */
    @Test void pointsLieWhereTheirNumbersSay() throws Exception {
        Document chart = parse(SweepPicture.of(List.of(row("m", 0, 100), row("m", 1024, 75), row("m", 65536, 50))));
        String[] points = chart.getElementsByTagName("polyline").item(1).getAttributes().getNamedItem("points").getNodeValue().split("[ ,]");
        double[] p = Arrays.stream(points).mapToDouble(Double::parseDouble).toArray();
        assertEquals(p[2] - p[0], p[4] - p[2], 0.11);
        assertEquals(p[3] - p[1], p[5] - p[3], 0.11);
        assertTrue(p[1] < p[3], "faster is higher");
    }

    @ParameterizedTest @CsvSource({"100, 50", "95, 25", "0.9, 0.25", "39, 20", "0, 1", "9.6, 5"})
    void theGridIsRound(double largest, double expected) {
        assertEquals(expected, SweepPicture.step(largest), 1e-12);
    }

    @ParameterizedTest @CsvSource(delimiter = '|', value = {
        "-d 4x|'4x' is not a number", "-d -1|--n-depth must be from 0", "-p 0 -n 0|nothing to measure", "-r 0|--repetitions must be from 1",
        "--fill full|full", "--from nowhere.csv|--from nowhere.csv cannot be read", "-d 99999999K|is not a number",
        "-m nowhere.gguf|there is no such file", "--svg nowhere/x.svg|; make it first", "--svg .|found a folder"})
    void wrongUseIsOneSentenceAndCodeTwo(String flags, String said) {
        Cli run = sweep(flags);
        assertEquals(2, run.code(), run.err());
        assertEquals(1, run.err().strip().lines().count(), run.err());
        assertTrue(run.err().contains(said), run.err());
    }

    @Test void filesThatAreNotOfASweepAreRefused() throws IOException {
        Path other = Files.writeString(directory.resolve("other.csv"), "a,b\n1,2\n");
        Cli run = sweep("--from " + other);
        assertEquals(2, run.code());
        assertTrue(run.err().contains("the first line is not that of a sweep"), run.err());
        String message = assertThrows(IllegalArgumentException.class, () -> SweepRow.read(List.of(SweepRow.head(), "1,2"))).getMessage();
        assertTrue(message.contains("line 2"), message);
    }
}
