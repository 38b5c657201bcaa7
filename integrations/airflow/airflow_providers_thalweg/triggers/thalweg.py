"""What waits for Thalweg without a worker. Each trigger asks again and again, and sends JSON."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any

from airflow.providers.common.compat.connection import get_async_connection, get_async_extra_dejson
from airflow.providers.common.compat.triggers import BaseEventTrigger
from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_providers_thalweg.hooks.thalweg import ThalwegHook, client_on_loop, is_permanent
from thalweg_client import AsyncClient, Order, ThalwegError, Verdict, judge, steps
from thalweg_client.judge import BUSY_LIMIT, MAX_AGE
from thalweg_client.steps import Steps

log = logging.getLogger(__name__)

#: The longest rest between two questions while a server does not answer, in seconds.
LONGEST_REST = 60.0
#: The place of the last event in the store of an asset's state.
AFTER = "thalweg.after"


async def client_of(conn_id: str) -> AsyncClient:
    """A client of a connection's server. Blocks no event loop."""
    connection = await get_async_connection(conn_id, hook=ThalwegHook)
    return await client_on_loop(connection, await get_async_extra_dejson(connection))


class ThalwegTrigger(BaseTrigger):
    """Asks until something is so.

    A server that is down or slow is asked again, less and less often, until the task that was deferred with this
    trigger reaches its timeout. What no second question makes better ends the wait.

    :param thalweg_conn_id: The connection.
    :param poll_interval: Seconds between two questions.
    """

    def __init__(self, *, thalweg_conn_id: str, poll_interval: float = 10.0) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.thalweg_conn_id = thalweg_conn_id
        self.poll_interval = poll_interval

    def wanted(self) -> dict[str, Any]:
        """What this trigger is made with, besides connection and interval."""
        raise NotImplementedError

    def look(self) -> Steps[Verdict]:
        """One question, and what is made of its answer."""
        raise NotImplementedError

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """The class and what it is made with: JSON, and no secret."""
        kind = type(self)
        own = {"thalweg_conn_id": self.thalweg_conn_id, "poll_interval": self.poll_interval}
        return f"{kind.__module__}.{kind.__qualname__}", own | self.wanted()

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Asks, and sends one event."""
        try:
            client = await client_of(self.thalweg_conn_id)
        except ThalwegError as error:
            yield failed(error)
            return
        async with client:
            rest, said = self.poll_interval, ""
            while True:
                try:
                    verdict = await client.run(self.look())
                except ThalwegError as error:
                    if not error.passing:
                        yield failed(error)
                        return
                    rest, why = min(rest * 2, max(LONGEST_REST, self.poll_interval)), str(error)
                else:
                    if verdict.met:
                        yield TriggerEvent({"status": "met", "why": verdict.why, "data": verdict.data})
                        return
                    rest, why = self.poll_interval, verdict.why
                if why != said:
                    log.info("%s", why)
                    said = why
                await asyncio.sleep(rest)


def failed(error: ThalwegError) -> TriggerEvent:
    """The event of a wait that ended in vain."""
    return TriggerEvent({"status": "failed", "why": str(error), "data": {}, "permanent": is_permanent(error)})


class ThalwegOrderTrigger(ThalwegTrigger):
    """Waits until an order is carried out.

    :param order: The order, as JSON.
    :param mark: Its reference.
    """

    def __init__(self, *, engine: str, topology: str, order: dict[str, Any], mark: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.engine, self.topology, self.order, self.mark = engine, topology, order, mark

    def wanted(self) -> dict[str, Any]:
        return {"engine": self.engine, "topology": self.topology, "order": self.order, "mark": self.mark}

    def look(self) -> Steps[Verdict]:
        return judge.look_order(self.engine, self.topology, Order(**self.order), self.mark)


class ThalwegDrainTrigger(ThalwegTrigger):
    """Waits until nothing runs on a host."""

    def __init__(self, *, engine: str, host: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.engine, self.host = engine, host

    def wanted(self) -> dict[str, Any]:
        return {"engine": self.engine, "host": self.host}

    def look(self) -> Steps[Verdict]:
        return judge.look_left(self.engine, self.host)


class ThalwegLagTrigger(ThalwegTrigger):
    """Waits until no more than so many records wait before a topology, or before one of its sources."""

    def __init__(
        self,
        *,
        engine: str,
        topology: str,
        limit: int,
        source: str | None = None,
        max_age: float = MAX_AGE,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.engine, self.topology, self.limit = engine, topology, limit
        self.source, self.max_age = source, max_age

    def wanted(self) -> dict[str, Any]:
        return {
            "engine": self.engine,
            "topology": self.topology,
            "limit": self.limit,
            "source": self.source,
            "max_age": self.max_age,
        }

    def look(self) -> Steps[Verdict]:
        return judge.look_lag(self.engine, self.topology, self.limit, self.source, self.max_age)


class ThalwegStableTrigger(ThalwegTrigger):
    """Waits until a topology runs and nothing has been changed for a while."""

    def __init__(
        self, *, engine: str, topology: str, quiet_for: float = 0.0, max_age: float = MAX_AGE, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.engine, self.topology = engine, topology
        self.quiet_for, self.max_age = quiet_for, max_age

    def wanted(self) -> dict[str, Any]:
        return {
            "engine": self.engine,
            "topology": self.topology,
            "quiet_for": self.quiet_for,
            "max_age": self.max_age,
        }

    def look(self) -> Steps[Verdict]:
        return judge.look_stable(self.engine, self.topology, self.quiet_for, self.max_age)


class ThalwegRoomTrigger(ThalwegTrigger):
    """Waits until a topology can do so much more than is foretold for it."""

    def __init__(
        self,
        *,
        engine: str,
        topology: str,
        more: float = 0.0,
        busy_limit: float = BUSY_LIMIT,
        max_age: float = MAX_AGE,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.engine, self.topology = engine, topology
        self.more, self.busy_limit, self.max_age = more, busy_limit, max_age

    def wanted(self) -> dict[str, Any]:
        return {
            "engine": self.engine,
            "topology": self.topology,
            "more": self.more,
            "busy_limit": self.busy_limit,
            "max_age": self.max_age,
        }

    def look(self) -> Steps[Verdict]:
        return judge.look_room(self.engine, self.topology, self.more, self.busy_limit, self.max_age)


class ThalwegNodeTrigger(ThalwegTrigger):
    """Waits until a host is healthy."""

    def __init__(
        self, *, engine: str, host: str, min_power: float = 0.0, max_age: float = MAX_AGE, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.engine, self.host = engine, host
        self.min_power, self.max_age = min_power, max_age

    def wanted(self) -> dict[str, Any]:
        return {"engine": self.engine, "host": self.host, "min_power": self.min_power, "max_age": self.max_age}

    def look(self) -> Steps[Verdict]:
        return judge.look_node(self.engine, self.host, self.min_power, self.max_age)


class ThalwegEventTrigger(BaseEventTrigger):
    """Sends an event for each new record of an engine's ledger, for an asset that a watcher looks after.

    Where Airflow keeps the state of assets (from 3.3 on) it goes on where the last event ended; before that it begins
    anew with each start of the triggerer, and what was recorded meanwhile brings no event.

    :param thalweg_conn_id: The connection.
    :param engine: The engine.
    :param topology: The topology, by its name or id; all if absent.
    :param kind: ``outcome``, ``action``, ``order``, ``decision``, ``approval``, ``operator`` or ``config``; all if
        absent.
    :param result: With this result only, such as ``helped`` or ``finished``.
    :param poll_interval: Seconds between two questions.
    """

    def __init__(
        self,
        *,
        thalweg_conn_id: str = ThalwegHook.default_conn_name,
        engine: str,
        topology: str | None = None,
        kind: str | None = "outcome",
        result: str | None = None,
        poll_interval: float = 30.0,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.thalweg_conn_id = thalweg_conn_id
        self.engine, self.topology = engine, topology
        self.kind, self.result = kind, result
        self.poll_interval = poll_interval

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """The class and what it is made with: JSON, and no secret."""
        kind = type(self)
        return f"{kind.__module__}.{kind.__qualname__}", {
            "thalweg_conn_id": self.thalweg_conn_id,
            "engine": self.engine,
            "topology": self.topology,
            "kind": self.kind,
            "result": self.result,
            "poll_interval": self.poll_interval,
        }

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Asks for ever. A wrong token or name is an error of the trigger, which Airflow shows and starts again."""
        async with await client_of(self.thalweg_conn_id) as client:
            after = await self._stored()
            while True:
                try:
                    found, last = await client.run(steps.news(self.engine, after, self.topology, self.kind))
                except ThalwegError as error:
                    if not error.passing:
                        raise
                    log.warning("%s", error)
                else:
                    for record in found:
                        if self.result in (None, record.result):
                            yield TriggerEvent(asdict(record))
                    if last != after:
                        await self._store(last)
                    after = last
                await asyncio.sleep(self.poll_interval)

    async def _stored(self) -> int | None:
        """Where the last event ended, if Airflow keeps the state of the asset."""
        store = getattr(self, "asset_state_store", None)
        if store is None:
            return None
        try:
            value = await store.aget(AFTER)
        except ValueError:
            # With several assets nobody can say whose state it is.
            return None
        return value if isinstance(value, int) else None

    async def _store(self, after: int) -> None:
        store = getattr(self, "asset_state_store", None)
        if store is not None:
            with contextlib.suppress(ValueError):
                await store.aset(AFTER, after)
