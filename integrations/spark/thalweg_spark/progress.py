"""What is taken of Spark's own record of a batch. What Spark does not say is ``None``, never zero."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

#: The sources of a query that are told of.
MOST_SOURCES = 32


def batch_of(record: dict[str, Any]) -> dict[str, Any]:
    """A batch, from the JSON of a ``StreamingQueryProgress``."""
    durations = record.get("durationMs") or {}
    return {
        "id": whole(record.get("batchId")),
        "at_ms": instant(record.get("timestamp")),
        "took_ms": whole(durations.get("triggerExecution", record.get("batchDuration"))),
        "rows": whole(record.get("numInputRows")),
        "durations_ms": {name: took for name, took in durations.items() if whole(took) is not None},
        "input_rows_per_second": number(record.get("inputRowsPerSecond")),
        "processed_rows_per_second": number(record.get("processedRowsPerSecond")),
        "sources": [source_of(one) for one in (record.get("sources") or [])[:MOST_SOURCES]],
        "state": state_of(record.get("stateOperators") or []),
    }


def source_of(source: dict[str, Any]) -> dict[str, Any]:
    """A source, with the rows that wait before it where its offsets tell that."""
    reached, newest = source.get("endOffset"), source.get("latestOffset")
    return {
        "description": str(source.get("description", ""))[:200],
        "rows": whole(source.get("numInputRows")),
        "behind": behind(reached, newest),
        "partitions": partitions(reached),
    }


def behind(reached: Any, newest: Any) -> int | None:
    """Rows between two offsets, which are by topic and partition where rows can be counted in them.

    Where a source has read up to the newest offset nothing waits, whatever its offsets count.
    """
    if newest is None or reached is None:
        return None
    if newest == reached:
        return 0
    if not (by_partition(reached) and by_partition(newest)):
        return None
    # A partition that has just come has not been read at all.
    waiting: int = sum(
        max(0, end - reached.get(topic, {}).get(partition, 0))
        for topic, ends in newest.items()
        for partition, end in ends.items()
    )
    return waiting


def partitions(reached: Any) -> int | None:
    """How many partitions a source reads, where its offsets are by partition."""
    counted: int = sum(len(ends) for ends in reached.values()) if by_partition(reached) else 0
    return counted or None


def by_partition(offsets: Any) -> bool:
    """Whether offsets are those of topics, as Kafka's."""
    return (
        isinstance(offsets, dict)
        and bool(offsets)
        and all(
            isinstance(ends, dict) and ends and all(isinstance(end, int) for end in ends.values())
            for ends in offsets.values()
        )
    )


def state_of(operators: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The state of all operators together; nothing where a query keeps none."""
    if not operators:
        return None
    return {
        "rows": total(operators, "numRowsTotal"),
        "bytes": total(operators, "memoryUsedBytes"),
        "partitions": max((whole(one.get("numShufflePartitions")) or 0 for one in operators), default=0) or None,
    }


def total(operators: list[dict[str, Any]], field: str) -> int | None:
    """A sum, if every operator tells its part."""
    parts = [whole(one.get(field)) for one in operators]
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None


def instant(text: Any) -> int | None:
    """A time as Spark writes it, in milliseconds since 1970."""
    try:
        time = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return round(time.replace(tzinfo=time.tzinfo or UTC).timestamp() * 1000)


def whole(value: Any) -> int | None:
    """A whole number of at least 0: Spark writes -1 for what is unknown."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def number(value: Any) -> float | None:
    """A finite number of at least 0."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if 0 <= value < float("inf") else None
