package io.thalweg.topologies.flink.nexmark;

import io.thalweg.topologies.flink.nexmark.Event.Auction;
import io.thalweg.topologies.flink.nexmark.Event.Bid;
import io.thalweg.topologies.flink.nexmark.Event.Person;
import java.time.Instant;
import java.util.List;

/**
 * Persons, auctions and bids in Nexmark's ratio of 1 to 3 to 46, each a function of its index alone: so a source that
 * starts again from an index makes what it would have made before.
 *
 * <p>An event comes each ten milliseconds of event time, so no two have the same time. Some auctions, bidders and sellers
 * are hot: every second choice falls on one of them.
 */
final class Events {
    /** Of an event's turns: one person, then auctions, then bids. */
    static final int TURN = 50;
    static final int AUCTIONS = 3;
    static final long CATEGORIES = 5;

    private static final long BEGIN = Instant.parse("2026-01-01T00:00:00Z").toEpochMilli();
    private static final long STEP_MILLIS = 10;
    /** Auctions stay open for 2 to 20 seconds. */
    private static final long LEAST_OPEN_MILLIS = 2_000;
    private static final long MORE_OPEN_MILLIS = 18_000;
    /** How many of the newest are chosen from: auctions of the last ten seconds, and persons of the last twenty. */
    private static final long RECENT_AUCTIONS = 60;
    private static final long RECENT_PERSONS = 40;
    /** Of so many one is hot, until the next one is. */
    private static final long HOT_AUCTION = 20;
    private static final long HOT_SELLER = 4;
    private static final long HOT_BIDDER = 10;
    private static final long DEAREST = 10_000;
    private static final long DIFFERENT = 1_000_000;
    private static final List<String> CITIES = List.of("Basel", "Bern", "Chur", "Sion", "Thun");

    private Events() {}

    /** When the event of an index happens. */
    static long at(long index) {
        return BEGIN + index * STEP_MILLIS;
    }

    /** The event of an index. */
    static Event of(long index) {
        long turn = index / TURN;
        int place = (int) (index % TURN);
        Dice dice = new Dice(index);
        if (place == 0) {
            return new Person(turn, "person-" + turn, CITIES.get((int) dice.below(CITIES.size())), at(index));
        }
        return place <= AUCTIONS ? auction(index, turn * AUCTIONS + place - 1, turn, dice) : bid(index, turn, dice);
    }

    private static Auction auction(long index, long id, long newestPerson, Dice dice) {
        long seller = dice.oneOf(newestPerson, RECENT_PERSONS, HOT_SELLER);
        long category = dice.below(CATEGORIES);
        long reserve = dice.below(DEAREST);
        long expires = at(index) + LEAST_OPEN_MILLIS + dice.below(MORE_OPEN_MILLIS);
        return new Auction(id, "item-" + id, seller, category, reserve, at(index), expires);
    }

    private static Bid bid(long index, long turn, Dice dice) {
        long auction = dice.oneOf(turn * AUCTIONS + AUCTIONS - 1, RECENT_AUCTIONS, HOT_AUCTION);
        long bidder = dice.oneOf(turn, RECENT_PERSONS, HOT_BIDDER);
        // No two of so many events have the same price, so each auction has one winner.
        long price = dice.below(DEAREST) * DIFFERENT + index % DIFFERENT;
        return new Bid(auction, bidder, price, at(index));
    }

    /** Numbers that look random, and are the same for the same index on every machine. */
    private static final class Dice {
        /** The odd number next to 2^64 divided by the golden ratio: multiples of it spread over all bits. */
        private static final long GOLDEN = 0x9e3779b97f4a7c15L;

        private long state;

        Dice(long index) {
            state = mixed(index * GOLDEN);
        }

        long below(long bound) {
            state += GOLDEN;
            return Math.floorMod(mixed(state), bound);
        }

        /** An id up to the newest one, every second time the hot one. */
        long oneOf(long newest, long recent, long hotEach) {
            boolean hot = below(2) == 0;
            long back = below(Math.min(recent, newest + 1));
            return hot ? newest - newest % hotEach : newest - back;
        }

        /** Twice what carries all bits to the low half and back, so that each bit of the result hangs on each of these. */
        private static long mixed(long bits) {
            long low = (bits ^ (bits >>> 32)) * GOLDEN;
            long high = (low ^ (low >>> 29)) * GOLDEN;
            return high ^ (high >>> 32);
        }
    }
}
