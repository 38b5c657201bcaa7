package io.thalweg.topologies.flink.nexmark;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.thalweg.topologies.flink.nexmark.Event.Auction;
import io.thalweg.topologies.flink.nexmark.Event.Bid;
import io.thalweg.topologies.flink.nexmark.Event.Person;
import java.util.List;
import org.junit.jupiter.api.Test;

class ExpectedTest {
    /** Two of category 1, one of them without a bid in time; one of category 2. */
    private final Expected expected = new Expected(List.of(
        new Person(0, "ann", "Bern", 1_000),
        new Auction(0, "lamp", 0, 1, 0, 2_000, 9_000),
        new Auction(1, "vase", 0, 1, 0, 3_000, 4_000),
        new Bid(0, 7, 50, 2_000),
        new Bid(0, 8, 70, 4_500),
        new Bid(0, 9, 70, 9_000),
        new Bid(1, 7, 40, 4_001),
        new Person(1, "bob", "Chur", 9_500),
        new Auction(2, "sofa", 1, 2, 0, 10_500, 30_000),
        new Auction(3, "desk", 0, 1, 0, 10_600, 30_000),
        new Bid(2, 8, 20, 11_000),
        new Bid(0, 8, 99, 11_500),
        new Bid(3, 9, 31, 12_000)));

    @Test
    void pricesAreThoseOfBidsInTime() {
        assertEquals(List.of("1|50", "2|20"), expected.rows("q4"));
    }

    @Test
    void theHighestBidWinsAndOfTwoTheFirst() {
        assertEquals(List.of(
            "0|lamp|0|1|8|70|1970-01-01T00:00:04.500Z",
            "2|sofa|1|2|8|20|1970-01-01T00:00:11Z",
            "3|desk|0|1|9|31|1970-01-01T00:00:12Z"), expected.rows("q9"));
    }

    @Test
    void whoRegisteredInAnotherWindowIsNotNew() {
        assertEquals(List.of("0|ann|1970-01-01T00:00"), expected.rows("q8"));
    }

    @Test
    void eachWindowHasItsHottestAndThoseOfTheSameCount() {
        List<String> rows = expected.rows("q5");
        assertEquals("1969-12-31T23:59:54|0|1", rows.get(0));
        assertEquals(List.of("1970-01-01T00:00|0|3"), rows.stream().filter(row -> row.contains("T00:00|")).toList());
        assertEquals(List.of("1970-01-01T00:00:10|0|1", "1970-01-01T00:00:10|2|1", "1970-01-01T00:00:10|3|1"),
            rows.stream().filter(row -> row.contains("T00:00:10|")).toList());
        assertEquals("1970-01-01T00:00:12|3|1", rows.get(rows.size() - 1));
    }
}
