package squall.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class ChatTerminalTest {

    @Test void aBackslashGoesOn() {
        assertTrue(ChatTerminal.isOpen("one\\"));
        assertFalse(ChatTerminal.isOpen("one\\\ntwo"));
        assertEquals("one\ntwo", ChatTerminal.joined("one\\\ntwo"));
    }

    @Test void threeQuotesHoldLines() {
        assertTrue(ChatTerminal.isOpen("\"\"\"\none"));
        assertFalse(ChatTerminal.isOpen("\"\"\"\none\ntwo\n\"\"\""));
        assertEquals("one\ntwo", ChatTerminal.joined("\"\"\"\none\ntwo\n\"\"\""));
        assertEquals("\"\"\"", ChatTerminal.joined("\"\"\""));
    }
}
