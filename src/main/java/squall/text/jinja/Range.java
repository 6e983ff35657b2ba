package squall.text.jinja;

import java.util.AbstractList;

/** The numbers {@code start, start + step, ...} before {@code stop}. */
final class Range extends AbstractList<Object> {
    /** The sandbox of the reference allows no longer ones. */
    static final int MAX_SIZE = 100_000;

    final long start;
    final long stop;
    final long step;
    private final int size;

    Range(long start, long stop, long step) {
        if (step == 0) {
            throw new TemplateException("range() needs a step other than 0");
        }
        long span = step > 0 ? Math.subtractExact(stop, start) : Math.subtractExact(start, stop);
        long count = span <= 0 ? 0 : (span - 1) / Math.abs(step) + 1;
        if (count > MAX_SIZE) {
            throw new TemplateException("range() of " + count + " numbers: at most " + MAX_SIZE + " are allowed");
        }
        this.start = start;
        this.stop = stop;
        this.step = step;
        this.size = (int) count;
    }

    @Override
    public Object get(int index) {
        return start + step * index;
    }

    @Override
    public int size() {
        return size;
    }
}
