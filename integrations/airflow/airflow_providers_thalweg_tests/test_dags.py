"""Whole Dags, run by the Airflow that is installed, against a real server over a real engine."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowException, AirflowFailException, BaseOperator, TaskDeferred

from airflow_providers_thalweg.links.thalweg import KEY, ThalwegLink
from airflow_providers_thalweg.notifications.thalweg import ThalwegPauseNotifier, ThalwegResumeNotifier
from airflow_providers_thalweg.operators.thalweg import (
    ThalwegPauseOperator,
    ThalwegResumeOperator,
    ThalwegScaleOperator,
)
from airflow_providers_thalweg.sensors.thalweg import ThalwegLagSensor, ThalwegStableSensor
from thalweg_client import judge, steps
from thalweg_testing.failing import answering, losing, nowhere, problem
from thalweg_testing.stand import ENGINE, TOPOLOGY, Stand

from .conftest import Connecting

pytestmark = pytest.mark.usefixtures("database")


def states(run: Any) -> dict[str, str]:
    return {ti.task_id: str(ti.state) for ti in run.get_task_instances()}


def value(run: Any, task: str, key: str = "return_value") -> Any:
    from airflow.models.xcom import XCOM_RETURN_KEY

    ti = next(ti for ti in run.get_task_instances() if ti.task_id == task)
    return ti.xcom_pull(task_ids=task, key=XCOM_RETURN_KEY if key == "return_value" else key)


@pytest.mark.parametrize("name", ["here", "deferred"])
def test_a_dag_scales_and_waits(name: str, served: Stand, connect: Connecting) -> None:
    connect(served)
    run = getattr(importlib.import_module("thalweg_evening"), name).test()
    assert states(run) == {"scale": "success", "low": "success", "stable": "success", "room": "success"}
    assert value(run, "room")["room"] >= 0.1
    assert value(run, "scale")["state"] == "done"
    assert value(run, "low")["backlog"] <= 1000
    page = value(run, "scale", KEY)
    assert page.startswith(f"{served.address}/topologies/{ENGINE}/")
    (order,) = served.run(steps.orders(ENGINE, TOPOLOGY))
    assert f"Airflow: evening_{name}.scale in " in order.why


def test_a_host_is_drained_and_used_again(served: Stand, connect: Connecting) -> None:
    connect(served)
    host = served.run(steps.topology(ENGINE, TOPOLOGY)).nodes[0].host
    run = importlib.import_module("thalweg_maintenance").maintenance.test(run_conf={"host": host})
    assert set(states(run).values()) == {"success"}
    assert value(run, "drain")["workers"] == {}
    assert value(run, "undrain")["new"]
    assert value(run, "pause")["new"]
    assert value(run, "resume")["resumed"]
    served.until(lambda: steps.engine_of(ENGINE), lambda engine: engine.pauses == [])


def executed(operator: BaseOperator, tries: int = 1, run: str = "r1", pulled: Any = None) -> Any:
    """What a task comes to, with the least of a context that it looks at."""

    class Instance:
        dag_id, task_id, run_id, map_index, try_number = "d", operator.task_id, run, -1, tries
        left: dict[str, Any] = {}  # noqa: RUF012

        def xcom_push(self, key: str, value: Any) -> None:
            self.left[key] = value

        def xcom_pull(self, task_ids: str) -> Any:
            return pulled

    return operator.execute({"ti": Instance()})  # type: ignore[typeddict-item]


def more(**given: Any) -> ThalwegScaleOperator:
    return ThalwegScaleOperator(
        **{"task_id": "scale", "topology": TOPOLOGY, "counts": {"split": 4}, "wait_for_completion": False, **given}
    )


def test_a_retry_waits_for_the_order_of_the_try_before(served: Stand, connect: Connecting) -> None:
    connect(served)
    first = executed(more())
    again = executed(more(wait_for_completion=True, poll_interval=0.2), tries=2)
    assert again["id"] == first["id"]
    assert again["state"] == "done"
    assert executed(more(), tries=3)["state"] == "done"
    assert len(served.run(steps.orders(ENGINE, TOPOLOGY))) == 1
    # Another run, or another key, is another order.
    assert executed(more(), run="r2")["id"] != first["id"]
    assert executed(more(key="again"))["id"] != first["id"]


def test_an_answer_that_is_lost_doubles_nothing(served: Stand, connect: Connecting) -> None:
    with losing(served.address, lambda method, _path: method == "POST") as proxy:
        connect(served, address=proxy.address)
        order = executed(more())
        executed(more(), tries=2)
        assert proxy.count("POST") == 1
    assert [one.id for one in served.run(steps.orders(ENGINE, TOPOLOGY))] == [order["id"]]


def test_a_server_that_goes_away_while_an_order_is_carried_out_is_waited_for(
    served: Stand, connect: Connecting
) -> None:
    away = iter([False] * 5 + [True] * 3)
    with losing(served.address, lambda _m, _p: next(away, False), before=True) as proxy:
        connect(served, address=proxy.address)
        assert executed(more(wait_for_completion=True, poll_interval=0.1))["state"] == "done"


def away_after_the_order() -> Callable[[str, str], bool]:
    """Loses the two requests that follow an order."""
    following: Iterator[bool] = iter([])

    def lost(method: str, _path: str) -> bool:
        nonlocal following
        if method == "POST":
            following = iter([True, True])
            return False
        return next(following, False)

    return lost


def test_a_server_that_goes_away_right_after_an_order_is_waited_for(served: Stand, connect: Connecting) -> None:
    with losing(served.address, away_after_the_order(), before=True) as proxy:
        connect(served, address=proxy.address)
        assert executed(more(wait_for_completion=True, poll_interval=0.1))["state"] == "done"


@pytest.mark.parametrize(("limit", "patience"), [(None, 3600), (timedelta(hours=2), 3600), (timedelta(minutes=1), 60)])
def test_a_task_is_deferred_for_no_longer_than_its_timeout(
    limit: timedelta | None, patience: float, served: Stand, connect: Connecting
) -> None:
    with losing(served.address, away_after_the_order(), before=True) as proxy:
        connect(served, address=proxy.address)
        with pytest.raises(TaskDeferred) as caught:
            executed(more(wait_for_completion=True, deferrable=True, execution_timeout=limit))
    assert caught.value.timeout == timedelta(seconds=patience)


def test_a_wait_in_a_worker_ends_with_its_timeout_and_may_be_tried_again(served: Stand, connect: Connecting) -> None:
    connect(served)
    served.run(steps.pause(ENGINE, TOPOLOGY, None))
    with pytest.raises(AirflowException, match=r"after 1 s: order .* is waiting") as caught:
        executed(more(wait_for_completion=True, poll_interval=0.1, timeout=0.6))
    assert not isinstance(caught.value, AirflowFailException)
    assert served.run(steps.orders(ENGINE, TOPOLOGY))[0].is_open


def pausing(**given: Any) -> ThalwegPauseOperator:
    return ThalwegPauseOperator(task_id="pause", topology=TOPOLOGY, **given)


def resuming(**given: Any) -> ThalwegResumeOperator:
    return ThalwegResumeOperator(**{"task_id": "resume", "topology": TOPOLOGY, "paused_by": "pause", **given})


def test_only_a_pause_that_was_new_is_ended(served: Stand, connect: Connecting) -> None:
    connect(served)
    mine = executed(pausing(duration=timedelta(hours=2)))
    assert mine["new"]
    served.until(lambda: steps.engine_of(ENGINE), lambda one: [p.until for p in one.pauses] == [mine["until"]])
    # A second try counts the time anew, and cannot know that the first pause was its own.
    again = executed(pausing(duration=timedelta(hours=2)), tries=2)
    assert not again["new"]
    assert again["until"] > mine["until"]
    served.until(lambda: steps.engine_of(ENGINE), lambda one: [p.until for p in one.pauses] == [again["until"]])
    assert not executed(resuming(), pulled=again)["resumed"]
    assert not executed(resuming(), pulled=None)["resumed"]
    assert len(served.run(steps.engine_of(ENGINE)).pauses) == 1
    with pytest.raises(AirflowFailException, match="pause has paused words, and no other"):
        executed(resuming(topology="lines"), pulled={**again, "new": True})
    assert executed(resuming(), pulled={**again, "new": True})["resumed"]
    served.until(lambda: steps.engine_of(ENGINE), lambda one: one.pauses == [])


def test_everything_that_somebody_else_has_paused_stays_paused(served: Stand, connect: Connecting) -> None:
    connect(served)
    mine = executed(pausing(until="2100-01-01T00:00:00Z"))
    served.run(steps.pause(ENGINE, None, None))
    served.until(lambda: steps.engine_of(ENGINE), lambda one: "*" in [pause.scope for pause in one.pauses])
    assert not executed(resuming(), pulled=mine)["resumed"]
    assert served.run(judge.look_closed(ENGINE, TOPOLOGY)) is not None
    # Without the task that has paused it, every pause ends.
    assert executed(resuming(paused_by=None))["resumed"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"counts": {}}, "counts: nothing is ordered"),
        ({"counts": {"split": 1000}}, "409 refused by engine"),
        ({"counts": {"split": -1}}, "counts"),
    ],
)
def test_what_can_never_be_ordered_fails_without_retries(
    given: dict[str, Any], said: str, shared: Stand, connect: Connecting
) -> None:
    connect(shared)
    with pytest.raises(AirflowFailException, match=said):
        executed(more(**given))


@pytest.mark.parametrize("role", ["reader", "approver"])
def test_a_role_that_is_not_enough_fails_without_retries(role: str, shared: Stand, connect: Connecting) -> None:
    connect(shared, role)
    with pytest.raises(AirflowFailException, match=r"403 forbidden: .* has not the role operator") as caught:
        executed(more())
    assert shared.tokens[role] not in str(caught.value)
    connect(shared, token="wrong")
    with pytest.raises(AirflowFailException, match="401 no valid token"):
        executed(more())


def test_a_server_that_is_down_or_busy_fails_with_retries(shared: Stand, connect: Connecting) -> None:
    connect(shared, address=nowhere())
    with pytest.raises(Exception, match="GET /v1/engines") as caught:
        executed(more())
    assert not isinstance(caught.value, AirflowFailException)
    with answering(lambda _m, _p: problem(503, "busy", "not yet")) as server:
        connect(shared, address=server.address)
        with pytest.raises(Exception, match="not yet") as caught:
            executed(more())
    assert not isinstance(caught.value, AirflowFailException)


def test_a_sensor_outlasts_a_server_that_is_down_and_fails_for_a_wrong_name(shared: Stand, connect: Connecting) -> None:
    connect(shared, address=nowhere())
    sensor = ThalwegStableSensor(task_id="s", topology=TOPOLOGY)
    assert not sensor.poke({"ti": None}).is_done  # type: ignore[typeddict-item]
    connect(shared)
    with pytest.raises(AirflowFailException, match="source: words has no component liens"):
        executed(ThalwegLagSensor(task_id="s", topology=TOPOLOGY, limit=1, source="liens"))
    with pytest.raises(AirflowFailException, match="limit: 'few' is no whole number"):
        executed(ThalwegLagSensor(task_id="s", topology=TOPOLOGY, limit="few"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"until": "tomorrow"}, "until: 'tomorrow' is no time"),
        ({"until": datetime(2026, 12, 24)}, "has no zone"),  # noqa: DTZ001
        ({"until": "2100-01-01T00:00:00Z", "duration": timedelta(hours=1)}, "duration is given as well"),
    ],
)
def test_the_end_of_a_pause_is_a_time_with_its_zone(
    given: dict[str, Any], said: str, shared: Stand, connect: Connecting
) -> None:
    connect(shared)
    with pytest.raises(AirflowFailException, match=said):
        executed(ThalwegPauseOperator(task_id="p", topology=TOPOLOGY, **given))


def test_notifiers_pause_and_resume(served: Stand, connect: Connecting) -> None:
    connect(served)
    context: Any = {"dag": DAG("feeds", schedule=None), "run_id": "r1"}
    ThalwegPauseNotifier(topology=TOPOLOGY)(context)
    served.until(lambda: judge.look_closed(ENGINE, TOPOLOGY), lambda why: why is not None)
    said = served.until(lambda: steps.records(ENGINE, 0, None, "operator"), lambda found: len(found) > 0)
    assert said
    ThalwegResumeNotifier(topology=TOPOLOGY)(context)
    served.until(lambda: judge.look_closed(ENGINE, TOPOLOGY), lambda why: why is None)


async def test_notifiers_block_no_event_loop(served: Stand, connect: Connecting) -> None:
    connect(served)
    await ThalwegPauseNotifier(topology=TOPOLOGY).async_notify({})
    paused = steps.engine_of(ENGINE)
    assert served.run(paused).name == ENGINE


def test_a_link_leads_to_the_page_that_a_task_has_left() -> None:
    assert ThalwegLink().name == "Thalweg"
    assert ThalwegScaleOperator(task_id="s", topology="t", counts={"a": 1}).operator_extra_links
