"""The command before a real Spark: a query that is behind, what it would take, and what it gets."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from thalweg_spark_tests.standalone import Standalone, standalone, until

ROOT = Path(__file__).resolve().parents[3]
#: Windows of a test that has no quarters of an hour.
QUICK = {
    "thalweg.metrics.window.secs": 15,
    "thalweg.metrics.settle.secs": 2,
    "thalweg.monitor.interval.secs": 1,
    "thalweg.scaling.up.delay.secs": 1,
}


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standalone]:
    """A query that asks more than its one executor can do; the cluster has room for two more."""
    with standalone(tmp_path_factory.mktemp("behind"), "interval") as running:
        until(running.queries, lambda told: any(one["batches"] for one in told["queries"]))
        assert running.executors(1)[0] == 200
        until(running.queries, lambda told: len(told["executors"]["running"]) == 1)
        yield running


def command(spark: Standalone, *words: str) -> list[str]:
    """Calls the command of the same build; ``scripts/test.sh --integrations`` builds it."""
    named = os.environ.get("THALWEG_COMMAND")
    binary = named or str(ROOT / "target" / "debug" / "thalweg")
    quick = [word for key, value in QUICK.items() for word in ("--set", f"{key}={value}")]
    return [binary, *words, f"http://{spark.address}", "--token-file", str(spark.token_file), *quick]


def test_a_query_that_is_behind_is_seen_and_gets_what_it_takes(behind: Standalone, tmp_path: Path) -> None:
    asked = command(behind, "advise", "spark")
    advised = subprocess.run([*asked, "--once-settled", "--for", "600s", "--json"], capture_output=True, text=True)
    assert advised.returncode == 0, advised.stderr + advised.stdout
    *_, advice, summary = (json.loads(line) for line in advised.stdout.splitlines())
    (change,) = advice["changes"]
    assert change["component"] == "query"
    assert (change["executors"], change["desired"]) in [(1, 2), (1, 3)]
    query, source = advice["components"]
    assert query["busy"] > 0.9
    assert source["rate"] > query["rate"]
    assert summary["summary"]["version"].startswith("4.")
    assert behind.queries()["executors"]["asked"] == 1, "advice asks for nothing"

    folder = tmp_path / "run"
    log = tmp_path / "run.log"
    with log.open("wb") as said:
        run = subprocess.Popen([*command(behind, "run", "spark"), "--dir", str(folder), "--mode", "act"], stderr=said)
    try:
        told = until(behind.queries, lambda told: len(told["executors"]["running"]) > 1)
        assert told["executors"]["asked"] in (2, 3)
        ended = until(lambda: last_plan(folder), lambda plan: plan is not None)
        assert ended is not None
        assert (ended["how"], ended.get("code")) == ("request_executors", None), log.read_text()
    finally:
        run.terminate()
        run.wait(30)
    behind.stop.touch()


def last_plan(folder: Path) -> dict[str, Any] | None:
    """How the last plan ended."""
    status = folder / "status.json"
    ended = json.loads(status.read_text()).get("ended", []) if status.exists() else []
    return ended[-1] if ended else None
