"""What waits in the triggerer until a task may be placed, and until the cause of a failure has passed."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_providers_thalweg.triggers.thalweg import ThalwegTrigger, client_of, failed
from thalweg_client import AsyncClient, Candidate, ThalwegError, Verdict
from thalweg_client.causes import Watch, look_passed
from thalweg_client.placement import Answer, Placement, look_ordered, look_seen, place, rules_of
from thalweg_client.steps import Steps

log = logging.getLogger(__name__)


class ThalwegPlacementTrigger(BaseTrigger):
    """Asks until there is something else to do for a task than to wait.

    What that is the task asks itself once more: the event carries no decision.

    :param candidates: The candidates as JSON, each with its engine and its connection.
    :param progress: How far the task has come, which the event gives back: ``refused``, ``ordered`` and
        ``again`` as :class:`~thalweg_client.placing.Progress` has them.
    :param poll_interval: Seconds between two questions.
    """

    def __init__(
        self,
        *,
        candidates: Sequence[Mapping[str, Any]],
        on_unknown: str,
        prefer: str,
        progress: Mapping[str, Any],
        poll_interval: float = 10.0,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.candidates = [dict(one) for one in candidates]
        self.on_unknown, self.prefer = on_unknown, prefer
        self.progress = dict(progress)
        self.poll_interval = poll_interval

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """The class and what it is made with: JSON, and no secret."""
        kind = type(self)
        return f"{kind.__module__}.{kind.__qualname__}", {
            "candidates": self.candidates,
            "on_unknown": self.on_unknown,
            "prefer": self.prefer,
            "progress": self.progress,
            "poll_interval": self.poll_interval,
        }

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Asks, and sends one event."""
        candidates = [Candidate.read(one) for one in self.candidates]
        said = ""
        try:
            # What was asked for just now is not asked for again at once.
            if self.progress.get("again"):
                await asyncio.sleep(self.poll_interval)
            async with AsyncExitStack() as stack:
                clients: dict[str, AsyncClient] = {}
                for name in {one.connection for one in candidates}:
                    clients[name] = await stack.enter_async_context(await client_of(name))
                while True:
                    decided = await self._decided(candidates, clients)
                    if await self._is_over(candidates, clients, decided):
                        break
                    if decided.why != said:
                        said = decided.why
                        log.info("%s", said)
                    await asyncio.sleep(self.poll_interval)
        except ThalwegError as error:
            yield failed(error)
            return
        yield TriggerEvent({"status": "met", "why": decided.why, "data": self.progress})

    async def _decided(self, candidates: Sequence[Candidate], clients: Mapping[str, AsyncClient]) -> Placement:
        seen = [await clients[one.connection].run(look_seen(one.engine, one.topology)) for one in candidates]
        refused = {int(at): why for at, why in self.progress["refused"].items()}
        return place(candidates, seen, rules_of(self.on_unknown, self.prefer), refused)

    async def _is_over(
        self, candidates: Sequence[Candidate], clients: Mapping[str, AsyncClient], decided: Placement
    ) -> bool:
        if decided.answer != Answer.MORE:
            return decided.answer != Answer.WAIT
        mark = self.progress["ordered"].get(str(decided.chosen))
        if mark is None or decided.chosen is None or str(decided.chosen) in self.progress.get("again", ()):
            return True
        one = candidates[decided.chosen]
        return await clients[one.connection].run(look_ordered(one.engine, one.topology, mark)) is not None


class ThalwegCauseTrigger(ThalwegTrigger):
    """Waits until nothing that is known keeps a topology from its work any more, or for as long as it may.

    :param since: When the try failed first, in seconds since 1970.
    :param until: When it ends although a cause is left.
    :param error: What it failed with.
    """

    def __init__(
        self,
        *,
        engine: str,
        topology: str | None,
        kinds: Sequence[str],
        min_power: float,
        since: float,
        until: float,
        error: str,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.engine, self.topology = engine, topology
        self.kinds, self.min_power = tuple(kinds), min_power
        self.since, self.until, self.error = since, until, error

    def wanted(self) -> dict[str, Any]:
        return {
            "engine": self.engine,
            "topology": self.topology,
            "kinds": list(self.kinds),
            "min_power": self.min_power,
            "since": self.since,
            "until": self.until,
            "error": self.error,
        }

    def look(self) -> Steps[Verdict]:
        verdict = yield from look_passed(self.engine, self.topology, Watch(self.kinds, self.min_power))
        if not verdict.met and time.time() < self.until:
            return verdict
        # What is given along when a task is deferred is lost where a Dag is tested.
        return Verdict(True, verdict.why, {"passed": verdict.met, "since": self.since, "error": self.error})
