"""Thalweg, an elastic scheduler for Apache Storm and Apache Flink, in Dagster."""

from dagster_shared.libraries import DagsterLibraryRegistry

from dagster_thalweg.checks import (
    build_thalweg_lag_check,
    build_thalweg_node_check,
    build_thalweg_room_check,
    build_thalweg_stable_check,
)
from dagster_thalweg.component import ThalwegComponent, WatchedTopology
from dagster_thalweg.ops import (
    DrainConfig,
    HostConfig,
    PauseConfig,
    ScaleConfig,
    ScopeConfig,
    StableConfig,
    thalweg_drain,
    thalweg_pause,
    thalweg_resume,
    thalweg_scale,
    thalweg_undrain,
    thalweg_wait_until_stable,
)
from dagster_thalweg.patience import thalweg_patience
from dagster_thalweg.peaks import build_thalweg_peaks_sensor
from dagster_thalweg.placement import PlacementConfig, build_thalweg_placement_op
from dagster_thalweg.resource import ThalwegResource
from dagster_thalweg.schedules import build_thalweg_schedule
from dagster_thalweg.sensors import (
    build_thalweg_lag_sensor,
    build_thalweg_observation_sensor,
    build_thalweg_record_sensor,
)
from dagster_thalweg.version import __version__

__all__ = [
    "DrainConfig",
    "HostConfig",
    "PauseConfig",
    "PlacementConfig",
    "ScaleConfig",
    "ScopeConfig",
    "StableConfig",
    "ThalwegComponent",
    "ThalwegResource",
    "WatchedTopology",
    "__version__",
    "build_thalweg_lag_check",
    "build_thalweg_lag_sensor",
    "build_thalweg_node_check",
    "build_thalweg_observation_sensor",
    "build_thalweg_peaks_sensor",
    "build_thalweg_placement_op",
    "build_thalweg_record_sensor",
    "build_thalweg_room_check",
    "build_thalweg_schedule",
    "build_thalweg_stable_check",
    "thalweg_drain",
    "thalweg_patience",
    "thalweg_pause",
    "thalweg_resume",
    "thalweg_scale",
    "thalweg_undrain",
    "thalweg_wait_until_stable",
]

DagsterLibraryRegistry.register("dagster-thalweg", __version__, is_dagster_package=False)
