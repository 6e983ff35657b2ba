package squall.text.jinja;

import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.function.Predicate;

/** Those items of an iterator that a predicate keeps, taken no earlier than asked for. */
final class Chosen implements Iterator<Object> {
    private final Iterator<Object> source;
    private final Predicate<Object> keep;
    private Object ahead;
    private boolean found;

    Chosen(Iterator<Object> source, Predicate<Object> keep) {
        this.source = source;
        this.keep = keep;
    }

    @Override
    public boolean hasNext() {
        while (!found && source.hasNext()) {
            ahead = source.next();
            found = keep.test(ahead);
        }
        return found;
    }

    @Override
    public Object next() {
        if (!hasNext()) {
            throw new NoSuchElementException();
        }
        found = false;
        return ahead;
    }
}
