package io.thalweg.topologies.flink.nexmark;

import io.thalweg.topologies.Pause;
import io.thalweg.topologies.flink.nexmark.Event.Auction;
import io.thalweg.topologies.flink.nexmark.Event.Bid;
import io.thalweg.topologies.flink.nexmark.Event.Person;
import java.time.Instant;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiterStrategy;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.api.Schema;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.types.Row;

/** The views {@code persons}, {@code auctions} and {@code bids}, over one stream of events as in Nexmark. */
final class Tables {
    private static final TypeInformation<Row> PERSON = Types.ROW_NAMED(
        new String[] {"id", "name", "city"}, Types.LONG, Types.STRING, Types.STRING);
    private static final TypeInformation<Row> AUCTION = Types.ROW_NAMED(
        new String[] {"id", "item", "seller", "category", "reserve", "expires"},
        Types.LONG, Types.STRING, Types.LONG, Types.LONG, Types.LONG, Types.INSTANT);
    private static final TypeInformation<Row> BID = Types.ROW_NAMED(
        new String[] {"auction", "bidder", "price"}, Types.LONG, Types.LONG, Types.LONG);
    /** Two of the three are null. */
    private static final TypeInformation<Row> EVENT = Types.ROW_NAMED(
        new String[] {"person", "auction", "bid"}, PERSON, AUCTION, BID);

    private Tables() {}

    /** Makes the views, of so many events that each take a while to be read. */
    static void make(StreamExecutionEnvironment environment, StreamTableEnvironment tables, Nexmark.Settings settings) {
        Schema schema = Schema.newBuilder()
            .column("person", "ROW<id BIGINT, name STRING, city STRING>")
            .column("auction", "ROW<id BIGINT, item STRING, seller BIGINT, category BIGINT, reserve BIGINT, expires TIMESTAMP_LTZ(3)>")
            .column("bid", "ROW<auction BIGINT, bidder BIGINT, price BIGINT>")
            .columnByMetadata("at", DataTypes.TIMESTAMP_LTZ(3), "rowtime")
            .watermark("at", "SOURCE_WATERMARK()")
            .build();
        tables.createTemporaryView("events", events(environment, settings), schema);
        for (String view : new String[] {"person", "auction", "bid"}) {
            tables.executeSql("CREATE TEMPORARY VIEW %1$ss AS SELECT %1$s.*, `at` FROM events WHERE %1$s IS NOT NULL".formatted(view));
        }
    }

    /**
     * The source sends indices; who is behind it makes events of them, and may have any parallelism. Event time is the
     * source's, as what follows gets events out of order after a rescale in which records were under way.
     */
    private static DataStream<Row> events(StreamExecutionEnvironment environment, Nexmark.Settings settings) {
        var indices = new DataGeneratorSource<Long>(
            index -> index, settings.events(), RateLimiterStrategy.perSecond(settings.rate()), Types.LONG);
        WatermarkStrategy<Long> inOrder = WatermarkStrategy.<Long>forMonotonousTimestamps()
            .withTimestampAssigner((index, ignored) -> Events.at(index));
        return environment.fromSource(indices, inOrder, "source").uid("source").setParallelism(1).rebalance()
            .map(new Read(Pause.ofMillis(settings.readWait()))).returns(EVENT).name("events").uid("events");
    }

    /** Makes a row of the event of an index. */
    private static final class Read implements MapFunction<Long, Row> {
        private static final long serialVersionUID = 1;

        private final Pause pause;

        Read(Pause pause) {
            this.pause = pause;
        }

        @Override
        public Row map(Long index) {
            pause.take();
            Event event = Events.of(index);
            if (event instanceof Person person) {
                return Row.of(Row.of(person.id(), person.name(), person.city()), null, null);
            }
            if (event instanceof Auction auction) {
                return Row.of(null, Row.of(auction.id(), auction.item(), auction.seller(), auction.category(),
                    auction.reserve(), Instant.ofEpochMilli(auction.expires())), null);
            }
            Bid bid = (Bid) event;
            return Row.of(null, null, Row.of(bid.auction(), bid.bidder(), bid.price()));
        }
    }
}
