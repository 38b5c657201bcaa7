"""Triggers on an event loop, as the triggerer runs them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_providers_thalweg.notifications.thalweg import ThalwegPauseNotifier
from airflow_providers_thalweg.triggers.thalweg import (
    ThalwegDrainTrigger,
    ThalwegEventTrigger,
    ThalwegLagTrigger,
    ThalwegNodeTrigger,
    ThalwegOrderTrigger,
    ThalwegRoomTrigger,
    ThalwegStableTrigger,
    ThalwegTrigger,
    client_of,
)
from thalweg_client import AsyncClient, Forbidden, steps
from thalweg_testing.failing import Answer, answering, losing, problem
from thalweg_testing.stand import ENGINE, TOPOLOGY, Stand

from .conftest import Connecting

MORE = {"counts": {"split": 4}}
COMMON: dict[str, Any] = {"thalweg_conn_id": "thalweg_default", "poll_interval": 0.1}
ORDER = {"id": "o1-1", "why": "", "at": 1, "state": "waiting", "text": "", "plan": None}


def again(trigger: BaseTrigger) -> BaseTrigger:
    """The trigger as the triggerer makes it of what was stored."""
    path, kwargs = trigger.serialize()
    module, _, kind = path.rpartition(".")
    import importlib

    made: BaseTrigger = getattr(importlib.import_module(module), kind)(**json.loads(json.dumps(kwargs)))
    assert made.serialize() == (path, kwargs)
    return made


async def fired(trigger: BaseTrigger, patience: float = 60) -> dict[str, Any]:
    """The event of a trigger, which is JSON."""
    async with asyncio.timeout(patience):
        events: AsyncIterator[TriggerEvent] = again(trigger).run()
        event = await anext(events)
    payload: dict[str, Any] = event.payload
    assert json.loads(json.dumps(payload)) == payload
    return payload


@pytest.mark.parametrize(
    "trigger",
    [
        ThalwegOrderTrigger(engine=ENGINE, topology=TOPOLOGY, order=ORDER, mark="ref-1", **COMMON),
        ThalwegDrainTrigger(engine=ENGINE, host="h", **COMMON),
        ThalwegLagTrigger(engine=ENGINE, topology=TOPOLOGY, limit=5, source="lines", max_age=9.0, **COMMON),
        ThalwegStableTrigger(engine=ENGINE, topology=TOPOLOGY, quiet_for=3.0, **COMMON),
        ThalwegRoomTrigger(engine=ENGINE, topology=TOPOLOGY, more=0.2, busy_limit=0.7, **COMMON),
        ThalwegNodeTrigger(engine=ENGINE, host="h", min_power=0.5, **COMMON),
        ThalwegEventTrigger(engine=ENGINE, topology=TOPOLOGY, result="helped"),
    ],
)
def test_a_trigger_comes_back_as_it_was_and_holds_no_secret(
    trigger: BaseTrigger, shared: Stand, connect: Connecting
) -> None:
    connect(shared)
    again(trigger)
    assert shared.tokens["operator"] not in repr(trigger)


async def test_what_is_waited_for_is_told_with_its_figures(served: Stand, connect: Connecting) -> None:
    connect(served)
    waiting = asyncio.create_task(fired(ThalwegLagTrigger(engine=ENGINE, topology=TOPOLOGY, limit=1000, **COMMON)))
    order = await asyncio.to_thread(served.run, steps.scale(ENGINE, TOPOLOGY, MORE, "ref-1"))
    told = {"id": order.id, "why": order.why, "at": order.at, "state": order.state, "text": "", "plan": None}
    done = await fired(ThalwegOrderTrigger(engine=ENGINE, topology=TOPOLOGY, order=told, mark="ref-1", **COMMON))
    assert (done["status"], done["data"]["state"]) == ("met", "done")
    low = await waiting
    assert low["status"] == "met"
    assert low["data"]["backlog"] <= 1000
    stable = await fired(ThalwegStableTrigger(engine=ENGINE, topology=TOPOLOGY, quiet_for=1.0, **COMMON))
    assert stable["data"]["quiet_secs"] >= 1
    room = await fired(ThalwegRoomTrigger(engine=ENGINE, topology=TOPOLOGY, busy_limit=1000.0, **COMMON))
    assert room["data"]["expected_busy"] >= room["data"]["busy"]
    host = (await asyncio.to_thread(served.run, steps.topology(ENGINE, TOPOLOGY))).nodes[0].host
    assert (await fired(ThalwegNodeTrigger(engine=ENGINE, host=host, **COMMON)))["data"]["slots"] > 0
    await asyncio.to_thread(served.run, steps.drain(ENGINE, host))
    assert (await fired(ThalwegDrainTrigger(engine=ENGINE, host=host, **COMMON)))["data"]["workers"] == {}


async def test_an_order_that_is_taken_back_ends_the_wait_for_good(served: Stand, connect: Connecting) -> None:
    connect(served)
    await asyncio.to_thread(served.run, steps.pause(ENGINE, TOPOLOGY, None))
    order = await asyncio.to_thread(served.run, steps.scale(ENGINE, TOPOLOGY, MORE, "ref-1"))
    told = {**ORDER, "id": order.id}
    trigger = ThalwegOrderTrigger(engine=ENGINE, topology=TOPOLOGY, order=told, mark="ref-1", **COMMON)
    waiting = asyncio.create_task(fired(trigger))
    await asyncio.to_thread(served.run, steps.cancel(ENGINE, order.id))
    event = await waiting
    assert (event["status"], event["permanent"]) == ("failed", True)
    assert "is cancelled" in event["why"]


async def test_a_server_that_is_away_for_a_while_is_waited_for(shared: Stand, connect: Connecting) -> None:
    away = iter([True, True, False])
    with losing(shared.address, lambda _m, _p: next(away, False), before=True) as proxy:
        connect(shared, address=proxy.address)
        event = await fired(ThalwegStableTrigger(engine=ENGINE, topology=TOPOLOGY, **COMMON))
        assert len(proxy.asked) >= 4
    assert event["status"] == "met"


async def test_a_server_that_is_slow_is_asked_again(shared: Stand, connect: Connecting) -> None:
    release = asyncio.Event()
    loop = asyncio.get_running_loop()
    slow = iter([True])

    def late(_method: str, _path: str) -> bool:
        if next(slow, False):
            asyncio.run_coroutine_threadsafe(release.wait(), loop).result(30)
        return False

    with losing(shared.address, late) as proxy:
        connect(shared, address=proxy.address, timeout=0.3)
        event = await fired(ThalwegStableTrigger(engine=ENGINE, topology=TOPOLOGY, **COMMON))
        release.set()
    assert event["status"] == "met"


@pytest.mark.parametrize(
    ("given", "permanent"),
    [
        (problem(401, "no-valid-token", "unknown"), True),
        (problem(403, "forbidden", "not allowed"), True),
        (problem(404, "not-found", "there is no topology"), False),
        (problem(409, "refused-by-engine", "it refuses"), True),
        (Answer(200, b"<html>", "text/html"), True),
    ],
)
async def test_a_refusal_ends_the_wait(given: Answer, permanent: bool, shared: Stand, connect: Connecting) -> None:
    with answering(lambda _m, _p: given) as server:
        connect(shared, address=server.address)
        event = await fired(ThalwegStableTrigger(engine=ENGINE, topology=TOPOLOGY, **COMMON))
    assert (event["status"], event["permanent"]) == ("failed", permanent)
    assert shared.tokens["operator"] not in json.dumps(event)


async def test_a_wrong_connection_ends_the_wait(shared: Stand, connect: Connecting) -> None:
    connect(shared, address="nothing://x")
    event = await fired(ThalwegStableTrigger(engine=ENGINE, topology=TOPOLOGY, **COMMON))
    assert "connection thalweg_default: address" in event["why"]


@pytest.mark.parametrize("make", [client_of, ThalwegPauseNotifier(topology=TOPOLOGY).async_notify])
async def test_files_are_read_beside_the_event_loop(
    make: Callable[[Any], Awaitable[Any]], shared: Stand, connect: Connecting, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(shared, "reader")
    loop, read = threading.get_ident(), []
    original = ssl.SSLContext.load_verify_locations

    def watched(*given: Any, **named: Any) -> None:
        read.append(threading.get_ident())
        original(*given, **named)

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", watched)
    # Whoever only reads may not pause: by then the client is there.
    with contextlib.suppress(Forbidden):
        made = await make("thalweg_default" if make is client_of else {})
        if isinstance(made, AsyncClient):
            await made.close()
    assert read
    assert loop not in read


async def test_a_longer_wait_is_left_when_the_triggerer_ends_it(shared: Stand, connect: Connecting) -> None:
    connect(shared)
    trigger: ThalwegTrigger = ThalwegLagTrigger(engine=ENGINE, topology=TOPOLOGY, limit=-1, **COMMON)
    waiting = asyncio.ensure_future(anext(again(trigger).run()))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


class Kept:
    """A store of an asset's state, as Airflow gives a trigger one."""

    def __init__(self) -> None:
        self.value: Any = None
        self.stored = asyncio.Event()

    async def aget(self, _key: str) -> Any:
        return self.value

    async def aset(self, _key: str, value: Any) -> None:
        self.value = value
        self.stored.set()


async def test_each_new_record_is_an_event_and_a_restart_goes_on_after_the_last(
    served: Stand, connect: Connecting
) -> None:
    connect(served)
    trigger = ThalwegEventTrigger(engine=ENGINE, topology=TOPOLOGY, kind="order", poll_interval=0.1)
    trigger.asset_state_store = kept = Kept()  # type: ignore[assignment]
    first = asyncio.ensure_future(anext(trigger.run()))
    await kept.stored.wait()
    order = await asyncio.to_thread(served.run, steps.scale(ENGINE, TOPOLOGY, MORE, "ref-1"))
    async with asyncio.timeout(60):
        event = (await first).payload
    assert (event["kind"], event["name"]) == ("order", TOPOLOGY)
    assert "ref-1" in event["text"]
    assert order.id
    assert json.dumps(event)
    # The first run ended before its end was stored, so the same record comes again rather than never.
    anew = ThalwegEventTrigger(engine=ENGINE, topology=TOPOLOGY, kind="order", result="done", poll_interval=0.1)
    anew.asset_state_store = kept  # type: ignore[assignment]
    async with asyncio.timeout(60):
        done = (await anext(anew.run())).payload
    assert done["result"] == "done"
    assert done["seq"] > event["seq"]


async def test_a_wrong_token_is_an_error_of_the_event_trigger(shared: Stand, connect: Connecting) -> None:
    connect(shared, token="wrong")
    with pytest.raises(Exception, match="401"):
        await anext(ThalwegEventTrigger(engine=ENGINE).run())
