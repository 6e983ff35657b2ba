package squall.cli;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** What is said about a command line that cannot be used: a sentence or two, without the parser's own words where they are jargon. */
final class WrongUse {
    /** Flags that people bring from llama.cpp and vLLM, with what does here what they want. */
    private static final Map<String, String> FOREIGN = foreign();

    private WrongUse() {}

    private static Map<String, String> foreign() {
        Map<String, String> all = new LinkedHashMap<>();
        say(all, "Models are not downloaded: name a file or directory with -m.", "-hf", "-hfr", "--hf-repo", "-hff", "--hf-file");
        say(all, "A GPU is taken with --device cuda:0 or opencl:0, and with --device cuda:0,cpu for the layers that fit.",
                "-ngl", "--gpu-layers", "--n-gpu-layers");
        say(all, "Layers are shared out with --device cuda:0,cuda:1 and -ts.", "-tp", "--tensor-parallel-size", "-sm", "--split-mode");
        say(all, "There is no other kind of attention to choose; leave it out.", "-fa", "--flash-attn");
        say(all, "Weights are always memory-mapped; leave it out.", "--mmap", "--no-mmap", "-mmp");
        say(all, "The model's own chat template is always used; leave it out.", "--jinja");
        say(all, "A conversation is 'squall chat'.", "-cnv", "--conversation", "-i", "--interactive");
        say(all, "A prompt is continued as it is with --raw.", "-no-cnv", "--no-conversation");
        return all;
    }

    private static void say(Map<String, String> all, String what, String... flags) {
        for (String flag : flags) all.put(flag, what);
    }

    /** The whole message, with the command whose help has the flags. */
    static String message(ParameterException e, Map<String, String> environment) {
        CommandSpec command = e.getCommandLine().getCommandSpec();
        String what = e instanceof UnmatchedArgumentException unmatched ? unmatched(unmatched, command)
                : sentence(plain(e) + origin(e.getMessage(), command, environment));
        return "squall: " + what + " See '" + command.qualifiedName() + " --help'.";
    }

    static String sentence(String message) {
        return message.endsWith(".") || message.endsWith("?") || message.endsWith("!") ? message : message + ".";
    }

    private static String unmatched(UnmatchedArgumentException e, CommandSpec command) {
        String first = e.getUnmatched().getFirst();
        StringBuilder said = new StringBuilder();
        if (e.isUnknownOption()) said.append(sentence(e.getMessage()));
        else if (command.parent() == null) said.append("There is no command '").append(first).append("'.");
        else said.append('\'').append(first).append("' belongs to no flag")
                    .append(command.findOption("--prompt") == null ? "." : "; a text goes after -p.");
        String instead = FOREIGN.get(first.split("=", 2)[0]);
        if (instead != null) return said.append(' ').append(instead).toString();
        List<String> close = e.getSuggestions();
        if (!close.isEmpty()) said.append(" Did you mean ").append(String.join(" or ", close)).append('?');
        return said.toString();
    }

    /** With the flag's usual long name instead of its longest, which is another program's, and without names of Java's types. */
    private static String plain(ParameterException e) {
        if (!(e.getArgSpec() instanceof OptionSpec option)) return e.getMessage();
        String usual = Arrays.stream(option.names()).filter(n -> n.startsWith("--")).findFirst().orElse(option.longestName());
        return e.getMessage().replace("'" + option.longestName() + "'", "'" + usual + "'")
                .replaceFirst(" is not an int$", " is not a whole number up to " + Integer.MAX_VALUE)
                .replaceFirst(" is not a long$", " is not a whole number up to " + Long.MAX_VALUE)
                .replaceFirst(" is not a double$", " is not a number");
    }

    /** Where a value that is complained about comes from, if that is the environment: nobody looks for it there. */
    private static String origin(String message, CommandSpec command, Map<String, String> environment) {
        for (OptionSpec option : command.options())
            for (String name : option.names()) {
                String value = name.startsWith("--") ? environment.get(EnvironmentDefaults.variable(name)) : null;
                if (value != null && !value.isBlank() && message.contains(value) && isNamed(option, message))
                    return "; it comes from " + EnvironmentDefaults.variable(name) + " in the environment";
            }
        return "";
    }

    private static boolean isNamed(OptionSpec option, String message) {
        return Arrays.stream(option.names()).anyMatch(n -> Pattern.compile(Pattern.quote(n) + "(?![\\w-])").matcher(message).find());
    }
}
