package io.thalweg.shell;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;

/** What a monitor does with what it finds: it logs news once, and passes plans on. For one thread. */
public final class Findings {
    private static final long LONGEST_PAUSE_MILLIS = 60_000;
    private static final int MOST_DOUBLINGS = 3;
    private static final String DECISION = "decision ";

    private final Logger log;
    private final Map<String, String> lastWords = new HashMap<>();

    /** Writes to this log. */
    public Findings(Logger log) {
        this.log = log;
    }

    /** Logs what changed since it was last said, and returns whether it did. */
    public boolean say(String about, String words) {
        boolean news = !words.equals(lastWords.put(about, words));
        if (news) {
            log.info("{}", Visible.text(words));
        }
        return news;
    }

    /** Logs a decision's verdict and reasons, and has its plan carried out. */
    public void take(JsonNode decision, Actuator actuator) {
        String verdict = decision.path("verdict").asText();
        String about = DECISION + decision.path("topology").asText();
        StringBuilder words = new StringBuilder(about + ": " + decision.path("name").asText() + ": " + verdict);
        decision.path("reasons").forEach(reason -> words.append(", ").append(reason.path("code").asText()));
        say(about, words.toString());
        if ("act".equals(verdict) && decision.path("plan").isObject()) {
            actuator.offer(decision.get("plan"));
        }
    }

    /** Forgets what was said about {@code "WORD ID"} where this is the id of none of these topologies. */
    public void keep(Set<String> topologies) {
        lastWords.keySet().removeIf(about -> isOfAnother(about, topologies));
    }

    private static boolean isOfAnother(String about, Set<String> topologies) {
        int space = about.indexOf(' ');
        return space > 0 && !topologies.contains(about.substring(space + 1));
    }

    /** The pause after so many failures in a row: the interval, doubled by each failure, up to a minute. */
    public static long pauseMillis(long interval, int failures) {
        return Math.min(interval << Math.min(failures, MOST_DOUBLINGS), Math.max(interval, LONGEST_PAUSE_MILLIS));
    }
}
