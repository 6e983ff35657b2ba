package squall.text.jinja;

import java.util.AbstractList;
import java.util.List;

/** A Python tuple: a list that prints with parentheses and equals tuples only. */
final class Tuple extends AbstractList<Object> {
    private final Object[] items;
    private boolean group;

    Tuple(Object... items) {
        this.items = items;
    }

    /** A pair of {@code groupby}: its parts have names. */
    static Tuple group(Object grouper, List<Object> list) {
        Tuple tuple = new Tuple(grouper, list);
        tuple.group = true;
        return tuple;
    }

    boolean isGroup() {
        return group;
    }

    static Tuple of(List<Object> items) {
        return new Tuple(items.toArray());
    }

    @Override
    public Object get(int index) {
        return items[index];
    }

    @Override
    public int size() {
        return items.length;
    }
}
