"""Against a real Spark: a Master, a Worker and a driver of the wheel that is installed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from thalweg_spark_tests.driver import ROOT
from thalweg_spark_tests.standalone import Standalone, said, standalone, until


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standalone]:
    with standalone(tmp_path_factory.mktemp("spark"), "interval") as running:
        yield running


def ids(told: dict[str, Any]) -> list[str]:
    return sorted(one["id"] for one in told["executors"]["running"])


def test_the_port_that_spark_opens_for_listeners_is_named_and_asks_for_no_token(spark: Standalone) -> None:
    assert said(spark.log, r"callback at (.+)") == "127.0.0.1, for everybody"
    for page in ("docs/operating/spark.md", "integrations/spark/README.md", "SECURITY.md"):
        assert "Py4J" in (ROOT / page).read_text(), page


def test_a_query_is_told_of_and_executors_come_and_go(spark: Standalone) -> None:
    told = until(spark.queries, lambda told: any(len(one["batches"]) > 1 for one in told["queries"]))
    (query,) = told["queries"]
    assert (query["name"], query["trigger"], query["interval_ms"]) == ("words", "processing_time", 2000)
    assert query["max_offsets_per_trigger"] is None
    assert (told["dynamic_allocation"], told["shuffle_partitions"]) == (False, 6)
    assert told["application"]["master"] == "spark"
    batch = query["batches"][-1]
    assert batch["took_ms"] > 0
    assert batch["sources"][0]["behind"] == 0
    assert batch["state"]["partitions"] == 6
    assert len(ids(told)) == 3
    assert told["executors"]["running"][0]["host"] == "127.0.0.1"

    status, asked = spark.executors(1)
    assert (status, asked["given_back"]) == (200, ["1", "2"])
    until(spark.queries, lambda told: ids(told) == ["0"])
    assert spark.executors(0)[1]["code"] == "TOO_FEW"
    assert spark.executors(4)[1]["code"] == "TOO_MANY"
    assert spark.executors(2)[0] == 200
    before = spark.queries()["executors"]["changed_at_ms"]
    told = until(spark.queries, lambda told: ids(told) == ["0", "3"])
    assert told["executors"].pop("changed_at_ms") > before > batch["at_ms"]
    assert told["executors"] | {"running": []} == {"running": [], "cores": 1, "asked": 2, "most": 3}

    spark.stop.touch()
