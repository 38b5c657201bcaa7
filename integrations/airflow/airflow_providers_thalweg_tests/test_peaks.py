"""Schedules of Dags in Airflow's own database, told to a real server over a real engine."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import timedelta

import pytest

from airflow_providers_thalweg.peaks import declared, load, main, told
from thalweg_client import SettingError, steps
from thalweg_testing.failing import nowhere
from thalweg_testing.stand import ENGINE, Stand

from .conftest import Connecting

pytestmark = pytest.mark.usefixtures("database")

NAME = "airflow/hourly_load/words"
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
    assert main(["--hours", "3"]) == 0
    peaks = served.until(lambda: steps.engine_of(ENGINE), lambda one: len(one.peaks) > 0).peaks
    now = time.time() * 1000
    assert {peak.name for peak in peaks} == {NAME}
    assert 2 <= len(peaks) <= 3
    assert all(peak.start % HOUR == 0 and now - 60_000 < peak.start <= now + 3 * HOUR for peak in peaks)
    assert all(peak.until - peak.start == HOUR // 2 and peak.counts == {"split": 6} for peak in peaks)
    assert "wrong_load: params: thalweg: load: work, minutes is missing" in caplog.text
    pause(True)
    assert told("thalweg_default", None, timedelta(hours=3)).removed == [NAME]
    served.until(lambda: steps.engine_of(ENGINE), lambda one: one.peaks == [])


def test_a_server_that_is_down_and_a_role_that_is_not_enough_end_the_command(
    parsed: None, shared: Stand, connect: Connecting
) -> None:
    connect(shared, address=nowhere())
    assert main([]) == 1
    connect(shared, "reader")
    pause(False)
    assert main(["--hours", "3"]) == 1


def test_a_load_is_declared_among_the_params() -> None:
    one = load(topology="words", work=500, minutes=30)
    assert [of.work for of in declared({"thalweg": one})] == [500]
    assert len(declared({"thalweg": [one, one]})) == 2
    assert declared({}) == []
    with pytest.raises(SettingError, match="minutes: 0 of words"):
        load(topology="words", work=500, minutes=0)
