"""Orders to Thalweg as ops."""

import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from pydantic import Field

import dagster as dg
from dagster_thalweg.lineage import lineage
from dagster_thalweg.resource import ThalwegResource, failure
from thalweg_client import Client, SettingError, ThalwegError, Verdict, judge, steps
from thalweg_client.steps import Steps

#: Says that a run was begun by Dagster itself in place of one that failed.
RETRIED = "dagster/retry_number"


class OrderConfig(dg.Config):
    """What all orders have in common."""

    engine: str = Field(default="", description="The engine; the resource's unless it is named")
    why: str = Field(default="", description="Why, for the ledger; the op and its run unless something is said")


class WaitConfig(OrderConfig):
    """What orders that take their time have in common."""

    wait: bool = Field(default=True, description="Whether the op lasts until the order is carried out")
    poll_interval: float = Field(default=10.0, gt=0, description="Seconds between two looks")
    timeout: float = Field(default=3600.0, gt=0, description="Seconds after which the op fails; the order stays")


class ScaleConfig(WaitConfig):
    """A change of a topology."""

    topology: str = Field(description="The topology, by its name or id")
    counts: dict[str, int] = Field(default={}, description="New executor counts by component")
    memory_mib: dict[str, int] = Field(default={}, description="New memory of each executor in MiB, by component")
    leave: list[str] = Field(default=[], description="Hosts that it is to leave")
    adopt: bool = Field(default=False, description="Whether it may be stopped once to give its sources own workers")
    key: str = Field(default="", description="Another key makes another order")


class ScopeConfig(OrderConfig):
    """Topologies."""

    topology: str = Field(default="", description="A name, an id or a pattern; all of the engine if empty")


class PauseConfig(ScopeConfig):
    """A pause."""

    until: str = Field(default="", description="When it is over, as 2026-12-24T06:00:00+01:00; open if empty")


class HostConfig(OrderConfig):
    """A host."""

    host: str = Field(description="The host")


class DrainConfig(WaitConfig):
    """A host that is to be left."""

    host: str = Field(description="The host")


class StableConfig(dg.Config):
    """A topology that is waited for."""

    engine: str = Field(default="", description="The engine; the resource's unless it is named")
    topology: str = Field(description="The topology, by its name or id")
    quiet_for: float = Field(default=0.0, description="Seconds since the end of the last plan for it")
    poll_interval: float = Field(default=10.0, gt=0, description="Seconds between two looks")
    timeout: float = Field(default=3600.0, gt=0, description="Seconds after which the op fails")


def _said(context: dg.OpExecutionContext, config: OrderConfig) -> str:
    return config.why or f"Dagster: {context.job_name}.{context.op.name} in {context.run_id}"


def mark_of(context: dg.OpExecutionContext, body: dict[str, Any], *of: str) -> str:
    """The reference of an order, the same each time that an op of the same run gives it."""
    run = context.run
    # A run that Dagster begins in place of one that failed goes on with its orders; one that somebody begins does not.
    origin = run.root_run_id if RETRIED in run.tags and run.root_run_id else run.run_id
    return steps.reference("dagster", origin, str(context.op_handle), *of, body=body)


def _wait(
    context: dg.OpExecutionContext, client: Client, look: Callable[[], Steps[Verdict]], times: tuple[float, float]
) -> dict[str, Any]:
    """Looks again and again; a server that is down meanwhile is waited for as well."""
    interval, timeout = times
    end, said = time.monotonic() + timeout, ""
    while True:
        verdict = client.run(judge.patient(look()))
        if verdict.met:
            return verdict.data
        if verdict.why != said:
            said = verdict.why
            context.log.info(said)
        left = end - time.monotonic()
        if left <= 0:
            raise dg.Failure(description=f"after {timeout:.0f} s: {said}")
        time.sleep(min(interval, left))


@dg.op(description="Changes a topology whatever the policy thinks of it, once, and waits until that is done.")
def thalweg_scale(context: dg.OpExecutionContext, config: ScaleConfig, thalweg: ThalwegResource) -> dict[str, Any]:
    """Orders a change, or finds that it was ordered already."""
    change: dict[str, Any] = {
        "counts": config.counts,
        "memory_mib": config.memory_mib,
        "leave": config.leave,
        "adopt": config.adopt,
    }
    change = {name: value for name, value in change.items() if value}
    try:
        if not change:
            raise SettingError("counts: nothing is ordered: no counts, no memory_mib, no leave and no adopt")
        engine = thalweg.engine_of(config.engine)
        mark = mark_of(context, change, engine, config.topology, config.key)
        said = _said(context, config)
        with thalweg.client() as client, lineage(context, "scale", engine, config.topology, said) as came_to:
            order = client.run(steps.scale(engine, config.topology, change, mark, said))
            came_to.update(asdict(order))
            context.log.info("order %s for %s is %s", order.id or mark, config.topology, order.state)
            context.add_output_metadata(_metadata(thalweg, engine, order.id or mark))
            if not config.wait:
                return asdict(order)
            times = (config.poll_interval, config.timeout)
            done = _wait(context, client, lambda: judge.look_order(engine, config.topology, order, mark), times)
            came_to.update(done)
            return done
    except ThalwegError as error:
        raise failure(error) from error


def _metadata(thalweg: ThalwegResource, engine: str, order: str) -> dict[str, Any]:
    return {"order": order, "dashboard": dg.MetadataValue.url(thalweg.settings.page(engine))}


@dg.op(description="Has everything leave a host, and waits until nothing runs there.")
def thalweg_drain(context: dg.OpExecutionContext, config: DrainConfig, thalweg: ThalwegResource) -> dict[str, Any]:
    """Orders that a host is left. One that is drained already is only waited for."""
    try:
        engine = thalweg.engine_of(config.engine)
        said = _said(context, config)
        with thalweg.client() as client, lineage(context, "drain", engine, config.host, said):
            new = client.run(steps.drain(engine, config.host, said))
            if not config.wait:
                return {"host": config.host, "new": new}
            times = (config.poll_interval, config.timeout)
            return _wait(context, client, lambda: judge.look_left(engine, config.host), times)
    except ThalwegError as error:
        raise failure(error) from error


@dg.op(description="Lets a host be used again.")
def thalweg_undrain(context: dg.OpExecutionContext, config: HostConfig, thalweg: ThalwegResource) -> bool:
    """Orders that a host is used again; says whether it was drained."""
    try:
        engine = thalweg.engine_of(config.engine)
        with lineage(context, "undrain", engine, config.host, _said(context, config)):
            return thalweg.run(steps.undrain(engine, config.host))
    except ThalwegError as error:
        raise failure(error) from error


@dg.op(description="Has a topology, or all of an engine, left as it is.")
def thalweg_pause(context: dg.OpExecutionContext, config: PauseConfig, thalweg: ThalwegResource) -> dict[str, Any]:
    """Orders a pause; says whether it is new, as opposed to one of the same scope that was there before."""
    try:
        engine, until = thalweg.engine_of(config.engine), _millis(config.until)
        said = _said(context, config)
        with lineage(context, "pause", engine, config.topology or "*", said):
            new = thalweg.run(steps.pause(engine, config.topology or None, until, said))
    except ThalwegError as error:
        raise failure(error) from error
    return {"topology": config.topology, "until": until, "new": new}


@dg.op(description="Lets a topology, or all of an engine, be changed again.")
def thalweg_resume(
    context: dg.OpExecutionContext,
    config: ScopeConfig,
    thalweg: ThalwegResource,
    pause: dict[str, Any] | None = None,
) -> bool:
    """Orders that it goes on; says whether it does.

    Given what ``thalweg_pause`` has said, only a pause that was new is ended, and only if nobody else has paused any of
    its topologies.
    """
    try:
        engine, scope, said = thalweg.engine_of(config.engine), config.topology or None, _said(context, config)
        with lineage(context, "resume", engine, scope or "*", said) as came_to:
            left = _resumed(thalweg, (engine, scope, said), pause)
            came_to["state"] = left or "done"
    except ThalwegError as error:
        raise failure(error) from error
    if left is not None:
        context.log.info("%s is left as it is: %s", config.topology or "all", left)
    return left is None


def _resumed(thalweg: ThalwegResource, of: tuple[str, str | None, str], pause: dict[str, Any] | None) -> str | None:
    """Ends a pause, or says why it is left as it is."""
    engine, scope, said = of
    if pause is None:
        thalweg.run(steps.resume(engine, scope, said))
        return None
    if pause["topology"] != (scope or ""):
        raise SettingError(f"topology: what was paused is {pause['topology'] or 'all'}, and no other")
    if not pause["new"]:
        return "it was paused before"
    return thalweg.run(steps.take_back(engine, scope, pause["until"], said))


@dg.op(description="Waits until a topology runs and nothing has been changed for a while.")
def thalweg_wait_until_stable(
    context: dg.OpExecutionContext, config: StableConfig, thalweg: ThalwegResource
) -> dict[str, Any]:
    """Waits for a topology."""
    try:
        engine = thalweg.engine_of(config.engine)
        why, times = "it is to be stable", (config.poll_interval, config.timeout)
        with thalweg.client() as client, lineage(context, "wait", engine, config.topology, why):
            return _wait(context, client, lambda: judge.look_stable(engine, config.topology, config.quiet_for), times)
    except ThalwegError as error:
        raise failure(error) from error


def _millis(until: str) -> int | None:
    if not until:
        return None
    try:
        read = datetime.fromisoformat(until)
    except ValueError:
        raise SettingError(f"until: {until!r} is no time, such as 2026-12-24T06:00:00+01:00") from None
    if read.tzinfo is None:
        raise SettingError(f"until: {until} has no zone")
    return int(read.timestamp() * 1000)
