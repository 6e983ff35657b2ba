package squall.cli;

import java.util.ServiceLoader;
import squall.engine.ExecutorProvider;

/** What the launcher has HotSpot watch before it makes its cache of classes and profiles: a command, and then what each kind of device practises. */
final class StartPractice {
    private StartPractice() {}

    public static void main(String[] arguments) {
        int code = Squall.run(Streams.ofProcess(), arguments);
        for (ExecutorProvider provider : ServiceLoader.load(ExecutorProvider.class)) provider.practise();
        System.exit(code);
    }
}
