package squall.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

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
