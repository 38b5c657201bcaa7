"""What ops tell a server that takes OpenLineage."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from dagster_thalweg import thalweg_pause, thalweg_scale
from thalweg_client.lineage import FACET
from thalweg_testing import failing
from thalweg_testing.failing import nowhere
from thalweg_testing.stand import TOPOLOGY, Stand

from .test_ops import more, ran, resource


@contextmanager
def taking() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A server that takes events, and those that it was given."""
    told: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(201)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with failing.serving(Handler) as address:
        yield address, told


def test_an_order_is_told_at_its_begin_and_its_end(served: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    with taking() as (address, told):
        monkeypatch.setenv("OPENLINEAGE_URL", address)
        assert ran(thalweg_scale, resource(served), **more()).success
        refused = ran(thalweg_scale, resource(served), **more(counts={"split": 1000}))
        assert not refused.success
    assert [one["eventType"] for one in told] == ["START", "COMPLETE", "START", "FAIL"]
    begin, end = told[:2]
    assert begin["run"]["runId"] == end["run"]["runId"]
    assert end["job"] == {"namespace": "dagster", "name": "job_of_thalweg_scale.thalweg_scale", "facets": {}}
    facet = end["run"]["facets"][FACET]
    assert (facet["act"], facet["of"], facet["outcome"]) == ("scale", TOPOLOGY, "done")
    assert served.tokens["operator"] not in json.dumps(told)


def test_a_server_that_takes_nothing_stops_nothing(served: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENLINEAGE_URL", nowhere())
    assert ran(thalweg_pause, resource(served), topology=TOPOLOGY, until="2100-01-01T00:00:00+00:00").success
