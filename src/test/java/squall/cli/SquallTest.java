package squall.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SquallTest {

    @Test void helpIsTheResult() {
        Cli help = Cli.run("--help");
        assertEquals(0, help.code());
        assertTrue(help.out().startsWith("Usage: squall"), help.out());
        assertEquals("", help.err());
    }

    @Test void versionIsTheResult() {
        Cli version = Cli.run("--version");
        assertEquals(0, version.code());
        assertEquals(Squall.VERSION, version.out().strip());
    }

    @Test void noCommandIsWrongUseWithTheHelpOnStderr() {
        Cli none = Cli.run();
        assertEquals(2, none.code());
        assertEquals("", none.out());
        assertTrue(none.err().startsWith("Usage: squall"), none.err());
    }

    @Test void unknownCommandAndFlagAreNamedInOneLine() {
        for (String wrong : new String[] {"sing", "--louder"}) {
            Cli run = Cli.run(wrong);
            assertEquals(2, run.code());
            assertEquals("", run.out());
            assertTrue(run.err().contains(wrong), run.err());
            assertEquals(1, run.err().lines().count(), run.err());
        }
    }

    @ParameterizedTest @CsvSource(delimiter = '|', value = {
        "-hf Qwen/Qwen3-0.6B-GGUF | not downloaded", "-ngl 99 | --device cuda:0", "--flash-attn | leave it out", "--split-mode=row | -ts",
        "-cnv | squall chat"})
    void flagsOfOtherProgramsAreAnsweredWithWhatToDo(String flags, String said) {
        Cli run = Cli.run(("run -p x " + flags).split(" "));
        assertEquals(2, run.code());
        assertTrue(run.err().contains("Unknown option") && run.err().contains(said), run.err());
        assertEquals(1, run.err().lines().count(), run.err());
    }

    @Test void aTextWithoutItsFlagIsToldWhereItGoes() {
        assertEquals("squall: 'Why is the sky blue?' belongs to no flag; a text goes after -p. See 'squall run --help'.",
                Cli.run("run", "Why is the sky blue?").err().strip());
        assertEquals("squall: 'model.gguf' belongs to no flag. See 'squall inspect --help'.", Cli.run("inspect", "model.gguf").err().strip());
        assertEquals("squall: There is no command 'runn'. Did you mean run or tune? See 'squall --help'.",
                Cli.run("runn", "-p", "x").err().strip());
    }

    @Test void wrongNumbersAreNotCalledByJavasTypes() {
        assertEquals("squall: Invalid value for option '--ctx-size': '99999999999' is not a whole number up to 2147483647. See 'squall run --help'.",
                Cli.run("run", "-c", "99999999999").err().strip());
        assertEquals("squall: Invalid value for option '--temp': 'hot' is not a number. See 'squall run --help'.",
                Cli.run("run", "--temp", "hot").err().strip());
    }

    @Test void completionKnowsEveryCommandAndItsFlags() {
        Cli completion = Cli.run("completion");
        assertEquals(0, completion.code(), completion.err());
        assertEquals("", completion.err());
        assertTrue(completion.out().contains("complete -F _complete_squall -o default squall"), completion.out());
        for (String known : new String[] {"perplexity", "--ctx-size", "--think", "--n-depth", "doctor"})
            assertTrue(completion.out().contains(known), known);
    }

    @Test void stackTraceOnlyWhenAsked() {
        assertFalse(Cli.run("sing").err().contains("\tat "));
        assertTrue(Cli.run("--stacktrace", "sing").err().contains("\tat "));
    }
}
