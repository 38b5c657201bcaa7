"""What listeners were told, bounded."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from typing import Any

#: The batches that are kept of a query.
MOST_BATCHES = 64
#: The queries that are kept.
MOST_QUERIES = 32


class Memory:
    """The last batches of each query that runs. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runs: OrderedDict[str, deque[dict[str, Any]]] = OrderedDict()
        self._idle: dict[str, int] = {}

    def begin(self, run: str) -> None:
        """A query has begun; of too many the oldest is forgotten."""
        with self._lock:
            self._batches(run)

    def progress(self, run: str, batch: dict[str, Any]) -> None:
        """A query has done a batch. One that it tells of again, as without new data, counts once."""
        with self._lock:
            batches = self._batches(run)
            if batches and batches[-1]["id"] == batch["id"] and batches[-1]["at_ms"] == batch["at_ms"]:
                batches.pop()
            batches.append(batch)

    def idle(self, run: str, at_ms: int | None) -> None:
        """A query has nothing to do."""
        with self._lock:
            if run in self._runs and at_ms is not None:
                self._idle[run] = at_ms

    def end(self, run: str) -> None:
        """A query has ended."""
        with self._lock:
            self._runs.pop(run, None)
            self._idle.pop(run, None)

    def of(self, run: str) -> tuple[list[dict[str, Any]], int | None]:
        """The batches of a query, oldest first, and when it was last without work."""
        with self._lock:
            return list(self._runs.get(run, ())), self._idle.get(run)

    def _batches(self, run: str) -> deque[dict[str, Any]]:
        batches = self._runs.setdefault(run, deque(maxlen=MOST_BATCHES))
        while len(self._runs) > MOST_QUERIES:
            oldest, _ = self._runs.popitem(last=False)
            self._idle.pop(oldest, None)
        return batches
