"""Tasks that are placed, and failures that wait, against a real server over a real engine."""

from __future__ import annotations

import importlib
import json
import logging
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException, BaseOperator, TaskDeferred

from airflow_providers_thalweg.hooks.thalweg import ThalwegHook
from airflow_providers_thalweg.operators.patience import patient
from airflow_providers_thalweg.operators.placement import ThalwegPlacementOperator
from airflow_providers_thalweg.triggers.placement import ThalwegCauseTrigger, ThalwegPlacementTrigger
from thalweg_client import SettingError, steps
from thalweg_client.placement import look_seen
from thalweg_testing.failing import Answer, answering, nowhere, problem
from thalweg_testing.stand import ENGINE, TOPOLOGY, Stand, stand

from .conftest import Connecting, connection
from .test_dags import executed, states, value

pytestmark = pytest.mark.usefixtures("database")


def roomy(served: Stand) -> None:
    """Gives the topology all that it needs, and waits until it has caught up."""
    served.run(steps.scale(ENGINE, TOPOLOGY, {"counts": {"split": 12}}, "ref-room"))
    served.until(
        lambda: steps.topology(ENGINE, TOPOLOGY), lambda one: one.summary.busy is not None and one.summary.busy < 0.5
    )


@pytest.mark.parametrize("name", ["here", "deferred"])
def test_more_is_asked_for_before_a_task_starts(name: str, served: Stand, connect: Connecting) -> None:
    connect(served)
    run = getattr(importlib.import_module("thalweg_placed"), name).test()
    assert states(run) == {"place": "success", "here": "success", "there": "skipped"}
    assert value(run, "here") == 1.0
    assert value(run, "place", "answer") == "start"
    assert "records a second more" in value(run, "place", "reason")
    told = value(run, "place")
    assert told["candidate"] == "here"
    assert told["measured"] <= told["limit"]
    (order,) = served.run(steps.orders(ENGINE, TOPOLOGY))
    assert order.state == "done"
    assert f"Airflow: placed_{name}.place in " in order.why
    assert "words would be" in order.why


def test_a_task_goes_elsewhere_where_there_is_room(
    served: Stand, connect: Connecting, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(served)
    with stand() as other:
        monkeypatch.setenv("AIRFLOW_CONN_OTHER", connection(other.address, other.tokens["reader"]))
        roomy(other)
        run = importlib.import_module("thalweg_placed").here.test(run_conf={"elsewhere": "other", "there": 50})
    assert states(run) == {"place": "success", "here": "skipped", "there": "success"}
    assert value(run, "place", "answer") == "elsewhere"
    assert served.run(steps.orders(ENGINE, TOPOLOGY)) == []


def placing(*candidates: dict[str, Any], **given: Any) -> ThalwegPlacementOperator:
    found = candidates or ({"topology": TOPOLOGY, "work": 50},)
    return ThalwegPlacementOperator(
        **{"task_id": "place", "candidates": found, "poll_interval": 0.1, "timeout": 60, **given}
    )


def test_a_task_runs_smaller(served: Stand, connect: Connecting) -> None:
    connect(served)
    roomy(served)
    told = executed(placing({"topology": TOPOLOGY, "work": 5_000, "smallest": 0.01}))
    assert told["answer"] == "smaller"
    assert 0.01 <= told["factor"] < 0.5


@pytest.mark.parametrize(
    ("role", "counts", "said"),
    [
        ("reader", {"split": 8}, "has not the role operator"),
        ("operator", {"split": 1000}, "409 refused by engine"),
    ],
)
def test_what_is_refused_is_not_asked_for_again(
    role: str, counts: dict[str, int], said: str, shared: Stand, connect: Connecting
) -> None:
    connect(shared, role)
    with pytest.raises(AirflowException, match=rf"after 1 s: words would be .* no more is to be had: .*{said}"):
        executed(placing({"topology": TOPOLOGY, "work": 50, "counts": counts}, timeout=0.6))
    assert shared.run(steps.orders(ENGINE, TOPOLOGY)) == []


@pytest.mark.parametrize("how", ["down", "slow", "refuses"])
@pytest.mark.parametrize("on_unknown", ["start", "wait", "fail"])
def test_a_decision_that_cannot_be_asked_for_stops_nothing_for_ever(
    how: str, on_unknown: str, shared: Stand, connect: Connecting, caplog: pytest.LogCaptureFixture
) -> None:
    over = threading.Event()

    def slow(_method: str, _path: str) -> Answer:
        over.wait(30)
        return Answer(200, [])

    def busy(_method: str, _path: str) -> Answer:
        return problem(503, "busy", "not yet")

    with answering(slow if how == "slow" else busy) as server:
        connect(shared, address=nowhere() if how == "down" else server.address, timeout=0.2)
        operator = placing(on_unknown=on_unknown, timeout=0.3)
        if on_unknown == "start":
            with caplog.at_level(logging.WARNING):
                told = executed(operator)
            assert (told["answer"], told["unknown"], told["factor"]) == ("start", True, 1.0)
            assert told["why"].endswith("on_unknown is start")
        else:
            with pytest.raises(AirflowException, match="GET /v1/engines") as caught:
                executed(operator)
            assert not isinstance(caught.value, AirflowFailException), "it may be tried again"
        over.set()


def test_an_engine_that_is_away_is_as_unknown_as_a_server(shared: Stand, connect: Connecting) -> None:
    connect(shared)
    told = executed(placing({"topology": TOPOLOGY, "work": 50, "engine": "gone"}))
    assert told["unknown"]
    assert "gone does not answer" in told["why"]


def test_what_is_wrong_with_candidates_fails_without_retries(shared: Stand, connect: Connecting) -> None:
    connect(shared)
    with pytest.raises(AirflowFailException, match="candidates: work is missing"):
        executed(placing({"topology": TOPOLOGY}))
    with pytest.raises(SettingError, match="on_unknown: 'go' is none of start, wait, fail"):
        placing(on_unknown="go")
    connect(shared, token="wrong")
    with pytest.raises(AirflowFailException, match="401"):
        executed(placing())


def test_a_function_that_branches_asks_the_hook(shared: Stand, connect: Connecting) -> None:
    connect(shared)
    decided = ThalwegHook().place([{"topology": TOPOLOGY, "work": 50, "task": "here", "counts": {"split": 8}}])
    assert (decided.answer, decided.candidate) == ("more", "here")
    assert shared.run(steps.orders(ENGINE, TOPOLOGY)) == []


async def test_the_trigger_ends_once_there_is_something_to_do(served: Stand, connect: Connecting) -> None:
    connect(served)
    with pytest.raises(TaskDeferred) as caught:
        executed(placing(deferrable=True))
    trigger = caught.value.trigger
    path, given = trigger.serialize()
    assert path == "airflow_providers_thalweg.triggers.placement.ThalwegPlacementTrigger"
    assert json.loads(json.dumps(given)) == given
    assert served.tokens["operator"] not in json.dumps(given)
    running = ThalwegPlacementTrigger(**given).run()
    served.run(steps.scale(ENGINE, TOPOLOGY, {"counts": {"split": 12}}, "ref-room"))
    event = await anext(aiter(running))
    assert event.payload["status"] == "met"
    again = placing(deferrable=True)
    assert again.decide_again({"ti": _Instance()}, event.payload)["answer"] == "start"  # type: ignore[typeddict-item]


async def test_an_order_that_could_not_be_given_is_given_again_after_a_rest(shared: Stand, connect: Connecting) -> None:
    connect(shared)
    candidate = {
        "topology": TOPOLOGY,
        "work": 50,
        "engine": ENGINE,
        "connection": "thalweg_default",
        "counts": {"split": 8},
    }
    # Its answer was lost: the order is known by its reference, and not found.
    progress = {"since": 0.0, "refused": {}, "ordered": {"0": "ref-lost"}, "again": ["0"]}
    trigger = ThalwegPlacementTrigger(
        candidates=[candidate], on_unknown="wait", prefer="more", progress=progress, poll_interval=0.7
    )
    begun = time.monotonic()
    event = await anext(aiter(trigger.run()))
    assert event.payload["data"] == progress
    assert time.monotonic() - begun >= 0.7


class _Instance:
    dag_id, task_id, run_id, map_index = "d", "place", "r1", -1

    def xcom_push(self, key: str, value: Any) -> None:
        pass


class Fails(BaseOperator):
    """Fails with what it is given."""

    def __init__(self, *, error: Exception, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.error = error

    def execute(self, context: Any) -> None:
        raise self.error


def failing(error: Exception | None = None, **given: Any) -> Fails:
    return patient(Fails(task_id="replay", error=error or ConnectionError("no")), **{"topology": TOPOLOGY, **given})


def test_a_failure_waits_until_its_cause_has_passed_and_spends_no_retry(
    served: Stand, connect: Connecting, tmp_path: Path
) -> None:
    connect(served)
    marker = tmp_path / "fails"
    marker.touch()
    served.run(steps.pause(ENGINE, TOPOLOGY, None))
    served.until(lambda: steps.engine_of(ENGINE), lambda one: len(one.pauses) == 1)

    def resume() -> None:
        # The task has failed once, and waits.
        while marker.exists() and not over.is_set():
            over.wait(0.05)
        served.run(steps.resume(ENGINE, TOPOLOGY))

    over = threading.Event()
    beside = threading.Thread(target=resume)
    beside.start()
    try:
        run = importlib.import_module("thalweg_placed").patiently.test(run_conf={"marker": str(marker)})
    finally:
        over.set()
        beside.join()
    assert states(run) == {"replay": "success"}
    assert value(run, "replay") == 1, "it was the first try to the end"
    assert not marker.exists()


def test_a_cause_that_is_not_known_is_nothing_to_wait_for(
    shared: Stand, connect: Connecting, caplog: pytest.LogCaptureFixture
) -> None:
    connect(shared)
    with pytest.raises(ConnectionError, match="no"):
        executed(failing())
    connect(shared, address=nowhere())
    with pytest.raises(ConnectionError, match="no"):
        executed(failing())
    connect(shared, engine=None)
    with pytest.raises(ConnectionError, match="no"):
        executed(failing())


def test_what_says_itself_that_no_try_is_of_use_does_not_wait(served: Stand, connect: Connecting) -> None:
    connect(served)
    served.run(steps.pause(ENGINE, TOPOLOGY, None))
    served.until(lambda: steps.engine_of(ENGINE), lambda one: len(one.pauses) == 1)
    with pytest.raises(TaskDeferred):
        executed(failing())
    with pytest.raises(ConnectionError):
        executed(failing(kinds=("action",)))
    with pytest.raises(AirflowFailException):
        executed(failing(AirflowFailException("never")))


async def test_a_wait_ends_at_its_limit_and_the_failure_counts_then(served: Stand, connect: Connecting) -> None:
    connect(served)
    served.run(steps.pause(ENGINE, TOPOLOGY, None))
    served.until(lambda: steps.engine_of(ENGINE), lambda one: len(one.pauses) == 1)
    operator = failing(limit=0.5, poll_interval=0.1)
    with pytest.raises(TaskDeferred) as caught:
        executed(operator)
    path, given = caught.value.trigger.serialize()
    assert path == "airflow_providers_thalweg.triggers.placement.ThalwegCauseTrigger"
    event = await anext(aiter(ThalwegCauseTrigger(**json.loads(json.dumps(given))).run()))
    with pytest.raises(AirflowException, match=r"ConnectionError: no; waited in vain: words of storm is paused"):
        operator.resume_execution(caught.value.method_name, {"event": event.payload}, {})


def test_only_operators_are_patient() -> None:
    with pytest.raises(SettingError, match="str is no operator"):
        patient("a task", topology=TOPOLOGY)


def test_a_candidate_is_seen_as_it_is(shared: Stand) -> None:
    seen = shared.run(look_seen(ENGINE, "nothing"), "reader")
    assert getattr(seen, "topology", "unseen") is None
