"""An Airflow of the tests' own: its folder, its database, and connections by the environment."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from thalweg_testing.pages import blocks
from thalweg_testing.planned import golden
from thalweg_testing.stand import ENGINE, Stand

# Airflow reads it when it is imported.
HOME = tempfile.TemporaryDirectory(prefix="thalweg-airflow-")
os.environ["AIRFLOW_HOME"] = HOME.name
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
DAGS = Path(HOME.name) / "dags"
os.environ["AIRFLOW__CORE__DAGS_FOLDER"] = str(DAGS)
os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "INFO"
os.environ["AIRFLOW__SCHEDULER__PARSING_CLEANUP_INTERVAL"] = "86400"
# A Dag is run by its file: those of the tests, those that the documentation shows, and one that was planned.
shutil.copytree(Path(__file__).parent / "dags", DAGS)
(DAGS / "page_of_month_end.py").write_text(blocks("airflow.md", "python")[0])
(DAGS / "page_of_replay.py").write_text(blocks("airflow.md", "python")[1])
(DAGS / "planned_workflow.py").write_text(golden("airflow.py"))
sys.path.insert(0, str(DAGS))


@pytest.fixture(scope="session")
def database() -> None:
    """The tables of Airflow."""
    from airflow.utils.db import initdb

    initdb()


def connection(address: str, token: str, **extra: Any) -> str:
    """A connection as the environment has it."""
    return json.dumps(
        {"conn_type": "thalweg", "host": address, "password": token, "extra": {"engine": ENGINE, **extra}}
    )


Connecting = Callable[..., None]


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Connecting:
    """Makes the default connection one to a server, in a role or with a token."""

    def make(served: Stand, role: str = "operator", address: str = "", token: str = "", **extra: Any) -> None:
        given = connection(address or served.address, token or served.tokens[role], **extra)
        monkeypatch.setenv("AIRFLOW_CONN_THALWEG_DEFAULT", given)

    return make
