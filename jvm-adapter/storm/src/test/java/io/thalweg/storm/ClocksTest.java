package io.thalweg.storm;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ClocksTest {
    private static final long NOW = 1_700_000_000_000L;

    private final List<String> asked = new ArrayList<>();

    @Test
    void theLastHeartbeatTellsTheClock() {
        Clocks clocks = new Clocks(node -> switch (node) {
            case "ahead" -> OptionalLong.of(1_700_000_045L);
            case "behind" -> OptionalLong.of(1_699_999_960L);
            default -> OptionalLong.empty();
        });
        assertEquals(Map.of("ahead", 45_000.0, "behind", -40_000.0), clocks.read(List.of("ahead", "behind", "silent"), NOW));
        assertEquals(Map.of(), clocks.read(List.of("silent"), NOW));
    }

    @Test
    void eachIsReadOnceAMinuteAndFewAtATime() {
        Clocks clocks = new Clocks(node -> {
            asked.add(node);
            return OptionalLong.of(NOW / 1000);
        });
        List<String> nodes = IntStream.range(0, 60).mapToObj(n -> "node-" + n).toList();
        for (int look = 0; look < 6; look++) {
            clocks.read(nodes, NOW + 10_000 * look);
        }
        assertEquals(60, asked.size());
        assertEquals(60, clocks.read(nodes, NOW + 59_000).size());
        assertEquals(60, asked.size());
        clocks.read(nodes, NOW + 60_000);
        assertEquals(85, asked.size());
    }
}
