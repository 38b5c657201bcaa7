"""What `thalweg workflow render` writes is loaded and run."""

from __future__ import annotations

import importlib
import warnings
from pathlib import Path

import pytest

from thalweg_testing.planned import ran

from .conftest import DAGS
from .test_dags import states

pytestmark = pytest.mark.usefixtures("database")


def test_a_planned_workflow_is_loaded_without_warnings_and_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    monkeypatch.setenv("OUT", str(out))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        planned = importlib.import_module("planned_workflow")
    # Not what Airflow says of its own parts while they are loaded.
    assert [str(one.message) for one in caught if str(DAGS) in one.filename] == []
    run = planned.dag.test()
    assert set(states(run).values()) == {"success"}
    ran(out.read_text())
