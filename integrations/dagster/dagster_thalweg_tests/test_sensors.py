"""Sensors and schedules, each look of them as the daemon takes it."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

import dagster as dg
from dagster_thalweg import (
    ThalwegResource,
    build_thalweg_lag_sensor,
    build_thalweg_observation_sensor,
    build_thalweg_record_sensor,
    build_thalweg_schedule,
)
from thalweg_client import NotNow, SettingError, Unauthorized, Unreachable, steps
from thalweg_testing.failing import answering, nowhere, problem
from thalweg_testing.stand import ENGINE, TOPOLOGY, Stand, stand

MORE = {"counts": {"split": 4}}


@dg.op
def nothing() -> None:
    pass


@dg.job
def follow_up() -> None:
    nothing()


def resource(address: str, token: str = "") -> ThalwegResource:
    return ThalwegResource(address=address, token=token, engine=ENGINE)


def looked(sensor: dg.SensorDefinition, thalweg: ThalwegResource, cursor: str | None = None) -> Any:
    with dg.build_sensor_context(cursor=cursor, resources={"thalweg": thalweg}) as context:
        return sensor(context)


def reading(served: Stand) -> ThalwegResource:
    return resource(served.address, served.tokens["reader"])


def test_each_record_brings_one_run_and_none_is_missed(served: Stand) -> None:
    sensor = build_thalweg_record_sensor(name="orders", target=follow_up, topology=TOPOLOGY, kind="order")
    first = looked(sensor, reading(served))
    assert not first.run_requests
    order = served.run(steps.scale(ENGINE, TOPOLOGY, MORE, "ref-1"))
    served.until(
        lambda: steps.records(ENGINE, 0, TOPOLOGY, "order"), lambda found: [r.result for r in found][-1:] == ["done"]
    )
    assert order.id
    second = looked(sensor, reading(served), first.cursor)
    keys = [request.run_key for request in second.run_requests]
    assert len(keys) >= 2, "given, and carried out"
    assert second.run_requests[0].tags["thalweg/topology"] == TOPOLOGY
    third = looked(sensor, reading(served), second.cursor)
    assert not third.run_requests
    # Whoever loses the cursor asks for the same keys, which Dagster knows.
    again = looked(sensor, reading(served), first.cursor)
    assert [request.run_key for request in again.run_requests][: len(keys)] == keys


def test_only_records_with_a_result_bring_runs_and_the_cursor_passes_the_others(served: Stand) -> None:
    def config(record: Any) -> dict[str, Any]:
        return {"ops": {"nothing": {"inputs": {}}}} if record.seq < 0 else {}

    sensor = build_thalweg_record_sensor(name="done", target=follow_up, kind="order", result="done", run_config=config)
    first = looked(sensor, reading(served))
    served.run(steps.scale(ENGINE, TOPOLOGY, MORE, "ref-1"))
    served.until(
        lambda: steps.records(ENGINE, 0, TOPOLOGY, "order"), lambda found: [r.result for r in found][-1:] == ["done"]
    )
    second = looked(sensor, reading(served), first.cursor)
    assert len(second.run_requests) == 1
    assert json.loads(second.cursor)["after"] > json.loads(first.cursor)["after"]


def test_a_sensor_of_lag_runs_once_each_time_it_crosses(served: Stand) -> None:
    served.until(lambda: steps.topology(ENGINE, TOPOLOGY), lambda topology: (topology.summary.backlog or 0) > 1000)
    below = build_thalweg_lag_sensor(name="below", target=follow_up, topology=TOPOLOGY, limit=1000)
    above = build_thalweg_lag_sensor(name="above", target=follow_up, topology=TOPOLOGY, limit=1000, when="above")
    waits = looked(below, reading(served))
    assert not waits.run_requests
    assert "records wait before words" in waits.skip_reason.skip_message
    assert len(looked(above, reading(served)).run_requests) == 1
    assert not looked(above, reading(served), json.dumps({"side": "above"})).run_requests
    served.run(steps.scale(ENGINE, TOPOLOGY, MORE, "ref-1"))
    served.until(lambda: steps.topology(ENGINE, TOPOLOGY), lambda topology: (topology.summary.backlog or 0) <= 1000)
    runs = looked(below, reading(served), waits.cursor)
    assert len(runs.run_requests) == 1
    assert not looked(below, reading(served), runs.cursor).run_requests


def test_topologies_are_observed_once_for_each_judgement(shared: Stand) -> None:
    sensor = build_thalweg_observation_sensor(name="observe", topologies=[TOPOLOGY, "nothing"])
    first = looked(sensor, reading(shared))
    (observed,) = first.asset_events
    assert observed.asset_key == dg.AssetKey(TOPOLOGY)
    assert observed.metadata["executors"].value > 0
    assert observed.metadata["dashboard"].url.startswith(f"{shared.address}/topologies/{ENGINE}/")
    seen = json.loads(first.cursor)
    shared.until(lambda: steps.topology(ENGINE, TOPOLOGY), lambda topology: topology.summary.at > seen[TOPOLOGY])
    assert len(looked(sensor, reading(shared), first.cursor).asset_events) == 1
    alone = build_thalweg_observation_sensor(name="observe", topologies={"nothing": dg.AssetKey("a")})
    assert "there is no topology nothing" in looked(alone, reading(shared)).skip_reason.skip_message


def test_a_look_that_fails_leaves_the_cursor_and_says_why(shared: Stand) -> None:
    sensor = build_thalweg_record_sensor(name="outcomes", target=follow_up)
    with pytest.raises(Unreachable):
        looked(sensor, resource(nowhere(), "secret"), '{"after": 3}')
    with pytest.raises(Unauthorized) as caught:
        looked(sensor, resource(shared.address, "secret"))
    assert "secret" not in str(caught.value)
    with (
        answering(lambda _m, _p: problem(503, "busy", "not yet")) as server,
        pytest.raises(NotNow, match="not yet"),
    ):
        looked(sensor, resource(server.address))
    with pytest.raises(SettingError, match="cursor: 'what' is none of this sensor's"):
        looked(sensor, reading(shared), "what")


def ticked(thalweg: ThalwegResource, topology: str | None = TOPOLOGY) -> Any:
    schedule = build_thalweg_schedule(
        name="nightly", target=follow_up, cron_schedule="0 3 * * *", topology=topology, execution_timezone="UTC"
    )
    at = datetime(2026, 12, 1, 3, tzinfo=UTC)
    with dg.build_schedule_context(resources={"thalweg": thalweg}, scheduled_execution_time=at) as context:
        return schedule.evaluate_tick(context)


def test_a_schedule_is_skipped_in_a_pause(served: Stand) -> None:
    assert len(ticked(reading(served)).run_requests) == 1
    served.run(steps.pause(ENGINE, None, None))
    served.until(lambda: steps.engine_of(ENGINE), lambda engine: len(engine.pauses) == 1)
    for topology in (TOPOLOGY, None):
        tick = ticked(reading(served), topology)
        assert not tick.run_requests
        assert tick.skip_message.startswith(f"* of {ENGINE} is paused")
    served.run(steps.resume(ENGINE, None))
    served.until(lambda: steps.engine_of(ENGINE), lambda engine: engine.pauses == [])
    assert len(ticked(reading(served)).run_requests) == 1


def test_a_schedule_is_skipped_in_a_freeze_that_keeps_something_from_being_done() -> None:
    with stand({"thalweg.windows.freeze": ["00:00-24:00"]}) as frozen:
        frozen.run(steps.scale(ENGINE, TOPOLOGY, MORE, "ref-1"))
        frozen.until(
            lambda: steps.topology(ENGINE, TOPOLOGY),
            lambda topology: any(reason.code == "FROZEN" for reason in topology.reasons),
        )
        assert "words is frozen" in ticked(reading(frozen)).skip_message


def test_a_schedule_fails_where_nobody_knows_whether_it_may_run() -> None:
    with pytest.raises(dg.DagsterError):
        ticked(resource(nowhere()))
