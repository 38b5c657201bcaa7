"""Where a task runs, and how large, by what Thalweg knows before it starts."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from pydantic import Field

import dagster as dg
from dagster_thalweg.lineage import lineage
from dagster_thalweg.ops import mark_of
from dagster_thalweg.resource import ThalwegResource, failure
from thalweg_client import Candidate, Placement, SettingError, ThalwegError
from thalweg_client.placement import Answer, rules_of
from thalweg_client.placing import Placing, Progress
from thalweg_client.steps import Steps

T = TypeVar("T")


class PlacementConfig(dg.Config):
    """What a run may want otherwise."""

    work: dict[str, float] = Field(default={}, description="Records a second, by the candidate's task")
    on_unknown: str = Field(default="", description="start, wait or fail, in place of what the op was made with")
    why: str = Field(default="", description="Why more is asked for; the op and its run unless something is said")


def build_thalweg_placement_op(
    *,
    name: str,
    candidates: Sequence[Candidate | Mapping[str, Any]],
    on_unknown: str = "start",
    prefer: str = "more",
    poll_interval: float = 10.0,
    timeout: float = 3600.0,
    resource_key: str = "thalweg",
) -> dg.OpDefinition:
    """An op that asks for risk, load and capacity of several topologies, and has an output for each of them.

    It gives the decision, with ``factor`` and ``why``, to the output of the chosen candidate; what follows the others
    is skipped. Where no candidate has room it asks Thalweg for more and waits until that is there, or has what follows
    run smaller, or waits.

    :param candidates: What :class:`~thalweg_client.placement.Candidate` takes: ``task`` is the name of its output, and
        ``connection`` the key of another resource.
    :param on_unknown: What happens where no candidate that is known takes it and of another one nothing is known, as
        its server does not answer or nothing was measured: ``start`` there, ``wait``, or ``fail``.
    :param prefer: Whether ``more`` is asked for before it runs ``smaller``, or the other way round.
    :param timeout: Seconds that it waits before it fails.
    """
    rules_of(on_unknown, prefer)
    known = [Candidate.read(one) for one in candidates]
    unnamed = [one.name for one in known if not one.task]
    if unnamed:
        raise SettingError(f"candidates: {', '.join(unnamed)} has no task, which is the name of its output")
    keys = {one.connection or resource_key for one in known}

    @dg.op(
        name=name,
        out={one.task: dg.Out(dict, is_required=False) for one in known},
        required_resource_keys=keys,
        description="Chooses among topologies by their risk, load and capacity.",
    )
    def placement(context: dg.OpExecutionContext, config: PlacementConfig) -> Iterator[dg.Output[dict[str, Any]]]:
        servers = {key: getattr(context.resources, key) for key in keys}
        try:
            given = _named(known, servers, resource_key, config.work)
            rules = rules_of(config.on_unknown or on_unknown, prefer)
            placing = Placing(
                given,
                rules,
                partial(_ask, servers),
                mark=lambda one, change: mark_of(context, dict(change), one.engine, one.topology),
                why=_why(context, config.why),
                said=lambda text, is_warning: context.log.warning(text) if is_warning else context.log.info(text),
            )
            with lineage(context, "placement", given[0].engine, name, config.why) as came_to:
                decided = _until_it_starts(context, placing, (poll_interval, timeout))
                came_to.update(decided.json())
        except ThalwegError as error:
            raise failure(error) from error
        told = decided.json()
        one = given[decided.chosen or 0]
        page = servers[one.connection].settings.page(one.engine)
        yield dg.Output(told, output_name=one.task, metadata=_metadata(decided, page))

    return placement


def _named(
    given: Sequence[Candidate], servers: Mapping[str, ThalwegResource], resource_key: str, work: Mapping[str, float]
) -> list[Candidate]:
    """Candidates with their resources and engines, and with the work that a run wants."""
    unknown = [task for task in work if task not in {one.task for one in given}]
    if unknown:
        raise SettingError(f"work: {', '.join(unknown)} is no task of a candidate")
    named = [replace(one, connection=one.connection or resource_key) for one in given]
    return [
        replace(one, engine=servers[one.connection].engine_of(one.engine), work=work.get(one.task, one.work))
        for one in named
    ]


def _ask(servers: Mapping[str, ThalwegResource], one: Candidate, steps: Steps[T], /) -> T:
    return servers[one.connection].run(steps)


def _why(context: dg.OpExecutionContext, why: str) -> Callable[[Placement], str]:
    who = why or f"Dagster: {context.job_name}.{context.op.name} in {context.run_id}"
    return lambda decided: f"{who}: {decided.why}"


def _until_it_starts(context: dg.OpExecutionContext, placing: Placing, times: tuple[float, float]) -> Placement:
    interval, timeout = times
    progress, said = Progress(time.time()), ""
    while True:
        decided = placing.decided(progress)
        if decided.answer.starts:
            log = context.log.warning if decided.unknown else context.log.info
            log(f"{decided.answer} at {decided.candidate} with {100 * decided.factor:.0f} % of the work: {decided.why}")
            return decided
        if decided.answer == Answer.FAIL:
            raise dg.Failure(description=decided.why)
        if decided.why != said:
            said = decided.why
            context.log.info("%s: %s", decided.answer, said)
        left = progress.since + timeout - time.time()
        if left <= 0:
            raise dg.Failure(description=f"after {timeout:.0f} s: {said}")
        time.sleep(min(interval, left))


def _metadata(decided: Placement, page: str) -> dict[str, Any]:
    told = {
        "answer": str(decided.answer),
        "reason": decided.why,
        "factor": decided.factor,
        "measured": decided.measured,
        "limit": decided.limit,
    }
    return {name: value for name, value in told.items() if value is not None} | {
        "dashboard": dg.MetadataValue.url(page)
    }
