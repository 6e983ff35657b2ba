package squall.cli;

import java.io.Console;

/** Whether somebody sits in front of it. */
final class Terminal {
    private Terminal() {}

    static boolean isInteractive() {
        Console console = System.console();
        return console != null && console.isTerminal();
    }
}
