package squall.text.jinja;

import java.util.Iterator;

/** A Python generator: true, without length, and its items can be taken once. */
record Lazy(Iterator<Object> items) {
}
