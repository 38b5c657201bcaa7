package io.thalweg.shell;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.thalweg.bridge.NativeLibrary;
import io.thalweg.bridge.ThalwegEngine;
import io.thalweg.bridge.ThalwegException;
import java.nio.ByteBuffer;

/** The engine in the native library. */
public final class NativeEngine implements Engine {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final ThalwegEngine engine;

    /** Loads the library, from the jar unless a path is given, and opens an engine. */
    public NativeEngine(String libraryPath, String settings) {
        NativeLibrary.load(libraryPath);
        engine = ThalwegEngine.open(settings);
    }

    @Override
    public JsonNode observe(ByteBuffer snapshot, int length, long now) {
        return read(engine.observe(snapshot, length, now));
    }

    @Override
    public void assign(ByteBuffer cluster, int length, ByteBuffer answers, long now) {
        engine.assign(cluster, length, answers, now);
    }

    @Override
    public JsonNode command(JsonNode command, long now) {
        return read(engine.command(command.toString(), now));
    }

    @Override
    public void close() {
        engine.close();
    }

    private static JsonNode read(String json) {
        try {
            return JSON.readTree(json);
        } catch (JsonProcessingException e) {
            throw new ThalwegException(ThalwegException.Code.INTERNAL, "the native core answers what is no JSON", e);
        }
    }
}
