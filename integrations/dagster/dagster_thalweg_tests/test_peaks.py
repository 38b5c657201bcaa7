"""Schedules of Dagster, told to a real server over a real engine."""

import pytest

import dagster as dg
from dagster_thalweg import build_thalweg_peaks_sensor
from thalweg_client import SettingError, steps
from thalweg_client.peaks import Load
from thalweg_testing.stand import ENGINE, TOPOLOGY, Stand

from .test_ops import resource

LOAD = Load(TOPOLOGY, 500, 30, counts={"split": 6})


@dg.job
def replays() -> None:
    pass


def hourly(status: dg.DefaultScheduleStatus) -> dg.ScheduleDefinition:
    return dg.ScheduleDefinition("hourly", cron_schedule="0 * * * *", job=replays, default_status=status)


def looked(served: Stand, status: dg.DefaultScheduleStatus) -> str:
    sensor = build_thalweg_peaks_sensor(
        name="peaks", loads={"hourly": LOAD}, schedules=[hourly(status)], hours=3, resource_key="thalweg"
    )
    with dg.instance_for_test() as instance:
        context = dg.build_sensor_context(instance, resources={"thalweg": resource(served)})
        told = sensor(context)
    assert isinstance(told, dg.SkipReason)
    return str(told.skip_message)


def test_the_next_runs_of_schedules_are_expected_until_they_are_stopped(served: Stand) -> None:
    running, stopped = dg.DefaultScheduleStatus.RUNNING, dg.DefaultScheduleStatus.STOPPED
    assert looked(served, running) == "storm expects the next runs of dagster/peaks/hourly"
    peaks = served.until(lambda: steps.engine_of(ENGINE), lambda one: len(one.peaks) > 0).peaks
    assert 2 <= len(peaks) <= 3
    assert all(peak.start % 3_600_000 == 0 and peak.counts == {"split": 6} for peak in peaks)
    assert looked(served, running) == "nothing has changed"
    assert looked(served, stopped) == "it expects none of dagster/peaks/hourly any more"
    served.until(lambda: steps.engine_of(ENGINE), lambda one: one.peaks == [])


def test_a_load_has_a_schedule() -> None:
    with pytest.raises(SettingError, match="loads: daily is none of the schedules hourly"):
        build_thalweg_peaks_sensor(
            name="peaks", loads={"daily": LOAD}, schedules=[hourly(dg.DefaultScheduleStatus.RUNNING)]
        )
