package io.thalweg.shell;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.ByteBuffer;

/** The decision core as this shell uses it. */
public interface Engine extends AutoCloseable {
    /** Hands over what was measured and returns the decisions that follow. */
    JsonNode observe(ByteBuffer snapshot, int length, long now);

    /** Fills in, for every executor in encoded order, the index of its slot, or one of the answers below. */
    void assign(ByteBuffer cluster, int length, ByteBuffer answers, long now);

    /** Carries out one command; may take seconds, so never called from {@code schedule()}. */
    JsonNode command(JsonNode command, long now);

    @Override
    void close();

    /** The executor is to be placed by Storm's own scheduler. */
    int LEAVE = -1;

    /** The executor stays where it is. */
    int KEEP = -2;

    /** No slot can take the executor: it stays without one. */
    int NO_ROOM = -3;
}
