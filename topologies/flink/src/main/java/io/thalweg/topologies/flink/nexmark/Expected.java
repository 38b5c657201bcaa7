package io.thalweg.topologies.flink.nexmark;

import io.thalweg.topologies.flink.nexmark.Event.Auction;
import io.thalweg.topologies.flink.nexmark.Event.Bid;
import io.thalweg.topologies.flink.nexmark.Event.Person;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.LongStream;

/**
 * What a query comes to, worked out from all events in loops, without Flink: so that a query that is wrong in the same way
 * in each run is noticed.
 */
public final class Expected {
    private static final long WINDOW_MILLIS = 10_000;
    private static final long SLIDE_MILLIS = 2_000;

    private final List<Person> persons = new ArrayList<>();
    private final List<Auction> auctions = new ArrayList<>();
    private final List<Bid> bids = new ArrayList<>();

    Expected(List<Event> events) {
        for (Event event : events) {
            if (event instanceof Person person) {
                persons.add(person);
            } else if (event instanceof Auction auction) {
                auctions.add(auction);
            } else if (event instanceof Bid bid) {
                bids.add(bid);
            }
        }
    }

    /** Prints the outcome of the query of the first argument over as many events as the second says. */
    public static void main(String[] arguments) {
        List<Event> events = LongStream.range(0, Long.parseLong(arguments[1])).mapToObj(Events::of).toList();
        Map<String, Long> rows = new TreeMap<>();
        new Expected(events).rows(arguments[0]).forEach(row -> rows.merge(row, 1L, Long::sum));
        rows.forEach((row, count) -> System.out.println(count + " " + row));
    }

    /** The rows of a query, in any order. */
    List<String> rows(String query) {
        return switch (query) {
            case "q4" -> averages();
            case "q5" -> hottest();
            case "q8" -> newSellers();
            case "q9" -> winners();
            default -> throw new IllegalArgumentException("no query " + query);
        };
    }

    private List<String> averages() {
        Map<Long, List<Long>> finals = new TreeMap<>();
        for (Auction auction : auctions) {
            Bid best = best(auction);
            if (best != null) {
                finals.computeIfAbsent(auction.category(), category -> new ArrayList<>()).add(best.price());
            }
        }
        List<String> rows = new ArrayList<>();
        finals.forEach((category, prices) -> {
            long sum = prices.stream().mapToLong(price -> price).sum();
            rows.add(category + "|" + sum / prices.size());
        });
        return rows;
    }

    private List<String> winners() {
        List<String> rows = new ArrayList<>();
        for (Auction auction : auctions) {
            Bid best = best(auction);
            if (best != null) {
                rows.add(auction.id() + "|" + auction.item() + "|" + auction.seller() + "|" + auction.category() + "|"
                    + best.bidder() + "|" + best.price() + "|" + Instant.ofEpochMilli(best.at()));
            }
        }
        return rows;
    }

    private Bid best(Auction auction) {
        Bid best = null;
        for (Bid bid : bids) {
            boolean valid = bid.auction() == auction.id() && bid.at() >= auction.at() && bid.at() <= auction.expires();
            if (valid && (best == null || bid.price() > best.price())) {
                best = bid;
            }
        }
        return best;
    }

    private List<String> hottest() {
        TreeSet<Long> starts = new TreeSet<>();
        for (Bid bid : bids) {
            for (long back = 0; back < WINDOW_MILLIS; back += SLIDE_MILLIS) {
                starts.add(start(bid.at(), SLIDE_MILLIS) - back);
            }
        }
        List<String> rows = new ArrayList<>();
        for (long start : starts) {
            Map<Long, Long> counts = new TreeMap<>();
            for (Bid bid : bids) {
                if (bid.at() >= start && bid.at() < start + WINDOW_MILLIS) {
                    counts.merge(bid.auction(), 1L, Long::sum);
                }
            }
            long most = counts.values().stream().mapToLong(count -> count).max().orElse(0);
            counts.forEach((auction, count) -> {
                if (count == most) {
                    rows.add(clock(start) + "|" + auction + "|" + count);
                }
            });
        }
        return rows;
    }

    private List<String> newSellers() {
        List<String> rows = new ArrayList<>();
        for (Person person : persons) {
            long start = start(person.at(), WINDOW_MILLIS);
            boolean sells = auctions.stream()
                .anyMatch(auction -> auction.seller() == person.id() && start(auction.at(), WINDOW_MILLIS) == start);
            if (sells) {
                rows.add(person.id() + "|" + person.name() + "|" + clock(start));
            }
        }
        return rows;
    }

    private static long start(long at, long each) {
        return at - Math.floorMod(at, each);
    }

    private static LocalDateTime clock(long at) {
        return LocalDateTime.ofInstant(Instant.ofEpochMilli(at), ZoneOffset.UTC);
    }
}
