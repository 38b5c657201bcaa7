"""Ops that choose among topologies, and failures that wait, against a real server over a real engine."""

import threading
from typing import Any

import pytest

import dagster as dg
from dagster_thalweg import ThalwegResource, build_thalweg_placement_op, thalweg_patience
from thalweg_client import SettingError, steps
from thalweg_testing.failing import answering, nowhere, problem
from thalweg_testing.stand import ENGINE, TOPOLOGY, Stand, stand

from .test_ops import failed_with, resource

HERE = {"task": "here", "topology": TOPOLOGY, "work": 50}


@dg.op
def replay(told: dict[str, Any]) -> float:
    """Replays as much as it is told."""
    factor: float = told["factor"]
    return factor


def placed(
    *candidates: dict[str, Any],
    resources: dict[str, ThalwegResource],
    config: dict[str, Any] | None = None,
    **given: Any,
) -> dg.ExecuteInProcessResult:
    """A job that replays at the chosen one of its candidates."""
    tasks = [candidate["task"] for candidate in candidates]
    place = build_thalweg_placement_op(
        **{"name": "place", "candidates": candidates, "poll_interval": 0.2, "timeout": 120, **given}
    )

    @dg.job(resource_defs=resources)
    def job() -> None:
        chosen = place()
        for task in tasks:
            replay.alias(f"replay_{task}")(chosen if len(tasks) == 1 else getattr(chosen, task))

    ops = {"ops": {"place": {"config": config or {}}}}
    return job.execute_in_process(run_config=ops, raise_on_error=False)


def test_more_is_asked_for_before_anything_starts(served: Stand) -> None:
    result = placed({**HERE, "counts": {"split": 8}}, resources={"thalweg": resource(served)})
    assert result.success
    assert result.output_for_node("replay_here") == 1.0
    told = result.output_for_node("place", "here")
    assert (told["answer"], told["candidate"]) == ("start", "here")
    (order,) = served.run(steps.orders(ENGINE, TOPOLOGY))
    assert order.state == "done"
    assert "Dagster: job.place in " in order.why
    assert "words would be" in order.why


def test_what_follows_goes_elsewhere_where_there_is_room(served: Stand) -> None:
    with stand() as other:
        other.run(steps.scale(ENGINE, TOPOLOGY, {"counts": {"split": 12}}, "ref-room"))
        there = {**HERE, "task": "there", "connection": "other"}
        resources = {"thalweg": resource(served), "other": resource(other, "reader")}
        result = placed(HERE, there, resources=resources)
    assert result.success
    assert result.output_for_node("place", "there")["answer"] == "elsewhere"
    assert result.output_for_node("replay_there") == 1.0
    skipped = [event.step_key for event in result.all_events if event.is_step_skipped]
    assert skipped == ["replay_here"]


@pytest.mark.parametrize(
    ("role", "counts", "said"),
    [("reader", {"split": 8}, "has not the role operator"), ("operator", {"split": 1000}, "409 refused by engine")],
)
def test_what_is_refused_is_not_asked_for_again(role: str, counts: dict[str, int], said: str, shared: Stand) -> None:
    result = placed({**HERE, "counts": counts}, resources={"thalweg": resource(shared, role)}, timeout=0.5)
    assert said in failed_with(result)
    assert shared.run(steps.orders(ENGINE, TOPOLOGY)) == []


@pytest.mark.parametrize("on_unknown", ["start", "wait", "fail"])
def test_a_decision_that_cannot_be_asked_for_stops_nothing_for_ever(on_unknown: str, shared: Stand) -> None:
    with answering(lambda _method, _path: problem(503, "busy", "not yet")) as server:
        for address in (nowhere(), server.address):
            thalweg = resource(shared, address=address)
            result = placed(HERE, resources={"thalweg": thalweg}, config={"on_unknown": on_unknown}, timeout=0.3)
            assert result.success == (on_unknown == "start")
            if result.success:
                assert result.output_for_node("place", "here")["unknown"]
            else:
                assert "GET /v1/engines" in failed_with(result)


def test_what_is_wrong_with_candidates_is_named(shared: Stand) -> None:
    with pytest.raises(SettingError, match="words has no task"):
        build_thalweg_placement_op(name="place", candidates=[{"topology": TOPOLOGY, "work": 1}])
    with pytest.raises(SettingError, match="on_unknown: 'go'"):
        build_thalweg_placement_op(name="place", candidates=[HERE], on_unknown="go")
    result = placed(HERE, resources={"thalweg": resource(shared)}, config={"work": {"there": 1.0}})
    assert "work: there is no task of a candidate" in failed_with(result)


def test_a_resource_is_asked_once(shared: Stand) -> None:
    decided = resource(shared, "reader").place([{**HERE, "counts": {"split": 8}}])
    assert (decided.answer, decided.candidate) == ("more", "here")
    assert shared.run(steps.orders(ENGINE, TOPOLOGY)) == []


def patiently(thalweg: ThalwegResource, ran: list[int], fails: int, **given: Any) -> dg.ExecuteInProcessResult:
    """A job whose op fails so many times."""

    @dg.op(required_resource_keys={"thalweg"})
    def feed(context: dg.OpExecutionContext) -> int:
        with thalweg_patience(
            context, context.resources.thalweg, **{"topology": TOPOLOGY, "limit": 60, "interval": 0.1, **given}
        ):
            ran.append(context.retry_number)
            if len(ran) <= fails:
                raise ConnectionError("the topology takes nothing")
        return len(ran)

    @dg.job(resource_defs={"thalweg": thalweg})
    def job() -> None:
        feed()

    return job.execute_in_process(raise_on_error=False)


def paused(served: Stand) -> None:
    served.run(steps.pause(ENGINE, TOPOLOGY, None))
    served.until(lambda: steps.engine_of(ENGINE), lambda one: len(one.pauses) == 1)


def test_a_failure_waits_until_its_cause_has_passed_and_nothing_is_run_meanwhile(served: Stand) -> None:
    paused(served)
    ran: list[int] = []
    over = threading.Event()

    def resume() -> None:
        # Once it has failed it waits.
        while not ran and not over.is_set():
            over.wait(0.05)
        served.run(steps.resume(ENGINE, TOPOLOGY))

    beside = threading.Thread(target=resume)
    beside.start()
    try:
        result = patiently(resource(served), ran, fails=1)
    finally:
        over.set()
        beside.join()
    assert result.success
    assert result.output_for_node("feed") == 2
    assert len(ran) == 2, "it ran twice, however often it was looked"


def test_what_has_no_known_cause_has_its_own_retries(shared: Stand) -> None:
    ran: list[int] = []
    assert patiently(resource(shared), ran, fails=2, retries=2).success
    assert ran == [0, 1, 2]
    ran = []
    assert "the topology takes nothing" in failed_with(patiently(resource(shared), ran, fails=3, retries=2))
    assert ran == [0, 1, 2]
    ran = []
    down = resource(shared, address=nowhere())
    assert "the topology takes nothing" in failed_with(patiently(down, ran, fails=1))
    assert ran == [0]


def test_a_wait_ends_at_its_limit(served: Stand) -> None:
    paused(served)
    ran: list[int] = []
    assert "the topology takes nothing" in failed_with(patiently(resource(served), ran, fails=9, limit=0.5))
    assert ran[0] == 0
    assert 2 <= len(ran) <= 3, "once more after the limit, and not in between"
