"""Schedules of Dags in Airflow's own database, told to a real server over a real engine."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_providers_thalweg import peaks as module
from airflow_providers_thalweg.peaks import declared, deployment, load, main, origin, scheduled, told
from thalweg_client import SettingError, steps
from thalweg_testing.failing import nowhere
from thalweg_testing.stand import ENGINE, Stand

from .conftest import Connecting

pytestmark = pytest.mark.usefixtures("database")

NAME = "airflow/here/hourly_load/words"
NIGHTLY = "airflow/here/replay/words"
RARE = "airflow/here/rare_load/words"
HOUR = 3_600_000


@pytest.fixture(scope="module")
def parsed(database: None) -> None:
    """All Dags of the tests in Airflow's database."""
    words = [sys.executable, "-m", "airflow", "dags", "reserialize"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def pause(paused: bool) -> None:
    from airflow.models.dag import DagModel
    from airflow.utils.session import create_session
    from sqlalchemy import update

    with create_session() as session:
        session.execute(update(DagModel).values(is_paused=paused))


def test_the_next_runs_of_dags_are_expected_until_they_are_paused(
    parsed: None, served: Stand, connect: Connecting, caplog: pytest.LogCaptureFixture
) -> None:
    connect(served)
    pause(False)
    assert main(["--hours", "3", "--name", "here"]) == 0
    peaks = served.until(
        lambda: steps.engine_of(ENGINE), lambda one: {NAME, RARE} <= {of.name for of in one.peaks}
    ).peaks
    # That of the documentation runs at two at night.
    peaks = [peak for peak in peaks if peak.name != NIGHTLY]
    now = time.time() * 1000
    assert {peak.name for peak in peaks} == {NAME, RARE}
    assert 2 <= len([peak for peak in peaks if peak.name == NAME]) <= 3
    assert len([peak for peak in peaks if peak.name == RARE]) == 1, "its interval is longer than any month"
    assert all(peak.start % HOUR == 0 and now - 60_000 < peak.start <= now + 3 * HOUR for peak in peaks)
    assert all(peak.until - peak.start == HOUR // 2 and peak.counts == {"split": 6} for peak in peaks)
    assert "wrong_load: params: thalweg: load: work, minutes is missing" in caplog.text
    assert "number_load: params: thalweg: load: 5 has no fields" in caplog.text
    pause(True)
    # Another Airflow takes back nothing of this one.
    assert told("thalweg_default", None, timedelta(hours=3), "there").removed == []
    assert told("thalweg_default", None, timedelta(hours=3), "here").removed in ([NAME, RARE], [NAME, RARE, NIGHTLY])
    served.until(lambda: steps.engine_of(ENGINE), lambda one: one.peaks == [])


def test_a_server_that_is_down_and_a_role_that_is_not_enough_end_the_command(
    parsed: None, shared: Stand, connect: Connecting
) -> None:
    connect(shared, address=nowhere())
    assert main([]) == 1
    connect(shared, "reader")
    pause(False)
    assert main(["--hours", "3"]) == 1


def test_one_dag_that_cannot_be_read_ends_nothing(
    parsed: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def starts(dag: Any, *_: Any) -> list[int]:
        if dag.dag_id == "rare_load":
            raise OverflowError("cannot convert float infinity to integer")
        return [1]

    pause(False)
    monkeypatch.setattr(module, "_starts", starts)
    found = scheduled(ENGINE, datetime.now(UTC), timedelta(hours=3))
    assert "hourly_load/words" in found
    assert "rare_load/words" not in found
    assert "rare_load: its next runs cannot be told" in caplog.text


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://airflow.example.org/", "airflow.example.org"),
        ("https://u:secret@airflow.example.org:8443/team/a", "airflow.example.org:8443_team_a"),
        ("http://localhost:8080", "worker-1"),
        ("", "worker-1"),
    ],
)
def test_an_airflow_has_a_name_of_its_own(url: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", url)
    monkeypatch.setenv("AIRFLOW__WEBSERVER__BASE_URL", url)
    monkeypatch.setattr("airflow.utils.net.get_hostname", lambda: "worker-1")
    assert deployment() == name
    assert origin(name) == f"airflow/{name}/"


@pytest.mark.parametrize("name", ["", " ", "a/b"])
def test_a_name_that_another_could_begin_with_is_refused(name: str) -> None:
    with pytest.raises(SettingError, match="name: "):
        origin(name)


def test_a_load_is_declared_among_the_params() -> None:
    one = load(topology="words", work=500, minutes=30)
    assert [of.work for of in declared({"thalweg": one})] == [500]
    assert len(declared({"thalweg": [one, one]})) == 2
    assert declared({}) == []
    assert [of.minutes for of in declared({"thalweg": {**one, "minutes": "90"}})] == [90]
    for wrong in (5, "words", [5], {**one, "minutes": float("inf")}):
        with pytest.raises(SettingError):
            declared({"thalweg": wrong})
    with pytest.raises(SettingError, match="minutes: 0 of words"):
        load(topology="words", work=500, minutes=0)
