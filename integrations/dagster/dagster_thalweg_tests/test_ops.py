"""Ops in real jobs, against a real server over a real engine."""

import pytest

import dagster as dg
from dagster_thalweg import (
    ThalwegResource,
    thalweg_drain,
    thalweg_pause,
    thalweg_resume,
    thalweg_scale,
    thalweg_undrain,
    thalweg_wait_until_stable,
)
from thalweg_client import judge, steps
from thalweg_testing.failing import answering, losing, nowhere, problem
from thalweg_testing.stand import ENGINE, TOPOLOGY, Stand


def resource(served: Stand, role: str = "operator", address: str = "") -> ThalwegResource:
    return ThalwegResource(address=address or served.address, token=served.tokens[role], engine=ENGINE)


def ran(op: dg.OpDefinition, thalweg: ThalwegResource, **config: object) -> dg.ExecuteInProcessResult:
    """A job of one op, carried out here."""

    @dg.job(name=f"job_of_{op.name}", resource_defs={"thalweg": thalweg})
    def job() -> None:
        op()

    return job.execute_in_process(run_config={"ops": {op.name: {"config": config}}}, raise_on_error=False)


def failed_with(result: dg.ExecuteInProcessResult) -> str:
    assert not result.success
    failure = result.failure_data_for_node(result.all_events[-1].step_key or result.job_def.nodes[0].name)
    if failure is None:
        events = [event for event in result.all_events if event.is_step_failure]
        failure = events[0].step_failure_data
    error = failure.error
    assert error is not None
    return f"{error.message} {error.cause.message if error.cause else ''}"


def more(**given: object) -> dict[str, object]:
    return {"topology": TOPOLOGY, "counts": {"split": 4}, "poll_interval": 0.2, **given}


def test_a_job_scales_and_waits_until_that_is_done(served: Stand) -> None:
    result = ran(thalweg_scale, resource(served), **more())
    assert result.success
    assert result.output_for_node("thalweg_scale")["state"] == "done"
    # What is shown of the topology is as old as the last look at it.
    served.until(
        lambda: steps.topology(ENGINE, TOPOLOGY),
        lambda topology: [one.executors for one in topology.components if one.id == "split"] == [4],
    )
    order = served.run(steps.orders(ENGINE, TOPOLOGY))[0]
    assert order.why.startswith("otto: Dagster: job_of_thalweg_scale.thalweg_scale in ")
    quiet = ran(thalweg_wait_until_stable, resource(served), topology=TOPOLOGY, poll_interval=0.2)
    assert quiet.output_for_node("thalweg_wait_until_stable")["plan"] != "under_way"


def test_an_op_that_is_tried_again_waits_for_the_order_of_the_try_before(served: Stand) -> None:
    tries: list[int] = []

    @dg.op(required_resource_keys={"thalweg"}, retry_policy=dg.RetryPolicy(max_retries=1))
    def scale_and_fail_once(context: dg.OpExecutionContext) -> None:
        config = {"topology": TOPOLOGY, "counts": {"split": 4}, "wait": False}
        thalweg_scale.compute_fn.decorated_fn(context, scale_config(config), context.resources.thalweg)  # type: ignore[union-attr]
        tries.append(context.retry_number)
        if context.retry_number == 0:
            raise RuntimeError("something after it")

    @dg.job(resource_defs={"thalweg": resource(served)})
    def job() -> None:
        scale_and_fail_once()

    assert job.execute_in_process().success
    assert tries == [0, 1]
    assert len(served.run(steps.orders(ENGINE, TOPOLOGY))) == 1


def scale_config(given: dict[str, object]):  # type: ignore[no-untyped-def]
    from dagster_thalweg import ScaleConfig

    return ScaleConfig(**given)  # type: ignore[arg-type]


def test_an_order_whose_answer_is_lost_is_found_and_carried_out_once(served: Stand) -> None:
    with losing(served.address, lambda method, _path: method == "POST") as proxy:
        result = ran(thalweg_scale, resource(served, address=proxy.address), **more())
        assert proxy.count("POST") == 1
    assert result.success
    assert len(served.run(steps.orders(ENGINE, TOPOLOGY))) == 1


def test_pauses_and_drains_are_said_and_taken_back(served: Stand) -> None:
    thalweg = resource(served)
    assert ran(thalweg_pause, thalweg, topology=TOPOLOGY, until="2100-01-01T00:00:00+00:00").success
    served.until(lambda: steps.engine_of(ENGINE), lambda engine: len(engine.pauses) == 1)
    longer = ran(thalweg_pause, thalweg, topology=TOPOLOGY).output_for_node("thalweg_pause")
    assert longer == {"topology": TOPOLOGY, "until": None, "new": False}
    served.until(lambda: steps.engine_of(ENGINE), lambda engine: [one.until for one in engine.pauses] == [None])
    assert ran(thalweg_resume, thalweg, topology=TOPOLOGY).output_for_node("thalweg_resume")
    served.until(lambda: steps.engine_of(ENGINE), lambda engine: engine.pauses == [])
    host = served.run(steps.topology(ENGINE, TOPOLOGY)).nodes[0].host
    assert ran(thalweg_drain, thalweg, host=host, poll_interval=0.2).success
    assert served.run(judge.look_left(ENGINE, host)).met
    assert ran(thalweg_undrain, thalweg, host=host).output_for_node("thalweg_undrain")


def test_only_a_pause_that_was_new_is_ended(served: Stand) -> None:
    @dg.job(resource_defs={"thalweg": resource(served)})
    def quietly() -> None:
        thalweg_resume(pause=thalweg_pause())

    def resumed(resume: str = TOPOLOGY) -> dg.ExecuteInProcessResult:
        pause = {"topology": TOPOLOGY, "until": "2100-01-01T00:00:00+00:00"}
        ops = {"thalweg_pause": {"config": pause}, "thalweg_resume": {"config": {"topology": resume}}}
        return quietly.execute_in_process(run_config={"ops": ops}, raise_on_error=False)

    assert resumed().output_for_node("thalweg_resume")
    served.until(lambda: steps.engine_of(ENGINE), lambda engine: engine.pauses == [])
    served.run(steps.pause(ENGINE, TOPOLOGY, None))
    served.until(lambda: steps.engine_of(ENGINE), lambda engine: len(engine.pauses) == 1)
    assert not resumed().output_for_node("thalweg_resume")
    assert len(served.run(steps.engine_of(ENGINE)).pauses) == 1
    assert "what was paused is words, and no other" in failed_with(resumed("lines"))


@pytest.mark.parametrize("arrives", [True, False])
def test_a_retry_after_an_order_was_not_found_looks_before_it_gives_it_again(
    arrives: bool, served: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "LOOKS", ())
    lost = iter([True])

    @dg.job(resource_defs={"thalweg": resource(served, address="proxied")})
    def job() -> None:
        thalweg_scale.with_retry_policy(dg.RetryPolicy(max_retries=1))()

    with losing(served.address, lambda m, _p: m == "POST" and next(lost, False), before=not arrives) as proxy:
        config = {"ops": {"thalweg_scale": {"config": more()}}}
        thalweg = resource(served, address=proxy.address)
        assert job.execute_in_process(run_config=config, resources={"thalweg": thalweg}).success
        assert proxy.count("POST") == (1 if arrives else 2)
    assert len(served.run(steps.orders(ENGINE, TOPOLOGY))) == 1


def test_a_wait_ends_with_its_time_and_the_order_stays(served: Stand) -> None:
    served.run(steps.pause(ENGINE, TOPOLOGY, None))
    result = ran(thalweg_scale, resource(served), **more(timeout=0.5))
    assert "after 0 s: order o" in failed_with(result) or "after 1 s: order o" in failed_with(result)
    assert served.run(steps.orders(ENGINE, TOPOLOGY))[0].is_open


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"counts": {}}, "counts: nothing is ordered"),
        ({"counts": {"split": 1000}}, "409 refused by engine"),
        ({"topology": "nothing"}, "404 not found"),
        ({"engine": "nowhere"}, "there is no engine nowhere"),
    ],
)
def test_what_cannot_be_ordered_fails_with_its_reason(shared: Stand, config: dict[str, object], said: str) -> None:
    assert said in failed_with(ran(thalweg_scale, resource(shared), **more(**config)))


def test_a_role_that_is_not_enough_fails_without_another_try(shared: Stand) -> None:
    result = ran(thalweg_scale, resource(shared, "reader"), **more())
    assert "has not the role operator" in failed_with(result)
    assert shared.tokens["reader"] not in "".join(str(event) for event in result.all_events)


def test_a_server_that_is_down_or_busy_may_be_tried_again(shared: Stand) -> None:
    down = ran(thalweg_pause, resource(shared, address=nowhere()), topology=TOPOLOGY)
    assert "GET /v1/engines at" in failed_with(down)
    with answering(lambda _method, _path: problem(503, "busy", "storm has not answered yet")) as server:
        busy = ran(thalweg_pause, resource(shared, address=server.address), topology=TOPOLOGY)
    assert "storm has not answered yet" in failed_with(busy)


def test_a_time_without_a_zone_and_an_engine_that_nobody_names_are_refused(shared: Stand) -> None:
    said = failed_with(ran(thalweg_pause, resource(shared), until="2026-12-24T06:00:00"))
    assert "until: 2026-12-24T06:00:00 has no zone" in said
    nameless = ThalwegResource(address=shared.address, token=shared.tokens["operator"])
    assert "engine: none is named" in failed_with(ran(thalweg_pause, nameless))
