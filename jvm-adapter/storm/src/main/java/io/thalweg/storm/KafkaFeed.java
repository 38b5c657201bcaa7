package io.thalweg.storm;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;

/**
 * Where a source reads from, as KafkaSpout tells it in its component's configuration: {@code config.} and the properties of
 * its consumer. It puts all of them there, passwords too, so only what says where and as whom it reads is taken on.
 */
final class KafkaFeed {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String PREFIX = "config.";
    /** What is taken on. Nothing of it is a secret. */
    private static final List<String> KEYS = List.of("bootstrap.servers", "groupid", "isolation.level", "sasl.mechanism",
        "security.protocol", "topics");
    /** The longest value that is taken on: a hundred servers, or topics. */
    private static final int LONGEST = 4096;

    private KafkaFeed() { }

    /** What a component's configuration tells of it, as a JSON object of texts; empty where nothing. */
    static String of(String componentConf) {
        if (!componentConf.contains('"' + PREFIX)) {
            return "";
        }
        ObjectNode told = JSON.createObjectNode();
        JsonNode conf = read(componentConf);
        for (String key : KEYS) {
            JsonNode value = conf.path(PREFIX + key);
            if (value.isTextual() && !value.textValue().isBlank() && value.textValue().length() <= LONGEST) {
                told.put(key, value.textValue().trim());
            }
        }
        return told.isEmpty() ? "" : told.toString();
    }

    private static JsonNode read(String componentConf) {
        try {
            return JSON.readTree(componentConf);
        } catch (JsonProcessingException e) {
            // Then Storm cannot read it either, and the source tells nothing.
            return JSON.missingNode();
        }
    }
}
