"""What is taken of Spark's own records, as they were seen on a real Spark 4.2 and as Kafka's sources write them."""

from __future__ import annotations

from typing import Any

import pytest

from thalweg_spark.memory import MOST_BATCHES, MOST_QUERIES, Memory
from thalweg_spark.progress import batch_of, behind

RATE: dict[str, Any] = {
    "timestamp": "2026-11-30T21:43:31.218Z",
    "batchId": 3,
    "batchDuration": 1704,
    "numInputRows": 100,
    "inputRowsPerSecond": 56.2,
    "processedRowsPerSecond": 58.7,
    "durationMs": {"addBatch": 1468, "latestOffset": 0, "triggerExecution": 1704},
    "stateOperators": [
        {"numRowsTotal": 5, "memoryUsedBytes": 3512, "numShufflePartitions": 4, "customMetrics": {"a": 1}},
    ],
    "sources": [
        {"description": "RateStreamV2", "startOffset": 14, "endOffset": 15, "latestOffset": 15, "numInputRows": 100}
    ],
}


def test_a_batch_is_taken_from_a_record_of_a_real_query() -> None:
    batch = batch_of(RATE)
    assert batch["at_ms"] == 1796075011218
    assert (batch["id"], batch["took_ms"], batch["rows"]) == (3, 1704, 100)
    assert batch["durations_ms"]["addBatch"] == 1468
    assert batch["sources"] == [{"description": "RateStreamV2", "rows": 100, "behind": 0, "partitions": None}]
    assert batch["state"] == {"rows": 5, "bytes": 3512, "partitions": 4}


def test_what_is_not_said_is_nothing_and_never_zero() -> None:
    batch = batch_of({"batchId": 1, "timestamp": "soon", "sources": [{"endOffset": 1}], "inputRowsPerSecond": "NaN"})
    assert (batch["at_ms"], batch["took_ms"], batch["rows"], batch["state"]) == (None, None, None, None)
    assert batch["input_rows_per_second"] is None
    assert batch["sources"][0]["behind"] is None
    assert batch_of({})["sources"] == []


@pytest.mark.parametrize(
    ("reached", "newest", "waits"),
    [
        ({"words": {"0": 5, "1": 7}}, {"words": {"0": 9, "1": 7}}, 4),
        ({"words": {"0": 5}}, {"words": {"0": 9, "1": 3}}, 7),
        ({"words": {"0": 5}}, {"words": {"0": 5}}, 0),
        (15, 15, 0),
        # Of a rate source these are seconds, of files numbers of a log.
        (14, 15, None),
        ({"logOffset": 3}, {"logOffset": 4}, None),
        ({"words": {"0": 5}}, None, None),
        (None, {"words": {"0": 5}}, None),
    ],
)
def test_rows_that_wait_are_counted_where_offsets_count_rows(reached: Any, newest: Any, waits: int | None) -> None:
    assert behind(reached, newest) == waits


def test_only_the_last_batches_of_the_last_queries_are_kept() -> None:
    memory = Memory()
    for number in range(MOST_BATCHES + 5):
        memory.progress("run", {"id": number, "at_ms": number})
    batches, idle = memory.of("run")
    assert [batches[0]["id"], len(batches), idle] == [5, MOST_BATCHES, None]
    memory.progress("run", {"id": MOST_BATCHES + 4, "at_ms": MOST_BATCHES + 4})
    assert len(memory.of("run")[0]) == MOST_BATCHES
    memory.idle("run", 9)
    memory.idle("other", 9)
    assert memory.of("run")[1] == 9
    for number in range(MOST_QUERIES):
        memory.begin(f"run-{number}")
    assert memory.of("run") == ([], None)
    memory.progress("run-1", {"id": 1, "at_ms": 1})
    memory.end("run-1")
    assert memory.of("run-1") == ([], None)
