"""What Airflow's provider of OpenLineage is told of tasks, by the provider that is installed."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowException
from airflow.providers.openlineage.extractors.base import DefaultExtractor

from airflow_providers_thalweg.lineage import lineage_of
from airflow_providers_thalweg.operators.thalweg import ThalwegScaleOperator
from airflow_providers_thalweg.sensors.thalweg import ThalwegStableSensor
from thalweg_client.lineage import FACET, SCHEMA, Told
from thalweg_testing.stand import ENGINE, TOPOLOGY, Stand

from .conftest import DAGS, Connecting
from .test_dags import executed
from .test_placement import placing

pytestmark = pytest.mark.usefixtures("database")


def extracted(operator: Any, failed: bool = False) -> dict[str, Any]:
    """The facet that the provider takes of an operator."""
    from openlineage.client.serde import Serde

    extractor = DefaultExtractor(operator)
    found = extractor.extract_on_failure(None) if failed else extractor.extract_on_complete(None)
    assert found is not None
    told: dict[str, Any] = Serde.to_dict(found.run_facets[FACET])
    return told


def test_an_order_is_told_with_its_reason_and_outcome(served: Stand, connect: Connecting) -> None:
    connect(served)
    operator = ThalwegScaleOperator(task_id="scale", topology=TOPOLOGY, counts={"split": 4}, poll_interval=0.2)
    executed(operator)
    told = extracted(operator)
    assert told["_schemaURL"] == SCHEMA
    assert (told["act"], told["engine"], told["of"], told["outcome"]) == ("scale", ENGINE, TOPOLOGY, "done")
    assert told["reason"] == "Airflow: d.scale in r1"
    assert told["plan"]


def test_waits_and_placements_are_told_with_what_was_measured(shared: Stand, connect: Connecting) -> None:
    connect(shared)
    sensor = ThalwegStableSensor(task_id="stable", topology=TOPOLOGY)
    executed(sensor)
    told = extracted(sensor)
    assert (told["act"], told["outcome"]) == ("wait", "done")
    assert told["reason"] == "words runs and nothing is being changed"
    place = placing({"topology": TOPOLOGY, "work": 50}, timeout=0.2)
    with pytest.raises(AirflowException):
        executed(place)
    told = extracted(place, failed=True)
    assert (told["act"], told["outcome"]) == ("placement", "wait")
    assert "words would be" in told["reason"]


def test_a_facet_goes_to_another_process() -> None:
    told = lineage_of(Told("scale", ENGINE, "why", "done"))
    assert pickle.loads(pickle.dumps(told)).run_facets[FACET].act == "scale"  # noqa: S301


def test_a_dag_tells_a_transport(
    served: Stand, connect: Connecting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(served)
    events = tmp_path / "events.json"
    transport = {"type": "file", "log_file_path": str(events), "append": True}
    monkeypatch.setenv("AIRFLOW__OPENLINEAGE__TRANSPORT", json.dumps(transport))
    monkeypatch.setenv("PYTHONPATH", str(DAGS))
    # What listens makes processes of its own, which are to have nothing of this one.
    words = [sys.executable, "-c", "import thalweg_placed; thalweg_placed.here.test()"]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    told = [json.loads(line) for line in events.read_text().splitlines()]
    ended = [one for one in told if one["job"]["name"] == "placed_here.place" and one["eventType"] == "COMPLETE"]
    facets = [one["run"]["facets"][FACET] for one in ended]
    assert [(one["act"], one["outcome"], one["engine"]) for one in facets] == [("placement", "start", ENGINE)]
