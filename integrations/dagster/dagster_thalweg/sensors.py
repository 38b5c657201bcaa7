"""Sensors over what Thalweg tells. A cursor says how far each of them has come."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Literal

import dagster as dg
from dagster_thalweg.resource import ThalwegResource
from thalweg_client import NotFound, Record, SettingError, judge, steps
from thalweg_client.judge import MAX_AGE

#: The most runs that one look asks for; the next one goes on from there.
MOST_RUNS = 50

# Dagster passes resources as arguments too where somebody calls a sensor by hand; here they are taken from the context.


def _cursor(context: dg.SensorEvaluationContext) -> dict[str, Any]:
    """How far the sensor has come; nothing if it begins."""
    if not context.cursor:
        return {}
    try:
        read = json.loads(context.cursor)
    except ValueError:
        read = None
    if not isinstance(read, dict):
        raise SettingError(f"cursor: {context.cursor!r} is none of this sensor's; reset it in Dagster")
    return read


def build_thalweg_record_sensor(
    *,
    name: str,
    target: Any,
    engine: str | None = None,
    topology: str | None = None,
    kind: str | None = "outcome",
    result: str | None = None,
    run_config: Callable[[Record], Mapping[str, Any]] | None = None,
    minimum_interval_seconds: int = 30,
    default_status: dg.DefaultSensorStatus = dg.DefaultSensorStatus.STOPPED,
    resource_key: str = "thalweg",
) -> dg.SensorDefinition:
    """Asks for a run for each new record of an engine's ledger: the outcome of a plan, its end, an order, and so on.

    Its cursor is the number of the last record that it has seen, and each run has a key made of it, so none is missed
    or asked for twice. It begins with what is recorded after its first look.

    :param kind: ``outcome``, ``action``, ``order``, ``decision``, ``approval``, ``operator`` or ``config``; all if
        absent.
    :param result: With this result only, such as ``helped`` or ``finished``.
    :param run_config: Makes a run's configuration of a record.
    """

    @dg.sensor(
        name=name,
        target=target,
        minimum_interval_seconds=minimum_interval_seconds,
        default_status=default_status,
        required_resource_keys={resource_key},
        description=f"Runs for each new record of kind {kind or 'any'} of {topology or 'all topologies'}.",
    )
    def sensor(context: dg.SensorEvaluationContext, **_: Any) -> dg.SensorResult:
        thalweg: ThalwegResource = getattr(context.resources, resource_key)
        meant = thalweg.engine_of(engine)
        after = _cursor(context).get("after")
        found, last = thalweg.run(steps.news(meant, after, topology, kind))
        if len(found) > MOST_RUNS:
            found = found[:MOST_RUNS]
            last = found[-1].seq
        fitting = [record for record in found if result in (None, record.result)]
        requests = [
            dg.RunRequest(
                # A ledger that begins anew has the same numbers at other times.
                run_key=f"{meant}/{record.seq}/{record.at}",
                run_config=dict(run_config(record)) if run_config else {},
                tags={
                    "thalweg/engine": meant,
                    "thalweg/topology": record.name or record.topology,
                    "thalweg/record": str(record.seq),
                },
            )
            for record in fitting
        ]
        cursor = json.dumps({"after": last})
        if requests:
            return dg.SensorResult(run_requests=requests, cursor=cursor)
        return dg.SensorResult(skip_reason=f"nothing new after record {last} of {meant}", cursor=cursor)

    return sensor


def build_thalweg_lag_sensor(
    *,
    name: str,
    target: Any,
    topology: str,
    limit: int,
    when: Literal["below", "above"] = "below",
    engine: str | None = None,
    source: str | None = None,
    max_age: float = MAX_AGE,
    run_config: Mapping[str, Any] | None = None,
    minimum_interval_seconds: int = 30,
    default_status: dg.DefaultSensorStatus = dg.DefaultSensorStatus.STOPPED,
    resource_key: str = "thalweg",
) -> dg.SensorDefinition:
    """Asks for one run each time that what waits before a topology falls to a limit, or rises above it.

    Its cursor says on which side it was. What was not counted, or too long ago, is on neither side and changes nothing.
    """

    @dg.sensor(
        name=name,
        target=target,
        minimum_interval_seconds=minimum_interval_seconds,
        default_status=default_status,
        required_resource_keys={resource_key},
        description=f"Runs once what waits before {source or topology} is {when} {limit} records.",
    )
    def sensor(context: dg.SensorEvaluationContext, **_: Any) -> dg.SensorResult:
        thalweg: ThalwegResource = getattr(context.resources, resource_key)
        meant, before = thalweg.engine_of(engine), _cursor(context).get("side")
        verdict = thalweg.run(judge.look_lag(meant, topology, limit, source, max_age))
        counted = verdict.met or (verdict.data["backlog"] is not None and verdict.data["backlog"] > limit)
        if not counted:
            return dg.SensorResult(skip_reason=verdict.why, cursor=context.cursor)
        side = "below" if verdict.met else "above"
        cursor = json.dumps({"side": side})
        if side != when or before == side:
            return dg.SensorResult(skip_reason=verdict.why, cursor=cursor)
        request = dg.RunRequest(
            run_key=f"{meant}/{topology}/{side}/{verdict.data['at']}",
            run_config=dict(run_config or {}),
            tags={"thalweg/engine": meant, "thalweg/topology": topology, "thalweg/lag": str(verdict.data["backlog"])},
        )
        return dg.SensorResult(run_requests=[request], cursor=cursor)

    return sensor


def build_thalweg_observation_sensor(
    *,
    name: str,
    topologies: Mapping[str, dg.AssetKey] | Sequence[str],
    engine: str | None = None,
    minimum_interval_seconds: int = 60,
    default_status: dg.DefaultSensorStatus = dg.DefaultSensorStatus.STOPPED,
    resource_key: str = "thalweg",
) -> dg.SensorDefinition:
    """Observes the assets that topologies make: lag, throughput, latency, busy share and executors, as metadata.

    :param topologies: The topologies, each with the key of its asset, which is its name unless it is given.
    """
    keys = dict(topologies) if isinstance(topologies, Mapping) else {one: dg.AssetKey(one) for one in topologies}

    @dg.sensor(
        name=name,
        minimum_interval_seconds=minimum_interval_seconds,
        default_status=default_status,
        required_resource_keys={resource_key},
        description="Observes what topologies do.",
    )
    def sensor(context: dg.SensorEvaluationContext, **_: Any) -> dg.SensorResult:
        thalweg: ThalwegResource = getattr(context.resources, resource_key)
        meant, seen = thalweg.engine_of(engine), _cursor(context)
        events, missing = [], []
        with thalweg.client() as client:
            for topology, key in keys.items():
                try:
                    summary = client.run(steps.topology(meant, topology)).summary
                except NotFound as error:
                    missing.append(str(error))
                    continue
                if seen.get(topology) == summary.at:
                    continue
                seen[topology] = summary.at
                page = client.settings.page(meant, summary.id)
                metadata = {name: value for name, value in asdict(summary).items() if value is not None}
                metadata["dashboard"] = dg.MetadataValue.url(page)
                events.append(dg.AssetObservation(asset_key=key, metadata=metadata))
        cursor = json.dumps({topology: seen[topology] for topology in keys if topology in seen})
        if not events:
            reason = "; ".join(missing) or "nothing was judged since"
            return dg.SensorResult(skip_reason=reason, cursor=cursor)
        for said in missing:
            context.log.warning(said)
        return dg.SensorResult(asset_events=events, cursor=cursor)

    return sensor
