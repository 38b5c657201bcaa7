"""Listens to the queries of a session. What it is called for must be done in no time: Spark waits."""

from __future__ import annotations

import json
import logging

from pyspark.sql.streaming.listener import (
    QueryIdleEvent,
    QueryProgressEvent,
    QueryStartedEvent,
    QueryTerminatedEvent,
    StreamingQueryListener,
)

from thalweg_spark.memory import Memory
from thalweg_spark.progress import batch_of, instant

log = logging.getLogger(__name__)


class Listener(StreamingQueryListener):
    """Keeps what it is told."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def onQueryStarted(self, event: QueryStartedEvent) -> None:  # noqa: N802
        self._memory.begin(str(event.runId))

    def onQueryProgress(self, event: QueryProgressEvent) -> None:  # noqa: N802
        try:
            record = json.loads(event.progress.json)
        except ValueError:
            log.warning("a record of progress is no JSON")
            return
        self._memory.progress(str(event.progress.runId), batch_of(record))

    def onQueryIdle(self, event: QueryIdleEvent) -> None:  # noqa: N802
        self._memory.idle(str(event.runId), instant(event.timestamp))

    def onQueryTerminated(self, event: QueryTerminatedEvent) -> None:  # noqa: N802
        self._memory.end(str(event.runId))
