package squall.checker;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Numbers for places in kernels: an access is remembered as one int. */
final class Sites {

    /** A line of a method. */
    record Site(String className, String method, int line) {
        @Override
        public String toString() {
            return className.substring(className.lastIndexOf('.') + 1) + "." + method + ", line " + line;
        }
    }

    private static final List<Site> ALL = new ArrayList<>(List.of(new Site("", "", 0)));
    private static final Map<Site, Integer> NUMBERS = new HashMap<>();

    private Sites() {
    }

    static synchronized int number(String className, String method, int line) {
        return NUMBERS.computeIfAbsent(new Site(className, method, line), site -> {
            ALL.add(site);
            return ALL.size() - 1;
        });
    }

    static synchronized Site at(int number) {
        return ALL.get(number);
    }
}
