package io.thalweg.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.UUID;
import org.apache.flink.runtime.leaderretrieval.LeaderRetrievalListener;
import org.junit.jupiter.api.Test;

/** Who leads, by what Flink's coordination service tells. */
class ByAddressTest {
    private static final String OWN = "http://127.0.0.1:8081";
    private static final String OTHER = "http://127.0.0.1:8082";

    private final List<LeaderRetrievalListener> listeners = new ArrayList<>();
    private String address;
    private UUID session;
    private final ByAddress leadership = new ByAddress(this::begin, this::begin, URI.create(OWN)::equals);

    ByAddressTest() throws Exception { }

    private AutoCloseable begin(LeaderRetrievalListener listener) {
        listeners.add(listener);
        if (address != null) {
            listener.notifyLeaderAddress(address, session);
        }
        return () -> listeners.remove(listener);
    }

    private void leads(String now) {
        address = now;
        session = UUID.randomUUID();
    }

    private void told() {
        listeners.forEach(listener -> listener.notifyLeaderAddress(address, session));
    }

    @Test
    void whoIsToldByNobodyDoesNotLead() {
        assertEquals(OptionalLong.empty(), leadership.lately());
    }

    @Test
    void aTermLastsAsLongAsItsSession() {
        leads(OWN);
        assertEquals(OptionalLong.of(1), leadership.term());
        assertEquals(OptionalLong.of(1), leadership.term());
        leads(OWN);
        assertEquals(OptionalLong.of(2), leadership.term(), "it has led, another has, and it does again");
        assertEquals(OptionalLong.of(2), leadership.lately());
    }

    @Test
    void whatIsAskedAnewIsNotAnsweredByWhatWasToldBefore() {
        leads(OWN);
        told();
        assertEquals(OptionalLong.of(1), leadership.lately());
        leads(OTHER);
        assertEquals(OptionalLong.of(1), leadership.lately(), "as of somebody who stood still");
        assertEquals(OptionalLong.empty(), leadership.term());
        assertEquals(OptionalLong.empty(), leadership.lately());
    }

    @Test
    void aLeaderThatIsGoneIsNoLeader() {
        leads(OWN);
        told();
        address = null;
        told();
        assertEquals(OptionalLong.empty(), leadership.lately());
    }

    @Test
    void nothingIsLeftBehindByAQuestion() {
        leads(OTHER);
        leadership.term();
        assertEquals(1, listeners.size());
    }
}
