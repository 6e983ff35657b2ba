package squall.text.jinja;

import java.util.Iterator;
import java.util.Map;

/** What {@code keys()}, {@code values()} and {@code items()} of a dict give: iterable, with a length, not indexable. */
record DictView(Kind kind, Map<?, ?> map) {

    enum Kind { KEYS, VALUES, ITEMS }

    Iterator<Object> iterator() {
        Iterator<? extends Map.Entry<?, ?>> entries = map.entrySet().iterator();
        return new Iterator<>() {
            @Override
            public boolean hasNext() {
                return entries.hasNext();
            }

            @Override
            public Object next() {
                Map.Entry<?, ?> entry = entries.next();
                return switch (kind) {
                    case KEYS -> entry.getKey();
                    case VALUES -> entry.getValue();
                    case ITEMS -> new Tuple(entry.getKey(), entry.getValue());
                };
            }
        };
    }
}
