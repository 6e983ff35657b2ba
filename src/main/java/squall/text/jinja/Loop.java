package squall.text.jinja;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/** The {@code loop} of a for block: where it is, and the items around. */
final class Loop {
    private static final Object NONE = new Object();

    private final Run run;
    private Iterator<Object> items;
    private int length;
    int index0 = -1;
    Object current = NONE;
    private Object before = NONE;
    private Object after = NONE;
    private Object changed = NONE;

    /** @param length of the items, -1 where it is not known without taking them */
    Loop(Run run, Iterator<Object> items, int length) {
        this.run = run;
        this.items = items;
        this.length = length;
    }

    boolean next() {
        if (peek() == NONE) {
            return false;
        }
        before = current;
        current = after;
        after = NONE;
        index0++;
        return true;
    }

    private Object peek() {
        if (after == NONE && items.hasNext()) {
            after = items.next();
        }
        return after;
    }

    int length() {
        if (length < 0) {
            List<Object> rest = new ArrayList<>();
            while (items.hasNext()) {
                run.spend(1);
                rest.add(items.next());
            }
            items = rest.iterator();
            length = rest.size() + index0 + 1 + (after == NONE ? 0 : 1);
        }
        return length;
    }

    /** The attribute of that name, or null if loops have none; None is never one. */
    Object attribute(String name) {
        return switch (name) {
            case "index" -> (long) index0 + 1;
            case "index0" -> (long) index0;
            case "revindex" -> (long) length() - index0;
            case "revindex0" -> (long) length() - index0 - 1;
            case "first" -> index0 == 0;
            case "last" -> peek() == NONE;
            case "length" -> (long) length();
            case "depth" -> 1L;
            case "depth0" -> 0L;
            case "cycle", "changed" -> new LoopMethod(this, name);
            default -> null;
        };
    }

    Object previous() {
        return index0 == 0 ? new Undefined("there is no previous item") : before;
    }

    Object following() {
        return peek() == NONE ? new Undefined("there is no next item") : after;
    }

    private record LoopMethod(Loop loop, String name) implements Invocable {
        @Override
        public Object call(Run run, Arguments arguments) {
            if (!arguments.named().isEmpty()) {
                throw new TemplateException("loop." + name + "() takes no keyword arguments");
            }
            List<Object> values = arguments.positional();
            if (name.equals("cycle")) {
                if (values.isEmpty()) {
                    throw new TemplateException("loop.cycle() needs items");
                }
                return values.get(loop.index0 % values.size());
            }
            Tuple value = Tuple.of(values);
            boolean differs = loop.changed == NONE || !Types.equal(run, loop.changed, value);
            if (differs) {
                loop.changed = value;
            }
            return differs;
        }
    }
}
