package squall.cli;

import java.util.Locale;
import java.util.Map;
import picocli.CommandLine.IDefaultValueProvider;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;

/** One environment variable for each flag, {@code --ctx-size} as {@code SQUALL_CTX_SIZE}: flag over variable over default. */
final class EnvironmentDefaults implements IDefaultValueProvider {
    private final Map<String, String> environment;

    EnvironmentDefaults(Map<String, String> environment) {
        this.environment = environment;
    }

    @Override public String defaultValue(ArgSpec arg) {
        if (!(arg instanceof OptionSpec option) || option.usageHelp() || option.versionHelp()) return null;
        for (String name : option.names()) {
            if (!name.startsWith("--")) continue;
            String value = environment.get(variable(name));
            if (value != null && !value.isBlank()) return value;
        }
        return null;
    }

    /** {@code --ctx-size} -> {@code SQUALL_CTX_SIZE}. */
    static String variable(String longName) {
        return "SQUALL_" + longName.substring(2).replace('-', '_').toUpperCase(Locale.ROOT);
    }
}
