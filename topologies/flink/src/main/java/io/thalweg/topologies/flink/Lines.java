package io.thalweg.topologies.flink;

import org.apache.flink.connector.datagen.source.GeneratorFunction;

/** Lines {@code "<sequence> word word ..."}, the same ones on every run. */
final class Lines implements GeneratorFunction<Long, String> {
    private static final long serialVersionUID = 1;
    private static final int WORDS_PER_LINE = 7;
    private static final int VOCABULARY = 5_000;

    @Override
    public String map(Long sequence) {
        StringBuilder line = new StringBuilder(64).append(sequence);
        for (long word = sequence * WORDS_PER_LINE; word < (sequence + 1) * WORDS_PER_LINE; word++) {
            // The product with an odd constant spreads consecutive numbers over the vocabulary.
            line.append(" w").append(Math.floorMod(word * 0x9E3779B97F4A7C15L >>> 20, VOCABULARY));
        }
        return line.toString();
    }
}
