package io.thalweg.storm;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PortsTest {
    @Test
    void freeSlotsHaveTheConfiguredPortsAndThenAny() {
        Ports ports = new Ports(List.of(6700, 6701, 6702));
        assertEquals(List.of(6700, 6701, 6702), ports.of("a", Set.of(6701), 3));
        assertEquals(List.of(6700, 6701, 6702, 6703), ports.of("b", Set.of(), 4));
        assertEquals(List.of(7000, 7001), new Ports(null).of("c", Set.of(7000), 2));
    }

    @Test
    void twoSupervisorsOfAHostHaveNoPortInCommon() {
        Ports ports = new Ports(List.of(6700, 6701, 6702, 6703));
        ports.use("a", 6700);
        ports.use("a", 6702);
        assertEquals(List.of(6700, 6701), ports.of("a", Set.of(6700), 2));
        assertEquals(List.of(6702, 6703), ports.of("a", Set.of(6702), 2));
    }

    @Test
    void whatRunsIsThereEvenIfThereAreTooManyOfIt() {
        assertEquals(List.of(1, 2, 3), new Ports(null).of("a", Set.of(1, 2, 3), 2));
    }
}
