"""Taxi trips at the edge: Spark cleans them, sums them by zone and quarter of an hour, and sends the sums to Kafka.

Each trip is a line `trip,pickup,dropoff,from,to,centimiles,cents` of a file; each sum is a line
`batch,zone,slide,trips,cents,anomalies`. A batch that is done again after a failure takes the same files, has the same
number and comes to the same sums, so whoever reads them can leave out what comes twice.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from pyspark.sql import Column, DataFrame, SparkSession, functions
from pyspark.sql.functions import col
from pyspark.sql.types import LongType

import thalweg_spark

#: January 2021, in seconds since the epoch by New York's clocks.
FIRST_SECOND = 1_609_459_200
SECONDS = 31 * 86_400
LONGEST_SECONDS = 6 * 3_600
FARTHEST_CENTIMILES = 10_000
DEAREST_CENTS = 50_000
#: Faster than any road of the city allows, in miles per hour.
FASTEST_MPH = 80.0
#: Dearer than any tariff.
DEAREST_PER_MILE = 50.0
SLIDE = 900
FIELDS = ("trip", "pickup", "dropoff", "zone", "to", "centimiles", "cents")


def trips(lines: DataFrame) -> DataFrame:
    """The trips that lines tell of; what is none is left out."""
    told = functions.split(col("value"), ",")
    numbers = [told[at].try_cast("long") for at in range(len(FIELDS))]
    whole = lines.where(functions.size(told) == len(FIELDS))
    return whole.select(*(number.alias(name) for number, name in zip(numbers, FIELDS, strict=True))).na.drop()


def sound() -> Column:
    """Whether a trip can have happened as it was recorded: some meters have wrong clocks, and some are corrections."""
    took = col("dropoff") - col("pickup")
    return (
        col("pickup").between(FIRST_SECOND, FIRST_SECOND + SECONDS - 1)
        & took.between(1, LONGEST_SECONDS)
        & col("centimiles").between(1, FARTHEST_CENTIMILES)
        & col("cents").between(1, DEAREST_CENTS)
    )


def anomalous() -> Column:
    """Whether speed or fare are hard to believe."""
    speed = col("centimiles") * functions.lit(36.0) / (col("dropoff") - col("pickup"))
    return (speed > FASTEST_MPH) | (col("cents").cast("double") / col("centimiles") > DEAREST_PER_MILE)


def summed(cleaned: DataFrame) -> DataFrame:
    """Trips, what was paid and what is hard to believe, by zone and slide."""
    slide = (functions.floor(col("pickup") / SLIDE) * SLIDE).alias("slide")
    return cleaned.groupBy("zone", slide).agg(
        functions.count("*").alias("trips"),
        functions.sum("cents").alias("cents"),
        functions.sum(anomalous().cast("int")).alias("anomalies"),
    )


def lines_of(batch: int, sums: DataFrame) -> DataFrame:
    """The sums as keys and values for Kafka, in the order of slides, so that a reader's time goes on with them."""
    ordered = sums.coalesce(1).sortWithinPartitions("slide", "zone")
    value = functions.concat_ws(",", functions.lit(batch), "zone", "slide", "trips", "cents", "anomalies")
    return ordered.select(col("zone").cast("string").alias("key"), value.alias("value"))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Cleans and sums taxi trips, and sends the sums to Kafka.")
    parser.add_argument("--master", required=True, help="of Spark")
    parser.add_argument("--jars", required=True, help="of Spark's connector to Kafka, separated by commas")
    parser.add_argument("--trips", type=Path, required=True, help="the folder that files of trips come into")
    parser.add_argument("--checkpoint", type=Path, required=True, help="the folder that the query goes on from")
    parser.add_argument("--bootstrap", required=True, help="of Kafka")
    parser.add_argument("--topic", default="edge")
    parser.add_argument("--agent", required=True, help="address and port of Thalweg's agent")
    parser.add_argument("--token-file", required=True, help="with the agent's token")
    parser.add_argument("--files-per-batch", type=int, default=24, help="at most")
    parser.add_argument("--trip-millis", type=float, default=0.0, help="that each trip takes beside its work")
    parser.add_argument("--most-executors", type=int, default=2)
    return parser.parse_args()


def session(given: argparse.Namespace) -> SparkSession:
    builder = SparkSession.builder.master(given.master).appName("edge").config("spark.ui.enabled", "false")
    builder = builder.config("spark.jars", given.jars).config("spark.driver.host", "127.0.0.1")
    builder = builder.config("spark.executor.cores", "1").config("spark.executor.memory", "512m")
    return builder.config("spark.sql.shuffle.partitions", "4").getOrCreate()


def main() -> None:
    given = arguments()
    spark = session(given)
    spark.sparkContext.setLogLevel("WARN")
    agent = thalweg_spark.start(spark, given.agent, token_file=given.token_file, most_executors=given.most_executors)

    def taken(cents: int) -> int:
        time.sleep(given.trip_millis / 1000)
        return cents

    def send(batch: DataFrame, number: int) -> None:
        kafka = {"kafka.bootstrap.servers": given.bootstrap, "topic": given.topic, "kafka.acks": "all"}
        lines_of(number, summed(batch)).write.format("kafka").options(**kafka).save()

    source = spark.readStream.format("text").option("maxFilesPerTrigger", given.files_per_batch)
    # In as many parts as there are executors to work on, however few files come.
    cleaned = trips(source.load(str(given.trips)).repartition(2 * given.most_executors)).where(sound())
    if given.trip_millis > 0:
        cleaned = cleaned.withColumn("cents", functions.udf(taken, LongType())("cents"))
    writer = cleaned.writeStream.foreachBatch(send).queryName("trips").trigger(processingTime="2 seconds")
    query = writer.option("checkpointLocation", str(given.checkpoint)).start()
    print(f"agent at {agent.address}", flush=True)
    query.awaitTermination()


if __name__ == "__main__":
    main()
