package io.thalweg.shell;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.slf4j.Logger;
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
    void aNameWritesNoLineOfItsOwnIntoTheLog() {
        assertEquals("wörter → split", Visible.text("wörter → split"));
        assertEquals("a\\u{a}INFO \\u{1b}[2J\\u{202e}", Visible.text("a\nINFO \u001b[2J\u202e"));
        List<String> lines = new ArrayList<>();
        new Findings(taking(lines)).say("job a", "a\nb");
        assertEquals(List.of("a\\u{a}b"), lines);
    }

    private static Logger taking(List<String> lines) {
        return (Logger) Proxy.newProxyInstance(FindingsTest.class.getClassLoader(), new Class<?>[] {Logger.class},
            (proxy, method, arguments) -> method.getName().equals("info") ? lines.add((String) arguments[1]) : null);
    }

    @Test
    void aDecisionIsLoggedWhenItChangesAndNotAtEachLook() {
        List<String> lines = new ArrayList<>();
        Findings logged = new Findings(taking(lines));
        for (String code : List.of("NO_BOTTLENECK", "NO_BOTTLENECK", "SETTLING", "SETTLING", "NO_BOTTLENECK")) {
            ObjectNode decision = JsonNodeFactory.instance.objectNode();
            decision.put("topology", "words-1").put("name", "words").put("verdict", "hold");
            decision.putArray("reasons").addObject().put("code", code);
            logged.take(decision, null);
        }
        assertEquals(List.of("decision words-1: words: hold, NO_BOTTLENECK", "decision words-1: words: hold, SETTLING",
            "decision words-1: words: hold, NO_BOTTLENECK"), lines);
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
