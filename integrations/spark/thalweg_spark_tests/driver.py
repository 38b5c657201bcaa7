"""A driver as a user would write it: a query whose rows take a while, and the agent. Run as a program by the tests."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession, functions
from pyspark.sql.types import LongType

from thalweg_spark import Agent

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / "integrations" / "testing"))

from thalweg_testing.pages import blocks  # noqa: E402

#: How long a row takes on an executor of one core.
ROW_SECS = 0.01


def start(spark: SparkSession, token_file: str) -> Agent:
    """Starts the agent as the documentation shows it, at any port, and with room for three executors."""
    (shown,) = blocks("spark.md", "python")
    for told, own in [("127.0.0.1:7099", "127.0.0.1:0"), ("/run/thalweg/token", token_file), ("=8)", "=3)")]:
        assert told in shown
        shown = shown.replace(told, own)
    read: dict[str, Any] = {"spark": spark}
    exec(compile(shown, "spark.md", "exec"), read)  # noqa: S102
    agent = read["agent"]
    assert isinstance(agent, Agent)
    return agent


def main(master: str, kind: str, token_file: str, stop: str) -> None:
    builder = SparkSession.builder.master(master).appName("words").config("spark.ui.enabled", "false")
    builder = builder.config("spark.executor.cores", "1").config("spark.executor.memory", "512m")
    builder = builder.config("spark.sql.shuffle.partitions", "6")
    spark = builder.config("spark.driver.host", "127.0.0.1").getOrCreate()
    spark.sparkContext.setLogLevel("WARN")
    agent = start(spark, token_file)

    def work(value: int) -> int:
        time.sleep(ROW_SECS)
        return value

    slow = functions.udf(work, LongType())
    source = spark.readStream.format("rate").option("numPartitions", 6)
    rows = source.option("rowsPerSecond", 110).load().select(slow("value").alias("value"))
    counted = rows.groupBy((functions.col("value") % 5).alias("word")).count()
    writer = counted.writeStream.outputMode("update").format("noop").queryName("words")
    if kind == "interval":
        writer = writer.trigger(processingTime="2 seconds")
    query = writer.start()
    # What Spark opens by itself for listeners.
    callback = spark.sparkContext._gateway._callback_server  # type: ignore[union-attr]
    kind = "with a token" if callback.callback_server_parameters.auth_token else "for everybody"
    print(f"callback at {callback.server_socket.getsockname()[0]}, {kind}", flush=True)
    print(f"agent at {agent.address}", flush=True)
    while query.isActive and not Path(stop).exists():
        time.sleep(0.2)
    query.stop()
    agent.close()
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:5])
