package io.thalweg.shell;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

/** What is noted in the cluster before an engine leads in a term above those that elections give. */
class EngineFacadeTest {
    private final List<String> said = new ArrayList<>();
    private OptionalLong elected = OptionalLong.of(3);
    private boolean refuses;
    private long base;

    /** Leads only once the base is known that its store asks for. */
    private final class AheadStore extends SilentEngine {
        @Override
        public JsonNode command(JsonNode command, long now) {
            said.add(command.path("op").asText() + " " + command.path("term_base").asLong());
            return command.path("term_base").asLong() == 900 ? JsonNodeFactory.instance.objectNode().put("term", 1668)
                : JsonNodeFactory.instance.objectNode().put("term_base", 900);
        }
    }

    private final class Place implements ClusterNote {
        @Override
        public Optional<String> read() {
            return Optional.empty();
        }

        @Override
        public void write(String json) { }

        @Override
        public void clear() { }

        @Override
        public long termBase() {
            return base;
        }

        @Override
        public void keepTermBase(long kept) {
            if (refuses) {
                throw new IllegalStateException("out of reach");
            }
            base = kept;
        }
    }

    private EngineFacade facade() {
        return new EngineFacade(new AheadStore(), () -> elected, new Place());
    }

    @Test
    void theBaseIsNotedBeforeItLeads() {
        facade().lead(3);
        assertEquals(900, base);
        assertEquals(List.of("lead 0", "lead 900"), said);
        said.clear();
        facade().lead(3);
        assertEquals(List.of("lead 900"), said, "it is known by now");
    }

    @Test
    void withoutItNobodyLeads() {
        refuses = true;
        assertThrows(IllegalStateException.class, () -> facade().lead(3));
        assertEquals(List.of("lead 0"), said);
    }

    @Test
    void aLaterLeadersIsNotReplaced() {
        elected = OptionalLong.of(4);
        assertThrows(IllegalStateException.class, () -> facade().lead(3));
        assertEquals(0, base);
    }
}
