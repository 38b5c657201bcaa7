"""What `thalweg workflow render` writes is loaded and run."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

import dagster as dg
from thalweg_testing.planned import golden, ran


def test_a_planned_workflow_is_loaded_without_warnings_and_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    monkeypatch.setenv("OUT", str(out))
    read: dict[str, object] = {"__name__": "planned"}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        exec(compile(golden("dagster.py"), "dagster.py", "exec"), read)  # noqa: S102
        definitions = read["defs"]
        assert isinstance(definitions, dg.Definitions)
        dg.Definitions.validate_loadable(definitions)
        job = definitions.resolve_job_def("golden_planned")
    assert job.execute_in_process().success
    ran(out.read_text())
