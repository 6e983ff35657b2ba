package squall.text.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/** The filters that give lists of lists or pairs. */
final class Grouping {
    private Grouping() {
    }

    static List<Object> dictsort(Run run, Object value, Arguments arguments) {
        Object[] options = arguments.bind("dictsort", 0, "case_sensitive", "by", "reverse");
        boolean caseSensitive = Types.truth(Arguments.or(options[0], false));
        Object by = Arguments.or(options[1], "key");
        if (!(value instanceof Map<?, ?> map)) {
            throw new TemplateException("dictsort needs a mapping, found " + Types.name(value));
        }
        if (!"key".equals(by) && !"value".equals(by)) {
            throw new TemplateException("dictsort sorts by 'key' or 'value'");
        }
        List<Object> pairs = new ArrayList<>();
        new DictView(DictView.Kind.ITEMS, map).iterator().forEachRemaining(pairs::add);
        run.spend(pairs.size());
        int position = "key".equals(by) ? 0 : 1;
        return SequenceFilters.sorted(run, pairs, pair -> SequenceFilters.folded(((Tuple) pair).get(position), caseSensitive),
            Types.truth(Arguments.or(options[2], false)));
    }

    static List<Object> groupby(Run run, Object value, Arguments arguments) {
        Object[] options = arguments.bind("groupby", 1, "attribute", "default", "case_sensitive");
        boolean caseSensitive = Types.truth(Arguments.or(options[2], false));
        UnaryOperator<Object> getter = SequenceFilters.getter(options[0], Arguments.or(options[1], null));
        UnaryOperator<Object> key = item -> SequenceFilters.folded(getter.apply(item), caseSensitive);
        List<Object> groups = new ArrayList<>();
        List<Object> group = new ArrayList<>();
        Object last = Arguments.MISSING;
        for (Object item : SequenceFilters.sorted(run, Types.list(run, value), key, false)) {
            Object current = key.apply(item);
            if (last == Arguments.MISSING || !Types.equal(run, last, current)) {
                group = new ArrayList<>();
                groups.add(Tuple.group(getter.apply(item), group));
                last = current;
            }
            group.add(item);
        }
        return groups;
    }

    static Lazy batch(Run run, Object value, Arguments arguments) {
        Object[] options = arguments.bind("batch", 1, "linecount", "fill_with");
        int size = Numbers.small(options[0], "the size of batch");
        Object fill = Arguments.or(options[1], null);
        List<Object> rows = new ArrayList<>();
        List<Object> row = new ArrayList<>();
        for (Object item : Types.list(run, value)) {
            if (row.size() == size) {
                rows.add(row);
                row = new ArrayList<>();
            }
            row.add(item);
        }
        if (!row.isEmpty()) {
            run.spend(fill == null ? 0 : size);
            while (fill != null && row.size() < size) {
                row.add(fill);
            }
            rows.add(row);
        }
        return new Lazy(rows.iterator());
    }

    static Lazy slice(Run run, Object value, Arguments arguments) {
        Object[] options = arguments.bind("slice", 1, "slices", "fill_with");
        int slices = Numbers.small(options[0], "the number of slices");
        Object fill = Arguments.or(options[1], null);
        List<Object> items = Types.list(run, value);
        if (slices == 0) {
            throw new TemplateException("division by zero");
        }
        run.spend(Math.max(0, slices));
        List<Object> columns = new ArrayList<>();
        int at = 0;
        for (int i = 0; i < slices; i++) {
            boolean longer = i < items.size() % slices;
            int end = at + items.size() / slices + (longer ? 1 : 0);
            List<Object> column = new ArrayList<>(items.subList(at, end));
            if (fill != null && !longer) {
                column.add(fill);
            }
            columns.add(column);
            at = end;
        }
        return new Lazy(columns.iterator());
    }
}
