"""What the documentation shows is run."""

import pytest
import yaml  # type: ignore[import-untyped]
from dagster.components.testing import create_defs_folder_sandbox

import dagster as dg
from dagster_thalweg import ThalwegComponent
from thalweg_client import steps
from thalweg_testing.pages import blocks
from thalweg_testing.stand import ENGINE, TOPOLOGY, Stand


def test_the_definitions_of_the_page_are_loaded_and_scale(served: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THALWEG_ADDRESS", served.address)
    monkeypatch.setenv("THALWEG_TOKEN", served.tokens["operator"])
    (shown,) = blocks("dagster.md", "python")
    read: dict[str, object] = {"__name__": "page"}
    exec(compile(shown, "dagster.md", "exec"), read)  # noqa: S102
    definitions = read["defs"]
    assert isinstance(definitions, dg.Definitions)
    dg.Definitions.validate_loadable(definitions)
    job = definitions.resolve_job_def("more_for_words")
    more = read["more"]
    assert isinstance(more, dict)
    assert job.execute_in_process(run_config=more).success
    assert [order.state for order in served.run(steps.orders(ENGINE, TOPOLOGY))] == ["done"]


def test_the_component_of_the_page_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THALWEG_ADDRESS", "https://thalweg.example:7480")
    (shown,) = blocks("dagster.md", "yaml")
    with create_defs_folder_sandbox() as sandbox:
        path = sandbox.scaffold_component(component_cls=ThalwegComponent, defs_yaml_contents=yaml.safe_load(shown))
        with sandbox.load_component_and_build_defs(defs_path=path) as (_component, definitions):
            checks = {key.name for key in definitions.resolve_asset_graph().asset_check_keys}
    assert checks == {"lag_below_objective", "stable"}
