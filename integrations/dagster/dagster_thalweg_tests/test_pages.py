"""What the documentation shows is run."""

import pytest
import yaml  # type: ignore[import-untyped]
from dagster.components.testing import create_defs_folder_sandbox

import dagster as dg
from dagster_thalweg import ThalwegComponent
from thalweg_client import steps
from thalweg_testing.pages import blocks
from thalweg_testing.stand import ENGINE, TOPOLOGY, Stand


def shown(at: int) -> tuple[dg.Definitions, dict[str, object]]:
    """The definitions that a block of the page makes, and all that it names."""
    read: dict[str, object] = {"__name__": "page"}
    exec(compile(blocks("dagster.md", "python")[at], "dagster.md", "exec"), read)  # noqa: S102
    definitions = read["defs"]
    assert isinstance(definitions, dg.Definitions)
    dg.Definitions.validate_loadable(definitions)
    return definitions, read


def test_the_definitions_of_the_page_are_loaded_and_scale(served: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THALWEG_ADDRESS", served.address)
    monkeypatch.setenv("THALWEG_TOKEN", served.tokens["operator"])
    definitions, read = shown(0)
    job = definitions.resolve_job_def("more_for_words")
    more = read["more"]
    assert isinstance(more, dict)
    assert job.execute_in_process(run_config=more).success
    assert [order.state for order in served.run(steps.orders(ENGINE, TOPOLOGY))] == ["done"]


def test_the_definitions_of_the_page_that_replay_go_where_there_is_room(
    served: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THALWEG_ADDRESS", served.address)
    monkeypatch.setenv("THALWEG_TOKEN", served.tokens["operator"])
    definitions, _ = shown(1)
    result = definitions.resolve_job_def("replays").execute_in_process()
    assert result.success
    assert len([event for event in result.all_events if event.is_step_skipped]) == 1
    assert [order.state for order in served.run(steps.orders(ENGINE, TOPOLOGY))] == ["done"]


def test_the_component_of_the_page_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THALWEG_ADDRESS", "https://thalweg.example:7480")
    (shown,) = blocks("dagster.md", "yaml")
    with create_defs_folder_sandbox() as sandbox:
        path = sandbox.scaffold_component(component_cls=ThalwegComponent, defs_yaml_contents=yaml.safe_load(shown))
        with sandbox.load_component_and_build_defs(defs_path=path) as (_component, definitions):
            checks = {key.name for key in definitions.resolve_asset_graph().asset_check_keys}
    assert checks == {"lag_below_objective", "stable"}
