"""Topologies as assets, by a file for ``dg``."""

from collections.abc import Sequence
from typing import Any

from pydantic import Field

import dagster as dg
from dagster_thalweg.checks import build_thalweg_lag_check, build_thalweg_stable_check
from dagster_thalweg.resource import ThalwegResource
from dagster_thalweg.sensors import build_thalweg_observation_sensor


class WatchedTopology(dg.Model, dg.Resolvable):
    """A topology, and what is asked of it."""

    name: str = Field(description="Its name or id")
    key: str | None = Field(default=None, description="The key of its asset, with slashes; its name if absent")
    description: str | None = Field(default=None, description="What it makes")
    deps: list[str] = Field(default=[], description="The keys of assets that it reads, with slashes")
    lag_below: int | None = Field(default=None, description="Records that may wait before it, as a check")
    stable_for: float | None = Field(default=None, description="Seconds for which nothing was changed, as a check")

    @property
    def asset_key(self) -> dg.AssetKey:
        """The key of its asset."""
        return dg.AssetKey((self.key or self.name).split("/"))


class ThalwegComponent(dg.Component, dg.Model, dg.Resolvable):
    """Topologies of an engine as external assets, with checks and a sensor that observes them."""

    address: str = Field(description="Where the server is: https://host:port")
    token_variable: str | None = Field(
        default="THALWEG_TOKEN", description="The variable of the environment that holds the token; null for none"
    )
    engine: str = Field(description="The engine")
    authorities: str = Field(default="", description="A file with the authorities that sign the server's certificate")
    dashboard: str = Field(default="", description="Where people find the dashboard, if not at the address")
    topologies: Sequence[WatchedTopology] = Field(description="The topologies")
    group_name: str | None = Field(default=None, description="The group of their assets")
    observe_seconds: int = Field(default=60, gt=0, description="Seconds between two observations")
    resource_key: str = Field(default="thalweg", description="The resource's key; another one for a second server")

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """Assets, checks, the sensor and the resource."""
        specs = [self._asset(topology) for topology in self.topologies]
        sensor = build_thalweg_observation_sensor(
            name=f"observe_{self.resource_key}_{_word(self.engine)}",
            topologies={topology.name: topology.asset_key for topology in self.topologies},
            engine=self.engine,
            minimum_interval_seconds=self.observe_seconds,
            resource_key=self.resource_key,
        )
        return dg.Definitions(
            assets=specs,
            asset_checks=[check for topology in self.topologies for check in self._checks(topology)],
            sensors=[sensor],
            resources={self.resource_key: self._resource()},
        )

    def _resource(self) -> ThalwegResource:
        token: Any = dg.EnvVar(self.token_variable) if self.token_variable else ""
        return ThalwegResource(
            address=self.address,
            token=token,
            engine=self.engine,
            authorities=self.authorities,
            dashboard=self.dashboard,
        )

    def _asset(self, topology: WatchedTopology) -> dg.AssetSpec:
        return dg.AssetSpec(
            key=topology.asset_key,
            deps=[dg.AssetKey(key.split("/")) for key in topology.deps],
            description=topology.description,
            group_name=self.group_name,
            kinds={"thalweg"},
            metadata={"thalweg/engine": self.engine, "thalweg/topology": topology.name},
        )

    def _checks(self, topology: WatchedTopology) -> list[dg.AssetChecksDefinition]:
        common: dict[str, Any] = {
            "asset": topology.asset_key,
            "topology": topology.name,
            "engine": self.engine,
            "resource_key": self.resource_key,
        }
        checks = []
        if topology.lag_below is not None:
            checks.append(build_thalweg_lag_check(objective=topology.lag_below, **common))
        if topology.stable_for is not None:
            checks.append(build_thalweg_stable_check(quiet_for=topology.stable_for, **common))
        return checks


def _word(name: str) -> str:
    return "".join(character if character.isalnum() else "_" for character in name)
