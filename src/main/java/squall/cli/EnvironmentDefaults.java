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
            if (value != null && !value.isBlank()) return isSwitch(option) ? onOrOff(value) : value;
        }
        return null;
    }

    private static boolean isSwitch(OptionSpec option) {
        return option.arity().max() == 0;
    }

    /** As people write switches in an environment; anything else is left for the parser to complain about. */
    private static String onOrOff(String value) {
        return switch (value.strip().toLowerCase(Locale.ROOT)) {
            case "1", "on", "yes" -> "true";
            case "0", "off", "no" -> "false";
            default -> value;
        };
    }

    /** {@code --ctx-size} -> {@code SQUALL_CTX_SIZE}. */
    static String variable(String longName) {
        return "SQUALL_" + longName.substring(2).replace('-', '_').toUpperCase(Locale.ROOT);
    }
}
