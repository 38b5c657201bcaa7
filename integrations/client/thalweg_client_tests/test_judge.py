"""Verdicts over figures that can be worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from thalweg_client import Engine, Order, OrderFailed, Pause, Plan, SettingError, Summary, Topology, judge
from thalweg_client.model import Component, Forecast, Node, Reason

NOW = 1_800_000_000_000
SUMMARY = Summary(
    engine="storm", id="words-1", name="words", status="active", verdict="hold", mode="act", at=NOW - 1000,
    throughput=100.0, latency=5.0, busy=0.5, executors=4, backlog=70, plan="none", bottleneck=None,
)  # fmt: skip
WORDS = Topology(
    summary=SUMMARY,
    components=[Component("lines", "source", 1, 0.5, 70), Component("split", "operator", 3, 0.5, None)],
    reasons=[],
    nodes=[Node("n1", "host1", 4, False, 1.0), Node("n2", "host2", 4, False, 0.4), Node("n3", "host3", 0, False, None)],
    workers=["n1", "n1", "n2"],
    unassigned=0,
)
PLAN = Plan("p1", "storm", "words-1", "words", "counts", "finished", NOW - 60_000, None)


def words(**changed: object) -> Topology:
    return replace(WORDS, summary=replace(SUMMARY, **changed))  # type: ignore[arg-type]


def test_lag_is_below_a_limit_up_to_it() -> None:
    assert judge.lag_below(WORDS, 70, NOW).met
    verdict = judge.lag_below(WORDS, 69, NOW)
    assert not verdict.met
    assert verdict.why == "70 records wait before words, and 69 are allowed"
    assert (verdict.data["backlog"], verdict.data["limit"]) == (70, 69)


def test_what_nobody_counts_is_never_little() -> None:
    assert judge.lag_below(words(backlog=None), 70, NOW).why == "nobody counts what waits before words"
    assert judge.lag_below(WORDS, 70, NOW, "split").why == "nobody counts what waits before split of words"
    assert judge.lag_below(WORDS, 70, NOW, "lines").met


def test_what_was_not_measured_is_told_as_unknown() -> None:
    fresh = words(throughput=None, busy=None, latency=None)
    verdict = judge.lag_below(fresh, 70, NOW)
    assert verdict.met, "what waits is counted all the same"
    assert [verdict.data[name] for name in ("throughput", "busy", "latency")] == [None, None, None]
    assert judge.stable(fresh, [], NOW).met


def test_a_source_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(SettingError, match="no component liens; its sources are lines"):
        judge.lag_below(WORDS, 70, NOW, "liens")


def test_what_is_too_old_counts_for_nothing() -> None:
    old = words(at=NOW - 121_000)
    said = "words was judged 121 s ago, and 120 s are allowed"
    assert judge.lag_below(old, 70, NOW).why == said
    assert judge.stable(old, [], NOW).why == said
    assert judge.node_healthy(old, "host1", NOW).why == said
    assert judge.lag_below(old, 70, NOW, max_age=121).met


def test_a_topology_is_stable_once_the_last_plan_ended_long_enough_ago() -> None:
    assert judge.stable(WORDS, [PLAN], NOW, 60).met
    assert not judge.stable(WORDS, [PLAN], NOW, 61).met
    assert judge.stable(WORDS, [replace(PLAN, topology="words-2")], NOW, 61).met, "another topology's plan"
    assert judge.stable(WORDS, [replace(PLAN, state="proposed", since=NOW)], NOW, 61).met, "it changes nothing yet"


@pytest.mark.parametrize(
    ("topology", "said"),
    [
        (words(status="inactive"), "words is inactive"),
        (words(status=""), "words is in no known state"),
        (words(plan="under_way"), "a plan for words is under way"),
        (replace(WORDS, unassigned=2), "2 executors of words run nowhere"),
    ],
)
def test_what_is_not_stable_says_why(topology: Topology, said: str) -> None:
    assert judge.stable(topology, [], NOW).why == said


def test_room_is_what_is_left_below_the_limit() -> None:
    verdict = judge.has_room(WORDS, NOW, 0.6)
    assert verdict.met
    assert verdict.why == "words would be 80 % busy with 60 % more, and 80 % are allowed"
    assert verdict.data["room"] == pytest.approx(0.6)
    assert not judge.has_room(WORDS, NOW, 0.61).met
    assert judge.has_room(WORDS, NOW, 0.61, busy_limit=0.9).met


def test_what_is_foretold_takes_its_room_before_it_is_there() -> None:
    peak = replace(WORDS, forecast=Forecast(NOW + 60_000, 140.0, 160.0))
    verdict = judge.has_room(peak, NOW)
    assert verdict.met
    said = "words would be 80 % busy with 0 % more, at the 160 records a second that are foretold, and 80 % are allowed"
    assert verdict.why == said
    assert verdict.data["room"] == pytest.approx(0.0)
    assert not judge.has_room(peak, NOW, 0.01).met
    ebb = replace(WORDS, forecast=Forecast(NOW + 60_000, 10.0, 20.0))
    assert judge.has_room(ebb, NOW).data["expected_busy"] == 0.5, "what is there now has to be done as well"


def test_where_nobody_knows_there_is_no_room() -> None:
    assert judge.has_room(words(busy=None), NOW).why == "nobody has measured how busy words is"
    assert judge.has_room(words(status="inactive"), NOW).why == "words is inactive"
    assert not judge.has_room(words(at=NOW - 121_000), NOW).met
    idle = judge.has_room(words(busy=0.0), NOW, 5)
    assert idle.met
    assert idle.data["room"] is None, "no share of nothing can be told"


@pytest.mark.parametrize(
    ("host", "power", "said"),
    [
        ("host1", 0.9, "host1 is healthy"),
        ("n1", 0.0, "n1 is healthy"),
        ("host2", 0.5, "host2 can do 0.40 of what the ablest node can, and 0.50 are asked for"),
        ("host3", 0.0, "host3 has no slots"),
        ("host9", 0.0, "host9 is not among the nodes of the cluster: host1, host2, host3"),
    ],
)
def test_a_node_is_healthy_or_it_is_said_why_not(host: str, power: float, said: str) -> None:
    assert judge.node_healthy(WORDS, host, NOW, power).why == said


def test_a_node_that_is_drained_or_not_measured_is_not_healthy() -> None:
    nodes = [replace(WORDS.nodes[0], draining=True), replace(WORDS.nodes[1], power=None)]
    drained = replace(WORDS, nodes=nodes)
    assert judge.node_healthy(drained, "host1", NOW).why == "host1 is drained"
    assert judge.node_healthy(drained, "host2", NOW).met
    assert judge.node_healthy(drained, "host2", NOW, 0.1).why == "what host2 can do was not measured"


def test_a_host_is_left_once_no_topology_has_workers_there() -> None:
    assert judge.left([WORDS], "host1").why == "workers on host1: 2 of words"
    assert judge.left([WORDS], "host3").met
    assert judge.left([], "host1").met


@pytest.mark.parametrize("state", ["failed", "refused", "expired", "replaced", "cancelled"])
def test_an_order_that_will_not_be_carried_out_any_more_is_an_error(state: str) -> None:
    with pytest.raises(OrderFailed, match=f"order o1-1 for words is {state}: no room") as caught:
        judge.settled(Order("o1-1", "", NOW, state, "no room", None), "words")
    assert caught.value.state == state


def test_an_order_is_waited_for_until_it_is_done() -> None:
    for state in ("waiting", "proposed", "acting"):
        assert not judge.settled(Order("o1-1", "", NOW, state, "", "p1"), "words").met
    assert judge.settled(Order("o1-1", "", NOW, "done", "", "p1"), "words").met


def engine(**pause: object) -> Engine:
    given = {"scope": "*", "direction": "both", "until": None, "at": NOW, "who": "ann"} | pause
    return Engine("storm", True, None, "act", [Pause(**given)])  # type: ignore[arg-type]


def test_pauses_and_freezes_close_a_topology() -> None:
    open_one = Engine("storm", True, None, "act", [])
    assert judge.closed(open_one, WORDS, NOW) is None
    assert judge.closed(engine(), WORDS, NOW) == "* of storm is paused by ann"
    assert judge.closed(engine(), None, NOW) == "* of storm is paused by ann"
    assert judge.closed(engine(scope="wor*"), WORDS, NOW) is not None
    assert judge.closed(engine(scope="wor*"), None, NOW) is None
    assert judge.closed(engine(scope="w[o]rds"), WORDS, NOW) is None, "brackets mean themselves"
    assert judge.closed(engine(until=NOW), WORDS, NOW) is None
    assert judge.closed(engine(direction="in"), WORDS, NOW) is None
    frozen = replace(WORDS, reasons=[Reason("FROZEN", "seconds left of the freeze")])
    assert judge.closed(open_one, frozen, NOW) == "words is frozen: seconds left of the freeze"
