"""What is asked of Thalweg and done by it as OpenLineage events, with a facet of reason and outcome.

The functions that make events are pure. ``python -m thalweg_client.lineage --address URL --engine NAME`` makes them of
an engine's ledger, as JSON lines or, with ``--to``, for a server that takes OpenLineage. The token is in
``THALWEG_TOKEN``.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, Literal
from uuid import NAMESPACE_URL, uuid5

import httpx

from thalweg_client import steps
from thalweg_client.client import Client
from thalweg_client.errors import ThalwegError, Unreachable
from thalweg_client.model import Record
from thalweg_client.settings import Settings

#: The schema of the facet, which lies beside this file.
SCHEMA = "urn:thalweg:openlineage:1-0-0:ThalwegRunFacet"
PRODUCER = f"urn:thalweg:client:{version('thalweg-client')}"
EVENT = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
#: The name of the facet among a run's.
FACET = "thalweg"

EventType = Literal["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"]

#: What a record's result makes of the run that it is of.
_TYPES: dict[str, dict[str, EventType]] = {
    "order": {
        "waiting": "START",
        "proposed": "RUNNING",
        "acting": "RUNNING",
        "done": "COMPLETE",
        "failed": "FAIL",
        "refused": "FAIL",
        "expired": "FAIL",
        "replaced": "ABORT",
        "cancelled": "ABORT",
    },
    "decision": {"act": "START"},
    "action": {"finished": "COMPLETE", "given up": "FAIL"},
    # What is found out once a run is over.
    "outcome": {"helped": "OTHER", "did not help": "OTHER"},
}


@dataclass(frozen=True)
class Told:
    """What the facet tells."""

    act: str
    engine: str
    reason: str
    outcome: str = ""
    of: str | None = None
    measured: float | None = None
    limit: float | None = None
    who: str | None = None
    plan: str | None = None
    record: int | None = None

    def fields(self) -> dict[str, Any]:
        """What is known of it."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__ if getattr(self, name) is not None}


def facet(told: Told) -> dict[str, Any]:
    """The facet as OpenLineage has facets."""
    return {"_producer": PRODUCER, "_schemaURL": SCHEMA, **told.fields()}


def run_id(*of: str) -> str:
    """The id of a run, the same each time for the same."""
    return str(uuid5(NAMESPACE_URL, "urn:thalweg:run:" + json.dumps(of)))


def event(kind: EventType, at: int, run: str, job: tuple[str, str], told: Told) -> dict[str, Any]:
    """An event of a run.

    :param at: When, in ms since 1970.
    :param job: Namespace and name of the job.
    """
    namespace, name = job
    return {
        "eventType": kind,
        "eventTime": datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds"),
        "run": {"runId": run, "facets": {FACET: facet(told)}},
        "job": {"namespace": namespace, "name": name, "facets": {}},
        "inputs": [],
        "outputs": [],
        "producer": PRODUCER,
        "schemaURL": EVENT,
    }


def events_of(records: Iterable[Record]) -> list[dict[str, Any]]:
    """The events of an engine's own actions, and of orders to it. Other records are of no run."""
    found = []
    for record in records:
        kind = _TYPES.get(record.kind, {}).get(record.result)
        if kind is None or (record.kind == "decision" and record.plan is None):
            continue
        told = Told(
            act=record.kind,
            engine=record.engine,
            reason=record.text,
            outcome="" if kind == "START" else record.result,
            of=record.name or record.topology,
            who=record.who or None,
            plan=record.plan,
            record=record.seq,
        )
        # An order is told by its id, everything else by the plan.
        job = "order" if record.kind == "order" else "action"
        of = _order_of(record) if job == "order" else (record.plan or "",)
        run = run_id(record.engine, record.topology, job, *of)
        found.append(event(kind, record.at, run, (f"thalweg://{record.engine}", f"{told.of}.{job}"), told))
    return found


def _order_of(record: Record) -> tuple[str, ...]:
    # A server that tells no ids yet tells when an order was given, the same with each of its records.
    return (record.order,) if record.order else (str(record.at), record.text)


def send(url: str, events: Sequence[dict[str, Any]], key: str = "", timeout: float = 10.0) -> None:
    """Gives events to a server that takes OpenLineage over HTTP.

    :raises Unreachable: where it does not take one of them.
    """
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        with httpx.Client(timeout=timeout, headers=headers, trust_env=False) as client:
            for one in events:
                client.post(f"{url.rstrip('/')}/api/v1/lineage", json=one).raise_for_status()
    except httpx.HTTPError as error:
        raise Unreachable(f"OpenLineage at {url}: {error}") from None


def main(words: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m thalweg_client.lineage", description=__doc__)
    parser.add_argument("--address", required=True, help="where thalweg serve is")
    parser.add_argument("--engine", required=True, help="the engine")
    parser.add_argument("--authorities", default="", help="a file with the authorities that sign its certificate")
    parser.add_argument("--after", type=int, default=0, help="records after this number of the ledger only")
    parser.add_argument("--to", default="", help="a server that takes OpenLineage; its key is in OPENLINEAGE_API_KEY")
    given = parser.parse_args(words)
    try:
        settings = Settings(given.address, os.environ.get("THALWEG_TOKEN", ""), verify=given.authorities or True)
        with Client(settings) as client:
            records = client.run(steps.records(given.engine, given.after))
        events = events_of(records)
        if given.to:
            send(given.to, events, os.environ.get("OPENLINEAGE_API_KEY", ""))
        else:
            for one in events:
                sys.stdout.write(json.dumps(one) + "\n")
    except ThalwegError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    last = max((record.seq for record in records), default=given.after)
    sys.stderr.write(f"{len(events)} events; the last record is {last}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
