"""Against a real server over a real engine."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from thalweg_client import (
    AsyncClient,
    Client,
    Forbidden,
    NotFound,
    OrderUnknown,
    Refused,
    Settings,
    Unauthorized,
    judge,
    peaks,
    steps,
)
from thalweg_client.model import Peak
from thalweg_testing.failing import losing
from thalweg_testing.stand import ENGINE, ROOT, TOPOLOGY, Stand, stand

MORE = {"counts": {"split": 4}}


def test_what_is_told_is_read(shared: Stand) -> None:
    assert shared.run(steps.me(), "reader").roles == ["reader"]
    engines = {engine.name: engine for engine in shared.run(steps.engines())}
    assert engines[ENGINE].up
    assert not engines["gone"].up
    topology = shared.run(steps.topology(ENGINE, TOPOLOGY))
    assert topology.summary.name == TOPOLOGY
    assert {component.id for component in topology.components} >= {"lines", "split", "count"}
    assert len(topology.nodes) == 3
    assert shared.run(steps.newest(ENGINE)) > 0
    assert [one.kind for one in shared.run(steps.records(ENGINE, 0))]


def test_lag_grows_where_there_are_too_few_executors(shared: Stand) -> None:
    verdict = shared.until(lambda: judge.look_lag(ENGINE, TOPOLOGY, 1000), lambda v: v.data["backlog"] > 1000)
    assert not verdict.met
    assert shared.run(judge.look_node(ENGINE, shared.run(steps.topology(ENGINE, TOPOLOGY)).nodes[0].host)).met


def test_wrong_tokens_roles_and_names_are_refused(shared: Stand) -> None:
    with Client(Settings(shared.address, "wrong")) as client, pytest.raises(Unauthorized):
        client.run(steps.me())
    for role in ("reader", "approver"):
        with pytest.raises(Forbidden, match="has not the role operator"):
            shared.run(steps.pause(ENGINE, TOPOLOGY, None), role)
    with pytest.raises(NotFound, match="there is no topology nothing"):
        shared.run(steps.topology(ENGINE, "nothing"))
    with pytest.raises(Refused, match="counts"):
        shared.run(steps.scale(ENGINE, TOPOLOGY, {"counts": {"split": 1000}}, "ref-much"))
    with pytest.raises(NotFound, match="host9"):
        shared.run(steps.drain(ENGINE, "host9"))


async def test_an_order_is_given_once_and_carried_out(served: Stand) -> None:
    async with AsyncClient(served.settings()) as client:
        order = await client.run(steps.scale(ENGINE, TOPOLOGY, MORE, "ref-1", "more"))
        again = await client.run(steps.scale(ENGINE, TOPOLOGY, MORE, "ref-1", "more"))
    assert again.id == order.id
    done = served.until(lambda: steps.order_now(ENGINE, TOPOLOGY, order, "ref-1"), lambda one: not one.is_open)
    assert judge.settled(done, TOPOLOGY).met
    assert served.run(steps.scale(ENGINE, TOPOLOGY, MORE, "ref-1")).state == "done"
    assert len(served.run(steps.orders(ENGINE, TOPOLOGY))) == 1
    split = [one for one in served.run(steps.topology(ENGINE, TOPOLOGY)).components if one.id == "split"]
    served.until(
        lambda: steps.topology(ENGINE, TOPOLOGY),
        lambda one: [c.executors for c in one.components if c.id == "split"] == [4],
    )
    assert split
    served.until(lambda: judge.look_lag(ENGINE, TOPOLOGY, 1000), lambda verdict: verdict.met)
    assert served.run(judge.look_stable(ENGINE, TOPOLOGY)).met
    room = served.run(judge.look_room(ENGINE, TOPOLOGY, busy_limit=1.0))
    assert room.data["busy"] is None or room.data["expected_busy"] >= room.data["busy"]
    # What the engine has forgotten the ledger remembers.
    found = served.until(lambda: steps._remembered(ENGINE, TOPOLOGY, "ref-1"), lambda one: one is not None)
    assert found is not None
    assert served.run(steps._remembered(ENGINE, TOPOLOGY, "ref-2")) is None


def test_an_order_whose_answer_was_lost_is_found(served: Stand) -> None:
    with (
        losing(served.address, lambda method, _path: method == "POST") as proxy,
        Client(Settings(proxy.address, served.tokens["operator"])) as client,
    ):
        order = client.run(steps.scale(ENGINE, TOPOLOGY, MORE, "ref-lost"))
        assert proxy.count("POST") == 1
    assert [one.id for one in served.run(steps.orders(ENGINE, TOPOLOGY))] == [order.id]


def test_an_order_that_never_arrived_is_not_sent_again_until_somebody_asks(
    served: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "LOOKS", (0.05, 0.05))
    lost = iter([True])
    with (
        losing(served.address, lambda m, _p: m == "POST" and next(lost, False), before=True) as proxy,
        Client(Settings(proxy.address, served.tokens["operator"])) as client,
    ):
        with pytest.raises(OrderUnknown):
            client.run(steps.scale(ENGINE, TOPOLOGY, MORE, "ref-gone"))
        assert proxy.count("POST") == 1
        order = client.run(steps.scale(ENGINE, TOPOLOGY, MORE, "ref-gone"))
    assert [one.id for one in served.run(steps.orders(ENGINE, TOPOLOGY))] == [order.id]


def test_an_order_that_was_taken_back_is_over_and_may_be_given_anew(served: Stand) -> None:
    served.run(steps.pause(ENGINE, TOPOLOGY, None))
    order = served.run(steps.scale(ENGINE, TOPOLOGY, MORE, "ref-1"))
    served.run(steps.cancel(ENGINE, order.id))
    assert served.run(steps.order_now(ENGINE, TOPOLOGY, order, "ref-1")).state == "cancelled"
    assert served.run(steps.scale(ENGINE, TOPOLOGY, MORE, "ref-1")).id != order.id


def test_pauses_drains_and_their_ends_are_said_once(served: Stand) -> None:
    assert served.run(steps.pause(ENGINE, TOPOLOGY, None))
    served.until(lambda: steps.engine_of(ENGINE), lambda one: [p.scope for p in one.pauses] == [TOPOLOGY])
    assert not served.run(steps.pause(ENGINE, TOPOLOGY, None))
    assert "is paused" in (served.run(judge.look_closed(ENGINE, TOPOLOGY)) or "")
    served.run(steps.resume(ENGINE, TOPOLOGY))
    served.until(lambda: judge.look_closed(ENGINE, TOPOLOGY), lambda why: why is None)
    host = served.run(steps.topology(ENGINE, TOPOLOGY)).nodes[0].host
    assert served.run(steps.drain(ENGINE, host))
    assert not served.run(steps.drain(ENGINE, host))
    served.until(lambda: judge.look_left(ENGINE, host), lambda verdict: verdict.met)
    assert served.until(lambda: judge.look_node(ENGINE, host), lambda v: "drained" in v.why).data["draining"]
    assert served.run(steps.undrain(ENGINE, host))
    assert not served.run(steps.undrain(ENGINE, host))


def test_a_pause_that_lasts_longer_than_another_is_not_new(served: Stand) -> None:
    later = 4_102_444_800_000
    assert served.run(steps.pause(ENGINE, TOPOLOGY, later))
    served.until(lambda: steps.engine_of(ENGINE), lambda one: [p.until for p in one.pauses] == [later])
    assert not served.run(steps.pause(ENGINE, TOPOLOGY, later + 1))
    served.until(lambda: steps.engine_of(ENGINE), lambda one: [p.until for p in one.pauses] == [later + 1])
    assert served.run(steps.take_back(ENGINE, TOPOLOGY, later)) is not None
    assert served.run(steps.take_back(ENGINE, TOPOLOGY, later + 1)) is None
    served.until(lambda: steps.engine_of(ENGINE), lambda one: one.pauses == [])


def test_a_freeze_closes_a_topology_once_it_keeps_an_order_waiting() -> None:
    with stand({"thalweg.windows.freeze": ["00:00-24:00"]}) as frozen:
        assert frozen.run(judge.look_closed(ENGINE, TOPOLOGY)) is None, "nothing is kept from being done"
        frozen.run(steps.scale(ENGINE, TOPOLOGY, MORE, "ref-1"))
        why = frozen.until(lambda: judge.look_closed(ENGINE, TOPOLOGY), lambda told: told is not None)
        assert "frozen" in (why or "")


def test_two_who_give_the_same_order_at_once_leave_one_that_counts(served: Stand) -> None:
    with ThreadPoolExecutor(2) as both:
        list(both.map(lambda _: served.run(steps.scale(ENGINE, TOPOLOGY, MORE, "ref-1")), range(2)))
    counted = [one for one in served.run(steps.orders(ENGINE, TOPOLOGY)) if one.state != "replaced"]
    assert len(counted) == 1


def test_every_path_that_is_asked_for_is_in_the_openapi_document() -> None:
    document = json.loads((ROOT / "docs/reference/openapi.json").read_text())
    conversations: dict[str, list[Any]] = {
        "get": [
            steps.me(), steps.engines(), steps.summaries(), steps.topology("e", "t"), steps.plans("e", "t"),
            steps.newest("e"), steps.orders("e", "t"),
        ],
        "post": [
            steps.cancel("e", "o"), steps.resume("e", None), steps.drain("e", "h"),
        ],
        "put": [peaks.expect("e", "n", [Peak("n", "t", 1, 2, {}, 0.0)])],
        "delete": [steps.undrain("e", "h"), peaks.forget("e", "n")],
    }  # fmt: skip
    named = {"e": "{engine}", "t": "{topology}", "h": "{host}", "o": "{order}", "n": "{name}"}
    for method, asked in conversations.items():
        for conversation in asked:
            ask = next(conversation)
            assert isinstance(ask, steps.Ask)
            path = "/".join(named.get(part, part) for part in ask.path.split("/"))
            operation = document["paths"][path][method]
            taken = {one["name"] for one in operation.get("parameters", []) if one["in"] == "query"}
            assert set(ask.query) <= taken
