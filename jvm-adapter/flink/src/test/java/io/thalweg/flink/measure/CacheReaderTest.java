package io.thalweg.flink.measure;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.thalweg.flink.measure.CacheReader.Lookups;
import java.io.IOException;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;
import org.junit.jupiter.api.Test;

/** What Flink sums up over subtasks becomes lookups and hits, or nothing. */
class CacheReaderTest {
    private static Lookups sum(String metrics) throws IOException {
        return CacheReader.sum(new ObjectMapper().readTree(metrics));
    }

    @Test
    void hitsAndMissesOfAllStatesAreLookups() throws IOException {
        assertEquals(new Lookups(120, 90), sum("""
                [{"id": "count.rocksdb_block_cache_hit", "sum": 60.0}, {"id": "count.rocksdb_block_cache_miss", "sum": 10.0},
                 {"id": "top.rocksdb_block_cache_hit", "sum": 30.0}, {"id": "top.rocksdb_block_cache_miss", "sum": 20.0}]"""));
    }

    @Test
    void hitsAloneAreNoCacheThatAlwaysHits() throws IOException {
        assertEquals(Lookups.UNKNOWN, sum("[{\"id\": \"count.rocksdb_block_cache_hit\", \"sum\": 60.0}]"));
        assertEquals(Lookups.UNKNOWN, sum("[]"));
    }

    @Test
    void subtasksAreTakenToLookUpAsOften() {
        assertEquals(new Lookups(40, 30), new Lookups(120, 90).each(3));
        assertEquals(Lookups.UNKNOWN, Lookups.UNKNOWN.each(3));
        assertEquals(Lookups.UNKNOWN, new Lookups(120, 90).each(0));
    }
}
