"""What the documentation shows is run."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest
from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_0_PLUS

from thalweg_testing.pages import blocks
from thalweg_testing.stand import Stand

from .conftest import Connecting
from .test_dags import states, value

pytestmark = pytest.mark.usefixtures("database")
PYTHON = blocks("airflow.md", "python")


def test_the_dag_of_the_page_runs(served: Stand, connect: Connecting) -> None:
    connect(served)
    page = importlib.import_module("page_of_month_end")
    run = page.month_end.test()
    assert set(states(run).values()) == {"success"}
    assert value(run, "resume")["resumed"]


def test_the_dag_of_the_page_that_replays_runs_where_there_is_room(served: Stand, connect: Connecting) -> None:
    connect(served)
    run = importlib.import_module("page_of_replay").replay.test()
    found = states(run)
    assert found.pop("place") == "success"
    assert sorted(found.values()) == ["skipped", "success"]
    assert 0.5 <= value(run, "place", "factor") <= 1


@pytest.mark.skipif(not AIRFLOW_V_3_0_PLUS, reason="Airflow 2 has no watchers of assets")
def test_the_dag_that_follows_is_read() -> None:
    (watching,) = PYTHON[2:]
    read: dict[str, object] = {"__name__": "page"}
    exec(compile(watching, "airflow.md", "exec"), read)  # noqa: S102
    assert "helped" in read


def test_the_connection_of_the_page_is_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from airflow.providers.common.compat.sdk import Connection

    from airflow_providers_thalweg.hooks.thalweg import settings_of

    (shown,) = blocks("airflow.md", "json")
    authority = tmp_path / "thalweg.pem"
    authority.touch()
    told = json.loads(shown.replace("/etc/ssl/thalweg.pem", str(authority)))
    told["password"] = "token"
    connection = Connection(conn_id="c", **{**told, "extra": json.dumps(told["extra"])})
    settings = settings_of(connection, connection.extra_dejson)
    assert (settings.address, settings.timeout) == ("https://thalweg.example:7480", 15)
