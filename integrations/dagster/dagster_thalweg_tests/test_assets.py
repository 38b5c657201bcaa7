"""Checks, and the component as dg loads it."""

from pathlib import Path
from typing import Any

import pytest
from dagster.components.testing import create_defs_folder_sandbox

import dagster as dg
from dagster_thalweg import (
    ThalwegComponent,
    ThalwegResource,
    build_thalweg_lag_check,
    build_thalweg_node_check,
    build_thalweg_room_check,
    build_thalweg_stable_check,
)
from thalweg_client import judge, steps
from thalweg_testing.failing import nowhere
from thalweg_testing.stand import ENGINE, TOPOLOGY, Stand

ASSET = dg.AssetKey(TOPOLOGY)


def checked(check: dg.AssetChecksDefinition, thalweg: ThalwegResource) -> Any:
    """The evaluation of a check in a real run."""
    definitions = dg.Definitions(
        assets=[dg.AssetSpec(ASSET)], asset_checks=[check], resources={"thalweg": thalweg}, jobs=[]
    )
    job = definitions.resolve_implicit_global_asset_job_def()
    result = job.execute_in_process(raise_on_error=False)
    evaluations = result.get_asset_check_evaluations()
    return evaluations[0] if evaluations else result


def reading(served: Stand) -> ThalwegResource:
    return ThalwegResource(address=served.address, token=served.tokens["reader"], engine=ENGINE)


def test_lag_is_held_against_its_objective(shared: Stand) -> None:
    shared.until(lambda: judge.look_lag(ENGINE, TOPOLOGY, 0), lambda verdict: verdict.data["backlog"] > 1000)
    above = checked(build_thalweg_lag_check(asset=ASSET, topology=TOPOLOGY, objective=1000), reading(shared))
    assert not above.passed
    assert above.severity == dg.AssetCheckSeverity.ERROR
    assert "records wait before words, and 1000 are allowed" in above.description
    assert above.metadata["backlog"].value > 1000
    large = build_thalweg_lag_check(asset=ASSET, topology=TOPOLOGY, objective=10**9, source="lines")
    assert checked(large, reading(shared)).passed
    uncounted = build_thalweg_lag_check(asset=TOPOLOGY, topology=TOPOLOGY, objective=10**9, source="split")
    assert "nobody counts" in checked(uncounted, reading(shared)).description


def test_topologies_and_nodes_are_checked(shared: Stand) -> None:
    host = shared.run(steps.topology(ENGINE, TOPOLOGY)).nodes[0].host
    assert checked(build_thalweg_node_check(asset=ASSET, host=host), reading(shared)).passed
    assert not checked(build_thalweg_node_check(asset=ASSET, host="host9"), reading(shared)).passed
    assert checked(build_thalweg_stable_check(asset=ASSET, topology=TOPOLOGY), reading(shared)).passed
    shared.until(lambda: judge.look_room(ENGINE, TOPOLOGY), lambda verdict: verdict.data["busy"] is not None)
    # However much is foretold, a limit of next to nothing leaves no room.
    full = checked(build_thalweg_room_check(asset=ASSET, topology=TOPOLOGY, busy_limit=0.001), reading(shared))
    assert not full.passed
    assert full.metadata["expected_busy"].value >= full.metadata["busy"].value
    ample = build_thalweg_room_check(asset=ASSET, topology=TOPOLOGY, more=0.1, busy_limit=1000.0)
    assert checked(ample, reading(shared)).passed


def test_a_server_that_is_down_is_no_verdict() -> None:
    check = build_thalweg_lag_check(asset=ASSET, topology=TOPOLOGY, objective=1)
    result = checked(check, ThalwegResource(address=nowhere(), engine=ENGINE))
    assert not result.success


COMPONENT = {
    "type": "dagster_thalweg.ThalwegComponent",
    "attributes": {
        "address": "{{ env.THALWEG_ADDRESS }}",
        "engine": ENGINE,
        "group_name": "streams",
        "topologies": [
            {"name": TOPOLOGY, "key": "streams/words", "deps": ["raw/lines"], "lag_below": 1000, "stable_for": 0}
        ],
    },
}


def test_a_component_makes_assets_checks_a_sensor_and_the_resource(
    shared: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THALWEG_ADDRESS", shared.address)
    monkeypatch.setenv("THALWEG_TOKEN", shared.tokens["reader"])
    with create_defs_folder_sandbox() as sandbox:
        path = sandbox.scaffold_component(component_cls=ThalwegComponent, defs_yaml_contents=COMPONENT)
        assert isinstance(path, Path)
        with sandbox.load_component_and_build_defs(defs_path=path) as (component, definitions):
            assert isinstance(component, ThalwegComponent)
            key = dg.AssetKey(["streams", "words"])
            graph = definitions.resolve_asset_graph()
            assert graph.get(key).group_name == "streams"
            names = {check.name for check in graph.asset_check_keys}
            assert names == {"lag_below_objective", "stable"}
            sensor = definitions.resolve_sensor_def("observe_thalweg_storm")
            with dg.build_sensor_context(resources=definitions.resources) as context:
                (observed,) = sensor(context).asset_events  # type: ignore[union-attr]
            assert observed.asset_key == key
            job = definitions.resolve_implicit_global_asset_job_def()
            result = job.execute_in_process()
            passed = {one.check_name: one.passed for one in result.get_asset_check_evaluations()}
            assert passed["stable"]
            # Dagster shows configurations: the token is in none of them.
            shown = repr(definitions.resources) + repr(component)
            assert shared.tokens["reader"] not in shown


@pytest.mark.parametrize("wrong", [{"engine": None}, {"topologies": [{"lag_below": 1}]}, {"observe_seconds": 0}])
def test_what_is_wrong_in_a_component_is_named(wrong: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THALWEG_ADDRESS", "https://thalweg")
    contents = {**COMPONENT, "attributes": {**COMPONENT["attributes"], **wrong}}  # type: ignore[dict-item]
    with create_defs_folder_sandbox() as sandbox:
        path = sandbox.scaffold_component(component_cls=ThalwegComponent, defs_yaml_contents=contents)
        with pytest.raises(Exception) as caught, sandbox.load_component_and_build_defs(defs_path=path):
            pass
        place = {"engine": "engine", "topologies": "name", "observe_seconds": "observe_seconds"}[next(iter(wrong))]
        assert place in str(caught.value) + str(caught.value.__cause__)
