package io.thalweg.storm.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class SettingsTest {
    private static final String TIMEOUT = "storm.thrift.socket.timeout.ms";

    /** Storm's own value is ten minutes, in which the timer of the new leader reads code from the old one. */
    @Test
    void severalNimbusesAreNotToWaitForOneThatStandsStill() {
        Map<String, Object> storms = Map.of("nimbus.seeds", List.of("one", "two"), TIMEOUT, 600_000);
        assertTrue(Settings.longWait(storms).orElseThrow().startsWith(TIMEOUT + " is 600000"), Settings.longWait(storms).get());
        assertTrue(Settings.longWait(Map.of("nimbus.seeds", List.of("one", "two"))).isPresent(), "for ever");
        assertEquals(Optional.empty(), Settings.longWait(Map.of("nimbus.seeds", List.of("one", "two"), TIMEOUT, 10_000)));
        assertEquals(Optional.empty(), Settings.longWait(Map.of("nimbus.seeds", List.of("one"), TIMEOUT, 600_000)));
    }
}
