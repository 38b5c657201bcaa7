"""What the document of the interface allows to be told is read."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from thalweg_client import Engine, Plan, Record, Topology
from thalweg_client.model import Fields, Me
from thalweg_testing.stand import ROOT

SCHEMAS: dict[str, Any] = json.loads((ROOT / "docs/reference/openapi.json").read_text())["components"]["schemas"]
OF_KIND: dict[str, Any] = {"string": "x", "integer": 1, "number": 0.5, "boolean": True}


def least(schema: dict[str, Any], nulls: bool) -> Any:
    """The least that a schema allows: what may be absent is so, or it is null."""
    if "$ref" in schema:
        return least(SCHEMAS[schema["$ref"].rpartition("/")[2]], nulls)
    if "enum" in schema:
        return schema["enum"][0]
    if "oneOf" in schema:
        return least(schema["oneOf"][0], nulls)
    if schema["type"] == "array":
        return [least(schema["items"], nulls)] if "items" in schema else []
    if isinstance(schema["type"], list):
        return None if nulls else OF_KIND[schema["type"][0]]
    if schema["type"] != "object":
        return OF_KIND[schema["type"]]
    properties, required = schema.get("properties", {}), schema.get("required", [])
    told = {name: least(properties[name], nulls) for name in required}
    return told | {name: None for name in properties if nulls and name not in required}


@pytest.mark.parametrize("nulls", [False, True])
@pytest.mark.parametrize(
    ("schema", "read"),
    [
        ("EngineShown", Engine.read),
        ("TopologyShown", Topology.read),
        ("PlanView", Plan.read),
        ("Record", Record.read),
        ("Me", Me.read),
    ],
)
def test_what_may_be_absent_may_be_absent(schema: str, read: Callable[[Fields], object], nulls: bool) -> None:
    assert read(Fields(least(SCHEMAS[schema], nulls), schema))


def test_what_was_not_measured_is_not_zero() -> None:
    topology = Topology.read(Fields(least(SCHEMAS["TopologyShown"], nulls=True), "topology"))
    assert (topology.summary.throughput, topology.summary.busy, topology.summary.latency) == (None, None, None)
    assert [component.busy for component in topology.components] == [None]
