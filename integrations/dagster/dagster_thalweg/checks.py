"""Checks of assets that topologies make: whether their lag is below its objective, and whether they run undisturbed."""

from collections.abc import Callable
from typing import Any

import dagster as dg
from dagster_thalweg.resource import ThalwegResource
from thalweg_client import Verdict, judge
from thalweg_client.judge import BUSY_LIMIT, MAX_AGE
from thalweg_client.steps import Steps

Asset = dg.AssetKey | dg.AssetsDefinition | dg.AssetSpec | str


def build_thalweg_lag_check(
    *,
    asset: Asset,
    topology: str,
    objective: int,
    engine: str | None = None,
    source: str | None = None,
    name: str = "lag_below_objective",
    max_age: float = MAX_AGE,
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR,
    blocking: bool = False,
    resource_key: str = "thalweg",
) -> dg.AssetChecksDefinition:
    """Checks that no more than ``objective`` records wait before a topology. What nobody counts fails.

    :param source: Before this source only.
    :param max_age: Seconds after which what an engine said counts no more.
    """
    return _check(
        _of(asset, name, f"No more than {objective} records wait before {source or topology}."),
        lambda meant: judge.look_lag(meant, topology, objective, source, max_age),
        (engine, severity, blocking, resource_key),
    )


def build_thalweg_stable_check(
    *,
    asset: Asset,
    topology: str,
    quiet_for: float = 0.0,
    engine: str | None = None,
    name: str = "stable",
    max_age: float = MAX_AGE,
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.WARN,
    blocking: bool = False,
    resource_key: str = "thalweg",
) -> dg.AssetChecksDefinition:
    """Checks that a topology runs whole, nothing is being changed, and the last change ended long enough ago."""
    return _check(
        _of(asset, name, f"{topology} runs, and nothing is being changed."),
        lambda meant: judge.look_stable(meant, topology, quiet_for, max_age),
        (engine, severity, blocking, resource_key),
    )


def build_thalweg_room_check(
    *,
    asset: Asset,
    topology: str,
    more: float = 0.0,
    busy_limit: float = BUSY_LIMIT,
    engine: str | None = None,
    name: str = "room_ahead",
    max_age: float = MAX_AGE,
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.WARN,
    blocking: bool = False,
    resource_key: str = "thalweg",
) -> dg.AssetChecksDefinition:
    """Checks that a topology can take so much more than its sources are foretold to bring.

    With ``blocking`` assets that give it that load are not made while it cannot.

    :param more: The share that is added to its load, such as 0.2 for a fifth more.
    :param busy_limit: The busy share that its busiest component may come to.
    """
    return _check(
        _of(asset, name, f"{topology} has room for {100 * more:.0f} % more than is foretold."),
        lambda meant: judge.look_room(meant, topology, more, busy_limit, max_age),
        (engine, severity, blocking, resource_key),
    )


def build_thalweg_node_check(
    *,
    asset: Asset,
    host: str,
    min_power: float = 0.0,
    engine: str | None = None,
    name: str = "node_healthy",
    max_age: float = MAX_AGE,
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.WARN,
    blocking: bool = False,
    resource_key: str = "thalweg",
) -> dg.AssetChecksDefinition:
    """Checks that a host is part of the cluster, has slots, is not drained, and does enough."""
    return _check(
        _of(asset, name, f"{host} is part of the cluster and may be used."),
        lambda meant: judge.look_node(meant, host, min_power, max_age),
        (engine, severity, blocking, resource_key),
    )


def _of(asset: Asset, name: str, description: str) -> dict[str, Any]:
    if isinstance(asset, dg.AssetSpec):
        asset = asset.key
    return {"asset": asset, "name": name, "description": description}


def _check(
    of: dict[str, Any],
    look: Callable[[str], Steps[Verdict]],
    more: tuple[str | None, dg.AssetCheckSeverity, bool, str],
) -> dg.AssetChecksDefinition:
    engine, severity, blocking, resource_key = more

    @dg.asset_check(**of, blocking=blocking, required_resource_keys={resource_key})
    def check(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        thalweg: ThalwegResource = getattr(context.resources, resource_key)
        meant = thalweg.engine_of(engine)
        verdict = thalweg.run(look(meant))
        page = thalweg.settings.page(meant, str(verdict.data.get("topology") or ""))
        metadata = {name: value for name, value in verdict.data.items() if value is not None}
        return dg.AssetCheckResult(
            passed=verdict.met,
            severity=severity,
            description=verdict.why,
            metadata={**metadata, "dashboard": dg.MetadataValue.url(page)},
        )

    return check
