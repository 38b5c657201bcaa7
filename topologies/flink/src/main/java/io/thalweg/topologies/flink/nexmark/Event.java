package io.thalweg.topologies.flink.nexmark;

/** What happens at an auction house. Times are milliseconds since 1970. */
sealed interface Event {
    /** When it happens. */
    long at();

    /** Somebody registers. */
    record Person(long id, String name, String city, long at) implements Event {}

    /** Somebody offers something, until a time. */
    record Auction(long id, String item, long seller, long category, long reserve, long at, long expires) implements Event {}

    /** Somebody bids for what is, or was, on offer. */
    record Bid(long auction, long bidder, long price, long at) implements Event {}
}
