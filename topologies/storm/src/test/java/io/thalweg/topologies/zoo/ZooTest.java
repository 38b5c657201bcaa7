package io.thalweg.topologies.zoo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class ZooTest {
    @Test
    void eachMemberIsATopology() throws Exception {
        for (String kind : Zoo.kinds()) {
            assertTrue(Zoo.build(kind).get_spouts_size() > 0, kind);
        }
        assertEquals(Zoo.build("plain"), Zoo.build("plain-2"));
    }

    @Test
    void fluxReadsItsFile() throws Exception {
        assertEquals(2, Zoo.build("flux").get_bolts().get("relay").get_common().get_parallelism_hint());
    }

    @Test
    void whatPythonImportsTravelsWithTheScript() {
        assertNotNull(getClass().getResource("/resources/shout.py"));
        assertNotNull(getClass().getResource("/resources/storm.py"));
    }

    @Test
    void unknownMembersAreRefused() {
        assertThrows(IllegalArgumentException.class, () -> Zoo.build("plane"));
    }
}
