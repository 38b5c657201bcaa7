"""Schedules as a forecast: what their next runs will bring is told to Thalweg before it comes."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import dagster as dg
from dagster_thalweg.resource import ThalwegResource
from thalweg_client import SettingError
from thalweg_client.peaks import MOST, Load, Runs, sync


def build_thalweg_peaks_sensor(
    *,
    name: str,
    loads: Mapping[str, Load | Mapping[str, Any]],
    schedules: Sequence[dg.ScheduleDefinition],
    engine: str | None = None,
    hours: float = 24.0,
    minimum_interval_seconds: int = 60,
    default_status: dg.DefaultSensorStatus = dg.DefaultSensorStatus.STOPPED,
    resource_key: str = "thalweg",
) -> dg.SensorDefinition:
    """Tells an engine of the next runs of schedules, so that executors are there before they begin.

    A schedule that is stopped, or is none of them any more, is forgotten. It asks for no runs; its token is an
    operator's.

    :param name: Its name. No other sensor that tells the same engine has it, in another Dagster as well: each forgets
        what is under its name and is none of its own.
    :param loads: What each run brings, by the name of its schedule: what :class:`~thalweg_client.peaks.Load` takes.
    :param schedules: The schedules.
    :param hours: How far ahead runs are told.
    """
    by_name = {schedule.name: schedule for schedule in schedules}
    unknown = [of for of in loads if of not in by_name]
    if unknown:
        raise SettingError(f"loads: {', '.join(unknown)} is none of the schedules {', '.join(by_name)}")
    read = {of: Load.read(load) for of, load in loads.items()}

    @dg.sensor(
        name=name,
        minimum_interval_seconds=minimum_interval_seconds,
        default_status=default_status,
        required_resource_keys={resource_key},
        description="Tells Thalweg when schedules will bring much.",
    )
    def sensor(context: dg.SensorEvaluationContext, **_: Any) -> dg.SkipReason:
        thalweg: ThalwegResource = getattr(context.resources, resource_key)
        now, running = datetime.now(UTC), _running(context.instance)
        runs = {
            of: Runs(load, _starts(by_name[of], now, timedelta(hours=hours)))
            for of, load in read.items()
            if _runs(by_name[of], running)
        }
        meant = thalweg.engine_of(engine)
        changed = thalweg.run(sync(meant, f"dagster/{name}/", runs, f"Dagster: {name}"))
        for of, why in changed.unknown.items():
            context.log.warning("%s is not told: %s", of, why)
        for of, count in changed.later.items():
            context.log.info("the last %d runs of %s are told later, as all are more than is taken at once", count, of)
        told = [f"{meant} expects the next runs of {', '.join(changed.said)}"] if changed.said else []
        told += [f"it expects none of {', '.join(changed.removed)} any more"] if changed.removed else []
        return dg.SkipReason("; ".join(told) or "nothing has changed")

    return sensor


def _running(instance: dg.DagsterInstance) -> dict[str, bool]:
    """Whether schedules run, by their names, as far as somebody has started or stopped them."""
    from dagster._core.scheduler.instigation import InstigatorType

    states = instance.all_instigator_state(instigator_type=InstigatorType.SCHEDULE)
    return {state.instigator_name: state.is_running for state in states}


def _runs(schedule: dg.ScheduleDefinition, running: Mapping[str, bool]) -> bool:
    return running.get(schedule.name, schedule.default_status == dg.DefaultScheduleStatus.RUNNING)


def _starts(schedule: dg.ScheduleDefinition, now: datetime, ahead: timedelta) -> list[int]:
    """When its next runs begin, in ms since 1970."""
    from dagster._utils.schedules import schedule_execution_time_iterator

    times = schedule_execution_time_iterator(
        now.timestamp(), schedule.cron_schedule, schedule.execution_timezone or "UTC", ascending=True
    )
    found = [int(one.timestamp() * 1000) for one in islice(times, MOST)]
    return [one for one in found if one <= (now + ahead).timestamp() * 1000]
