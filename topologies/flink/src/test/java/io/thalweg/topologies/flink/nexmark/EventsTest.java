package io.thalweg.topologies.flink.nexmark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.thalweg.topologies.flink.nexmark.Event.Auction;
import io.thalweg.topologies.flink.nexmark.Event.Bid;
import io.thalweg.topologies.flink.nexmark.Event.Person;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToLongFunction;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class EventsTest {
    private static final int COUNT = 10_000;
    private static final List<Event> EVENTS = LongStream.range(0, COUNT).mapToObj(Events::of).toList();

    @Test
    void kindsComeInTheirRatio() {
        assertEquals(COUNT / 50, of(Person.class).size());
        assertEquals(COUNT / 50 * 3, of(Auction.class).size());
        assertEquals(COUNT / 50 * 46, of(Bid.class).size());
    }

    @Test
    void theSameIndexIsTheSameEvent() {
        for (int index = 0; index < COUNT; index++) {
            assertEquals(EVENTS.get(index), Events.of(index));
            assertEquals(Events.at(index), EVENTS.get(index).at());
        }
    }

    @Test
    void idsAreThoseOfWhatHasComeBefore() {
        long persons = 0;
        long auctions = 0;
        for (Event event : EVENTS) {
            if (event instanceof Person person) {
                assertEquals(persons++, person.id());
            } else if (event instanceof Auction auction) {
                assertEquals(auctions++, auction.id());
                assertTrue(auction.seller() >= 0 && auction.seller() < persons, auction.toString());
                assertTrue(auction.expires() > auction.at(), auction.toString());
            } else if (event instanceof Bid bid) {
                assertTrue(bid.auction() >= 0 && bid.auction() < auctions, bid.toString());
                assertTrue(bid.bidder() >= 0 && bid.bidder() < persons, bid.toString());
                assertTrue(bid.price() > 0, bid.toString());
            }
        }
    }

    @Test
    void someAreHotAndNoneIsAll() {
        assertHot(of(Bid.class), Bid::auction, 20);
        assertHot(of(Bid.class), Bid::bidder, 10);
        assertHot(of(Auction.class), Auction::seller, 4);
    }

    @Test
    void noTwoBidsHaveTheSamePrice() {
        assertEquals(of(Bid.class).size(), counts(of(Bid.class), Bid::price).size());
    }

    @Test
    void everyCategoryHasItsPart() {
        Map<Long, Long> counts = counts(of(Auction.class), Auction::category);
        assertEquals(Events.CATEGORIES, counts.size());
        assertTrue(Collections.min(counts.values()) > 80, counts.toString());
    }

    /** About half of all choices fall on one of so many, and as one of the rest a hot one may be chosen too. */
    private static <T> void assertHot(List<T> events, ToLongFunction<T> choice, int each) {
        double hot = events.stream().filter(event -> choice.applyAsLong(event) % each == 0).count();
        double share = hot / events.size();
        assertEquals(0.5 + 0.5 / each, share, 0.05);
        assertTrue(counts(events, choice).size() > 100);
    }

    private static <T> Map<Long, Long> counts(List<T> events, ToLongFunction<T> choice) {
        Map<Long, Long> counts = new HashMap<>();
        events.forEach(event -> counts.merge(choice.applyAsLong(event), 1L, Long::sum));
        return counts;
    }

    private static <T> List<T> of(Class<T> kind) {
        return EVENTS.stream().filter(kind::isInstance).map(kind::cast).toList();
    }
}
