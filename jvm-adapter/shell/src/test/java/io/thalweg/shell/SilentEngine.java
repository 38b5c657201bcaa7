package io.thalweg.shell;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.nio.ByteBuffer;

/** An engine that answers every command with nothing; a test says what else it expects of it. */
public class SilentEngine implements Engine {
    @Override
    public JsonNode observe(ByteBuffer snapshot, int length, long now) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void assign(ByteBuffer cluster, int length, ByteBuffer answers, long now) {
        throw new UnsupportedOperationException();
    }

    @Override
    public JsonNode command(JsonNode command, long now) {
        return JsonNodeFactory.instance.objectNode();
    }

    @Override
    public void close() { }
}
