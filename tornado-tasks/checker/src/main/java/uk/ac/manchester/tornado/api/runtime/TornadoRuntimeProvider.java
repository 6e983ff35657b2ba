package uk.ac.manchester.tornado.api.runtime;

import squall.checker.CheckerRuntime;
import uk.ac.manchester.tornado.api.TornadoRuntime;

/** The one runtime of this process: the checker. */
public class TornadoRuntimeProvider {

    public static TornadoRuntime getTornadoRuntime() {
        return CheckerRuntime.INSTANCE;
    }

    public static boolean isProfilerEnabled() {
        return getTornadoRuntime().isProfilerEnabled();
    }

    public static void setProperty(String key, String value) {
        System.setProperty(key, value);
    }

    public static String getProperty(String key, String value) {
        return System.getProperty(key, value);
    }

    public static String getProperty(String key) {
        return System.getProperty(key);
    }
}
