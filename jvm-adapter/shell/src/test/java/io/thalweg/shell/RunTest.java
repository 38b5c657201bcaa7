package io.thalweg.shell;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.thalweg.shell.Phase.Result;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

public class RunTest {
    private final ArrayNode steps = JsonNodeFactory.instance.arrayNode();

    @Test
    void aRunThatSucceedsDoesEveryPhaseOnceAndEnds() throws Exception {
        Recorded strategy = new Recorded(Map.of());
        Run.End end = new Run(strategy, "p", 1000, () -> { }, steps, new EngineFacade(new SilentEngine())).walk();
        assertEquals(List.of("PREPARE", "STARTED", "SWITCHED", "COMMITTED", "end"), strategy.done);
        assertEquals(Phase.CLEANED, end.phase());
        assertNull(end.code());
    }

    @ParameterizedTest
    @EnumSource(names = {"PREPARE", "STARTED"})
    void beforeTheSwitchAFailureLeadsBack(Phase failing) throws Exception {
        Recorded strategy = new Recorded(Map.of(failing, new StepFailed(StepFailed.Code.STEP_DEADLINE, "too slow")));
        Run.End end = new Run(strategy, "p", 1000, () -> { }, steps, new EngineFacade(new SilentEngine())).walk();
        assertEquals(Phase.ABORTED, end.phase());
        assertEquals("STEP_DEADLINE", end.code());
        assertEquals(List.of("back", "end"), strategy.done.subList(strategy.done.size() - 2, strategy.done.size()));
    }

    @ParameterizedTest
    @EnumSource(names = {"SWITCHED", "COMMITTED"})
    void afterTheSwitchAFailureIsNotedAndTheRunGoesOn(Phase failing) throws Exception {
        Recorded strategy = new Recorded(Map.of(failing, new IllegalStateException("broken")));
        Run.End end = new Run(strategy, "p", 1000, () -> { }, steps, new EngineFacade(new SilentEngine())).walk();
        assertEquals(Phase.CLEANED, end.phase());
        assertEquals("ENGINE_REFUSED", end.code());
        assertFalse(strategy.done.contains("back"));
        assertTrue(strategy.done.contains("end"));
        assertFalse(steps.get(failing.ordinal()).get("ok").asBoolean());
    }

    @Test
    void whatIsToBeSaidOfAStepThatWasDoneStandsInItsRecord() throws Exception {
        Recorded strategy = new Recorded(Map.of()) {
            @Override
            public String remark(Phase phase) {
                return phase == Phase.STARTED ? "not confirmed" : "";
            }
        };
        new Run(strategy, "p", 1000, () -> { }, steps, new EngineFacade(new SilentEngine())).walk();
        assertEquals("not confirmed", steps.get(1).get("text").asText());
        assertTrue(steps.get(1).get("ok").asBoolean());
        assertEquals("", steps.get(2).get("text").asText());
    }

    @Test
    void nothingIsWaitedForOnceThePlanHasLostItsObject() throws Exception {
        Recorded strategy = new Recorded(Map.of()) {
            @Override
            public void perform(Phase phase, Deadline deadline) throws Exception {
                deadline.await("what will never be", () -> false);
            }
        };
        Deadline.Check gone = () -> {
            throw new StepFailed(StepFailed.Code.PLAN_OUTDATED, "it is gone");
        };
        Run.End end = new Run(strategy, "p", 600_000, gone, steps, new EngineFacade(new SilentEngine())).walk();
        assertEquals("PLAN_OUTDATED", end.code());
        assertEquals(List.of("back", "end"), strategy.done);
    }

    @ParameterizedTest
    @EnumSource(names = {"PREPARE", "STARTED", "SWITCHED", "COMMITTED"})
    void whoeverDoesNotLeadAnyMoreDoesNothingMore(Phase failing) throws Exception {
        Recorded strategy = new Recorded(Map.of(failing, new StepFailed(StepFailed.Code.LEADERSHIP_LOST, "another leads")));
        Run.End end = new Run(strategy, "p", 1000, () -> { }, steps, new EngineFacade(new SilentEngine())).walk();
        assertEquals(Phase.ABANDONED, end.phase());
        assertEquals("abandon", strategy.done.get(strategy.done.size() - 1));
        assertFalse(strategy.done.contains("back") || strategy.done.contains("end"), strategy.done.toString());
    }

    @Test
    void nothingBeginsWhereAnotherLeads() throws Exception {
        Recorded strategy = new Recorded(Map.of());
        EngineFacade deposed = new EngineFacade(new SilentEngine(), OptionalLong::empty, ClusterNote.NONE);
        Run.End end = new Run(strategy, "p", 1000, () -> { }, steps, deposed).walk();
        assertEquals(Phase.ABANDONED, end.phase());
        assertEquals(List.of(), strategy.done);
    }

    @ParameterizedTest
    @EnumSource(Phase.class)
    void everyPhaseComesToAnEnd(Phase phase) {
        for (Result result : Result.values()) {
            Phase at = phase;
            for (int i = 0; i < Phase.values().length; i++) {
                at = at.after(result);
            }
            assertTrue(at.last(), phase + " with " + result);
        }
    }

    /** An engine that takes every report. */
    private static class Recorded implements Strategy {
        private final List<String> done = new ArrayList<>();
        private final Map<Phase, Exception> failures;

        Recorded(Map<Phase, Exception> failures) {
            this.failures = new TreeMap<>(failures);
        }

        @Override
        public String name() {
            return "recorded";
        }

        @Override
        public void perform(Phase phase, Deadline deadline) throws Exception {
            done.add(phase.name());
            if (failures.containsKey(phase)) {
                throw failures.get(phase);
            }
        }

        @Override
        public void back() {
            done.add("back");
        }

        @Override
        public void abandon() {
            done.add("abandon");
        }

        @Override
        public void end() {
            done.add("end");
        }
    }
}
