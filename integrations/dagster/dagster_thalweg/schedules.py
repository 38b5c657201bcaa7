"""Schedules that leave a topology alone while it is to be left alone."""

from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster_thalweg.resource import ThalwegResource
from thalweg_client import judge


def build_thalweg_schedule(
    *,
    name: str,
    target: Any,
    cron_schedule: str,
    topology: str | None = None,
    engine: str | None = None,
    execution_timezone: str | None = None,
    run_config: Mapping[str, Any] | None = None,
    default_status: dg.DefaultScheduleStatus = dg.DefaultScheduleStatus.STOPPED,
    resource_key: str = "thalweg",
) -> dg.ScheduleDefinition:
    """A schedule whose ticks are skipped, with the reason, while its topology is paused, frozen or out of its hours.

    The interface tells of a freeze where it keeps something from being done. Whether or not it is known here, the
    engine itself begins nothing in one: an order waits until it is over, or it expires. Where the server does not
    answer, a tick fails, as nobody knows.

    :param topology: The topology, by its name or id; pauses of all of the engine if absent.
    """

    @dg.schedule(
        name=name,
        target=target,
        cron_schedule=cron_schedule,
        execution_timezone=execution_timezone,
        default_status=default_status,
        required_resource_keys={resource_key},
        description=f"Runs unless {topology or 'the engine'} is to be left alone.",
    )
    def schedule(context: dg.ScheduleEvaluationContext, **_: Any) -> dg.RunRequest | dg.SkipReason:
        thalweg: ThalwegResource = getattr(context.resources, resource_key)
        why = thalweg.run(judge.look_closed(thalweg.engine_of(engine), topology))
        if why is not None:
            return dg.SkipReason(why)
        return dg.RunRequest(run_config=dict(run_config or {}))

    return schedule
