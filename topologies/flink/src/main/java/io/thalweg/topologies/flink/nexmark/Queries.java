package io.thalweg.topologies.flink.nexmark;

import java.util.Map;

/**
 * Queries of Nexmark, by what they ask for. {@code WAITED} hands on its first argument, which it has to wait for; it is
 * asked of pairs, so that joins are what becomes slow.
 */
final class Queries {
    /** The average of the final prices of each category. */
    private static final String Q4 = """
        SELECT category, AVG(final) AS average
        FROM (
            SELECT a.id, a.category, MAX(WAITED(b.price, a.id)) AS final
            FROM auctions AS a
            JOIN bids AS b ON b.auction = a.id AND b.`at` BETWEEN a.`at` AND a.expires
            GROUP BY a.id, a.category
        )
        GROUP BY category
        """;

    /** The auctions with most bids of the last ten seconds, each two seconds. */
    private static final String Q5 = """
        WITH counted AS (
            SELECT window_start, window_end, auction, COUNT(*) AS number
            FROM HOP(TABLE bids, DESCRIPTOR(`at`), INTERVAL '2' SECOND, INTERVAL '10' SECOND)
            GROUP BY window_start, window_end, auction
        )
        SELECT c.window_start, c.auction, c.number
        FROM counted AS c
        JOIN (
            SELECT window_start, window_end, MAX(number) AS most FROM counted GROUP BY window_start, window_end
        ) AS m
        ON c.window_start = m.window_start AND c.window_end = m.window_end AND c.number = m.most
        """;

    /** Who opened an auction within the ten seconds in which he or she registered. */
    private static final String Q8 = """
        SELECT p.id, p.name, p.window_start
        FROM (
            SELECT window_start, window_end, id, name
            FROM TUMBLE(TABLE persons, DESCRIPTOR(`at`), INTERVAL '10' SECOND)
            GROUP BY window_start, window_end, id, name
        ) AS p
        JOIN (
            SELECT window_start, window_end, seller
            FROM TUMBLE(TABLE auctions, DESCRIPTOR(`at`), INTERVAL '10' SECOND)
            GROUP BY window_start, window_end, seller
        ) AS a
        ON p.id = a.seller AND p.window_start = a.window_start AND p.window_end = a.window_end
        """;

    /**
     * The winning bid of each auction. No two have the same price: to have the earlier one win, bids would have to be in the
     * order of two columns, and then Flink 2.3 adds each better bid without taking back the one before.
     */
    private static final String Q9 = """
        SELECT id, item, seller, category, bidder, price, bid_at
        FROM (
            SELECT a.id, a.item, a.seller, a.category, b.bidder, WAITED(b.price, a.id) AS price, b.`at` AS bid_at,
                ROW_NUMBER() OVER (PARTITION BY a.id ORDER BY b.price DESC) AS place
            FROM auctions AS a
            JOIN bids AS b ON b.auction = a.id AND b.`at` BETWEEN a.`at` AND a.expires
        )
        WHERE place = 1
        """;

    private static final Map<String, String> ALL = Map.of("q4", Q4, "q5", Q5, "q8", Q8, "q9", Q9);

    private Queries() {}

    /** The query of a name. */
    static String of(String name) {
        String query = ALL.get(name);
        if (query == null) {
            throw new IllegalArgumentException("no query " + name + ", but " + ALL.keySet());
        }
        return query;
    }
}
