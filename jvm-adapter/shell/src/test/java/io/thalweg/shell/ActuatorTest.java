package io.thalweg.shell;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.thalweg.bridge.ThalwegException;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Whatever is thrown, plans are answered and later ones are carried out. */
class ActuatorTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final BlockingQueue<String> ended = new LinkedBlockingQueue<>();
    private final Queue<String> done = new ConcurrentLinkedQueue<>();
    private Actuator actuator;

    @AfterEach
    void close() {
        actuator.close();
    }

    private void start(Function<Plan, ClusterState> clusterStates) {
        actuator = new Actuator(new EngineFacade(new Answering()), clusterStates, 1000, result -> { });
        actuator.start();
    }

    private String outcomeOf(String plan) throws Exception {
        actuator.offer(JSON.readTree("""
                {"id": "%s", "topology": "t-1", "name": "t", "kind": "counts", "rows": []}""".formatted(plan)));
        String outcome = ended.poll(30, TimeUnit.SECONDS);
        assertTrue(outcome != null, "no end");
        return outcome;
    }

    /** Of the next plan that is taken: for a moment after the end of one, the thread is not yet free. */
    private String outcomeOfNext() throws Exception {
        String outcome = outcomeOf("sound");
        while (outcome.contains("BUSY")) {
            outcome = outcomeOf("sound");
        }
        return outcome.strip();
    }

    @Test
    void anErrorInAStepLeadsBackAndTheNextPlanIsCarriedOut() throws Exception {
        start(plan -> new OneWay(plan.id().equals("broken")));
        String outcome = outcomeOf("broken");
        assertTrue(outcome.startsWith("abort broken ENGINE_REFUSED java.lang.NoSuchMethodError"), outcome);
        assertEquals(List.of("PREPARE", "back", "end"), new ArrayList<>(done));
        assertEquals("finish sound", outcomeOfNext());
    }

    @Test
    void anErrorBeforeTheFirstStepIsAnswered() throws Exception {
        start(plan -> {
            if (plan.id().equals("broken")) {
                throw new StackOverflowError("for a test");
            }
            return new OneWay(false);
        });
        String outcome = outcomeOf("broken");
        assertTrue(outcome.startsWith("abort broken INTERNAL java.lang.StackOverflowError"), outcome);
        assertEquals("finish sound", outcomeOfNext());
    }

    @Test
    void aPlanThatCannotBeStoredIsNotBegunAndTheStoreIsNamed() throws Exception {
        start(plan -> new OneWay(false));
        String outcome = outcomeOf("unstored");
        assertTrue(outcome.startsWith("abort unstored STORE STORE: a successor could not learn"), outcome);
        assertTrue(done.isEmpty(), done::toString);
        assertEquals("finish sound", outcomeOfNext());
    }

    private final class OneWay implements ClusterState, Strategy {
        private final boolean broken;

        OneWay(boolean broken) {
            this.broken = broken;
        }

        @Override
        public List<Strategy> strategies() {
            return List.of(this);
        }

        @Override
        public List<Strategy> carryOn() {
            return strategies();
        }

        @Override
        public boolean reached() {
            return true;
        }

        @Override
        public String name() {
            return "one";
        }

        @Override
        public void perform(Phase phase, Deadline deadline) {
            done.add(phase.name());
            if (broken) {
                throw new NoSuchMethodError("for a test");
            }
        }

        @Override
        public void back() {
            done.add("back");
        }

        @Override
        public void end() {
            done.add("end");
        }
    }

    /** An engine that notes how plans end. */
    private final class Answering extends SilentEngine {
        @Override
        public JsonNode command(JsonNode command, long now) {
            String op = command.path("op").asText();
            if (op.equals("publish") && command.path("plan").asText().equals("unstored")) {
                throw new ThalwegException(ThalwegException.Code.STORE, "a successor could not learn of it");
            }
            if (op.equals("abort") || op.equals("finish")) {
                ended.add(String.join(" ", op, command.path("plan").asText(), command.path("code").asText(),
                        command.path("text").asText()));
            }
            return JSON.createObjectNode();
        }
    }
}
