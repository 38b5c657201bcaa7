"""Records of the ledger as OpenLineage events: by hand, and of a real engine to a server that takes them."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files
from typing import Any
from uuid import UUID

import pytest

from thalweg_client import Record, Unreachable, steps
from thalweg_client.lineage import FACET, SCHEMA, Told, event, events_of, facet, main, run_id, send
from thalweg_testing.failing import Answer, answering, nowhere
from thalweg_testing.stand import ENGINE, TOPOLOGY, Stand

NOW = 1_800_000_000_000


def record(kind: str, result: str, **given: Any) -> Record:
    fields = {"seq": 7, "who": "ann", "text": "the sale begins [ref-1]", "plan": None, **given}
    return Record(engine="storm", at=NOW, kind=kind, topology="words-1", name="words", result=result, **fields)


@pytest.mark.parametrize(
    ("of", "kind", "outcome"),
    [
        (record("order", "waiting"), "START", ""),
        (record("order", "acting"), "RUNNING", "acting"),
        (record("order", "done"), "COMPLETE", "done"),
        (record("order", "expired"), "FAIL", "expired"),
        (record("order", "cancelled"), "ABORT", "cancelled"),
        (record("decision", "act", plan="p1"), "START", ""),
        (record("action", "finished", plan="p1"), "COMPLETE", "finished"),
        (record("action", "given up", plan="p1"), "FAIL", "given up"),
        (record("outcome", "helped", plan="p1"), "OTHER", "helped"),
    ],
)
def test_a_record_is_an_event_of_a_run(of: Record, kind: str, outcome: str) -> None:
    (made,) = events_of([of])
    assert (made["eventType"], made["eventTime"]) == (kind, "2027-01-15T08:00:00.000+00:00")
    assert made["job"]["namespace"] == "thalweg://storm"
    assert made["job"]["name"] == ("words.order" if of.kind == "order" else "words.action")
    told = made["run"]["facets"][FACET]
    assert (told["outcome"], told["reason"], told["record"]) == (outcome, of.text, 7)
    valid(made)


def test_all_that_is_of_one_order_or_plan_is_one_run() -> None:
    order = events_of([record("order", "waiting"), record("order", "acting", plan="p1"), record("order", "done")])
    assert len({one["run"]["runId"] for one in order}) == 1
    plan = events_of([record("decision", "act", plan="p1"), record("action", "finished", plan="p1", text="moved")])
    assert len({one["run"]["runId"] for one in plan}) == 1
    assert plan[0]["run"]["runId"] != order[0]["run"]["runId"]
    UUID(plan[0]["run"]["runId"])


def test_two_orders_with_the_same_reason_are_two_runs() -> None:
    one = [record("order", "waiting", order="o4-1"), record("order", "done", order="o4-1", text="it is done")]
    other = [record("order", "waiting", order="o4-2"), record("order", "done", order="o4-2")]
    assert len({of["run"]["runId"] for of in events_of(one)}) == 1
    assert len({of["run"]["runId"] for of in events_of(one + other)}) == 2
    # By the time at which it was given where a server tells no ids.
    later = replace(record("order", "waiting"), at=NOW + 1)
    assert len({of["run"]["runId"] for of in events_of([record("order", "waiting"), later])}) == 2


def test_what_is_of_no_run_is_no_event() -> None:
    others = [record("decision", "hold"), record("operator", ""), record("config", ""), record("order", "unheard")]
    assert events_of(others) == []


def valid(made: dict[str, Any]) -> None:
    """Fails unless OpenLineage's own classes and the schema of the facet take an event."""
    from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
    from openlineage.client.event_v2 import Job, Run, RunEvent, RunState

    schema = json.loads((files("thalweg_client") / "schemas" / "ThalwegRunFacet.json").read_text())
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(made["run"]["facets"][FACET])
    RunEvent(
        eventType=RunState[made["eventType"]],
        eventTime=made["eventTime"],
        run=Run(made["run"]["runId"]),
        job=Job(made["job"]["namespace"], made["job"]["name"]),
        producer=made["producer"],
    )
    assert RunEvent._get_schema() == made["schemaURL"]


def test_the_facet_says_what_is_known() -> None:
    told = facet(Told("placement", "storm", "it is full", "smaller", of="words", measured=0.9, limit=0.8))
    assert told["_schemaURL"] == SCHEMA
    assert "who" not in told
    valid(event("COMPLETE", NOW, run_id("a"), ("airflow", "d.place"), Told("scale", "storm", "why")))


def test_a_ledger_is_told_to_a_server_and_a_file(
    served: Stand, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    served.run(steps.scale(ENGINE, TOPOLOGY, {"counts": {"split": 4}}, "ref-1", "the sale"))
    served.until(lambda: steps.records(ENGINE, 0, None, "order"), lambda found: "done" in [one.result for one in found])
    served.until(lambda: steps.records(ENGINE, 0, None, "action"), lambda found: len(found) > 0)
    monkeypatch.setenv("THALWEG_TOKEN", served.tokens["reader"])
    words = ["--address", served.address, "--engine", ENGINE]
    assert main(words) == 0
    shown = capsys.readouterr()
    events = [json.loads(line) for line in shown.out.splitlines()]
    for one in events:
        valid(one)
    kinds = [(one["job"]["name"], one["eventType"]) for one in events]
    assert ("words.order", "START") in kinds
    assert ("words.order", "COMPLETE") in kinds
    assert ("words.action", "COMPLETE") in kinds
    assert "the last record is" in shown.err
    with answering(lambda _m, _p: Answer(201, {})) as taker:
        assert main([*words, "--to", taker.address]) == 0
        assert taker.asked == ["POST /api/v1/lineage"] * len(events)
    assert main([*words, "--to", nowhere()]) == 1
    assert served.tokens["reader"] not in capsys.readouterr().err


def test_a_server_that_does_not_take_an_event_is_told() -> None:
    with answering(lambda _m, _p: Answer(400, {})) as server, pytest.raises(Unreachable, match="400"):
        send(server.address, [{}])
