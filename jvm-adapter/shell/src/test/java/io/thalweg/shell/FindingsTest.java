package io.thalweg.shell;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Set;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** What is said once, what is forgotten, and how pauses grow. */
class FindingsTest {
    private final Findings findings = new Findings(LoggerFactory.getLogger(FindingsTest.class));

    @Test
    void onlyNewsIsSaid() {
        assertTrue(findings.say("statistics", "cannot be read"));
        assertFalse(findings.say("statistics", "cannot be read"));
        assertTrue(findings.say("statistics", "can be read"));
    }

    @Test
    void whatWasSaidOfATopologyThatIsGoneIsForgotten() {
        findings.say("job a", "x");
        findings.say("job b", "x");
        findings.say("statistics", "x");
        findings.keep(Set.of("a"));
        assertFalse(findings.say("job a", "x"));
        assertTrue(findings.say("job b", "x"));
        assertFalse(findings.say("statistics", "x"));
    }

    @Test
    void pausesDoubleUpToAMinuteOrTheInterval() {
        assertEquals(10_000, Findings.pauseMillis(10_000, 0));
        assertEquals(20_000, Findings.pauseMillis(10_000, 1));
        assertEquals(60_000, Findings.pauseMillis(10_000, 3));
        assertEquals(8_000, Findings.pauseMillis(1_000, 40));
        assertEquals(90_000, Findings.pauseMillis(90_000, 3));
    }
}
