package squall.text.jinja;

import java.util.LinkedHashMap;
import java.util.Map;

/** The one value that a template may change: {@code set ns.name = value} from within any block. */
final class Namespace {
    final Map<String, Object> attributes = new LinkedHashMap<>();
}
