package squall.cli;

import java.text.DecimalFormat;
import java.text.DecimalFormatSymbols;
import java.util.Locale;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/** A progress bar on the terminal for work that takes over a second; nothing where there is no terminal. */
final class Progress implements AutoCloseable {
    private static final long QUIET_NANOS = 1_000_000_000L;
    private static final long MEGABYTE = 1_000_000L;

    private final String task;
    private final long total;
    private final boolean bytes;
    private final long started = System.nanoTime();
    private Bar bar;
    private boolean decided;

    /** Keeps the library's classes unloaded until a bar is shown. */
    private record Bar(ProgressBar shown) {
        static Bar open(String task, long total, boolean bytes) {
            ProgressBarBuilder builder = new ProgressBarBuilder().setTaskName(task).setInitialMax(total).setStyle(ProgressBarStyle.ASCII).clearDisplayOnFinish();
            if (bytes) builder.setUnit(" MB", MEGABYTE).showSpeed(new DecimalFormat("0", DecimalFormatSymbols.getInstance(Locale.ROOT)));
            return new Bar(builder.build());
        }
    }

    Progress(String task, long total) {
        this(task, total, false);
    }

    private Progress(String task, long total, boolean bytes) {
        this.task = task;
        this.total = total;
        this.bytes = bytes;
    }

    /** Shown in megabytes, and how many there are in a second. */
    static Progress ofBytes(String task, long total) {
        return new Progress(task, total, true);
    }

    /** Does nothing once closed. */
    void at(long done) {
        if (!decided && System.nanoTime() - started > QUIET_NANOS) {
            decided = true;
            if (Terminal.isInteractive()) bar = Bar.open(task, total, bytes);
        }
        if (bar != null) bar.shown.stepTo(done);
    }

    @Override public void close() {
        decided = true;
        if (bar != null) bar.shown.close();
        bar = null;
    }
}
