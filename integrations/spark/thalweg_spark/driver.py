"""The one place that reaches into a driver: what it runs, on what, and how it is asked for executors."""

from __future__ import annotations

import re
import time
from typing import Any

from py4j.protocol import Py4JError
from pyspark.sql import SparkSession

from thalweg_spark.errors import AgentError
from thalweg_spark.memory import Memory

#: Classes of triggers, and what they are called here.
TRIGGERS = {
    "ProcessingTimeTrigger": "processing_time",
    "OneTimeTrigger": "once",
    "AvailableNowTrigger": "available_now",
    "ContinuousTrigger": "continuous",
    "RealTimeTrigger": "real_time",
}
#: The form of what is told. Whoever does not know it must not guess.
FORM = 1


class Driver:
    """A driver with a session."""

    def __init__(self, spark: SparkSession, memory: Memory, most_executors: int | None) -> None:
        self._spark = spark
        self._memory = memory
        self._most = most_executors
        self._asked: int | None = None
        if not hasattr(spark, "_jsparkSession"):
            raise AgentError("SPARK_CONNECT", "a session of Spark Connect has no driver in its process")

    def told(self) -> dict[str, Any]:
        """All that is told of it."""
        context = self._spark.sparkContext
        return {
            "form": FORM,
            "at_ms": round(time.time() * 1000),
            "spark": context.version,
            "application": {"id": context.applicationId, "name": context.appName, "master": self._master()},
            "dynamic_allocation": self._is_dynamic(),
            "shuffle_partitions": integer(self._spark.conf.get("spark.sql.shuffle.partitions", None)),
            "executors": {
                "running": self._executors(),
                "changed_at_ms": self._changed_at(),
                "cores": integer(context.getConf().get("spark.executor.cores")),
                "asked": self._asked,
                "most": self._most,
            },
            "queries": [self._query(query) for query in self._spark.streams.active],
        }

    def ask(self, total: int) -> dict[str, Any]:
        """Asks for so many executors in all. Those that are too many are given back, the newest first."""
        if total < 1:
            raise AgentError("TOO_FEW", "a driver needs one executor at least", 400)
        if self._most is not None and total > self._most:
            raise AgentError("TOO_MANY", f"{total} executors are more than the {self._most} that were allowed")
        if self._is_dynamic():
            raise AgentError("DYNAMIC_ALLOCATION", "Spark's own dynamic allocation asks for executors here")
        if self._master() == "local":
            raise AgentError("LOCAL", "a local master has no executors of its own")
        running = sorted((one["id"] for one in self._executors()), key=newness)
        spare = running[total:]
        self._request(total)
        # From here on it holds, whatever comes of those that are too many.
        self._asked = total
        if spare:
            self._give_back(spare)
            # Spark counts what it kills off from what was requested.
            self._request(total)
        return {"total": total, "running": len(running), "given_back": spare}

    def _request(self, total: int) -> None:
        context, jvm = self._context(), self._jvm()
        try:
            taken = context.requestTotalExecutors(total, 0, jvm.PythonUtils.toScalaMap({}))
        except Py4JError as error:
            raise failed(error) from error
        if not taken:
            raise AgentError("NOT_TAKEN", "the cluster did not take the request up")

    def _give_back(self, executors: list[str]) -> None:
        context, jvm = self._context(), self._jvm()
        try:
            given = context.killExecutors(jvm.PythonUtils.toSeq(executors))
        except Py4JError as error:
            raise failed(error) from error
        if not given:
            raise AgentError("NOT_GIVEN_BACK", f"the cluster did not take back executors {', '.join(executors)}")

    def _context(self) -> Any:
        return self._spark.sparkContext._jsc.sc()

    def _jvm(self) -> Any:
        return self._spark.sparkContext._jvm

    def _master(self) -> str:
        """The kind of master, without its address."""
        master = str(self._spark.sparkContext.master)
        return re.split(r"[:\[]", master, maxsplit=1)[0]

    def _is_dynamic(self) -> bool:
        conf = self._spark.sparkContext.getConf()
        return conf.get("spark.dynamicAllocation.enabled", "false") == "true"

    def _listed(self, active: bool) -> list[Any]:
        """Executors that run, or also those that are gone."""
        executors = self._context().statusStore().executorList(active)
        found = (executors.apply(index) for index in range(executors.size()))
        return [one for one in found if one.id() != "driver"]

    def _executors(self) -> list[dict[str, Any]]:
        return [
            {"id": one.id(), "host": one.hostPort().rsplit(":", 1)[0], "cores": one.totalCores()}
            for one in self._listed(True)
        ]

    def _changed_at(self) -> int | None:
        """When an executor came or went last."""
        everyone = self._listed(False)
        times = [one.addTime().getTime() for one in everyone]
        times += [one.removeTime().get().getTime() for one in everyone if one.removeTime().isDefined()]
        return max(times, default=None)

    def _query(self, query: Any) -> dict[str, Any]:
        run = str(query.runId)
        batches, idle = self._memory.of(run)
        return {
            "id": str(query.id),
            "run_id": run,
            "name": query.name,
            **self._of_its_plan(query),
            "batches": batches,
            "idle_at_ms": idle,
        }

    @staticmethod
    def _of_its_plan(query: Any) -> dict[str, Any]:
        """What is known of its trigger and of its sources' limits. Spark has no public way to tell either."""
        told: dict[str, Any] = {"trigger": None, "interval_ms": None, "max_offsets_per_trigger": None}
        try:
            execution = query._jsq.streamingQuery()
            trigger = execution.trigger()
            name = trigger.getClass().getSimpleName().rstrip("$")
            told["trigger"] = TRIGGERS.get(name, name)
            if name == "ProcessingTimeTrigger":
                told["interval_ms"] = trigger.intervalMs()
            told["max_offsets_per_trigger"] = most_offsets(execution.analyzedPlan().collectLeaves())
        except (Py4JError, AttributeError):
            # Another Spark may have it elsewhere.
            pass
        return told


def most_offsets(leaves: Any) -> int | None:
    """The sum of the limits of all sources, if each has one."""
    limits = []
    for index in range(leaves.size()):
        options = getattr(leaves.apply(index), "extraOptions", None)
        limits.append(integer(options().get("maxOffsetsPerTrigger")) if options else None)
    known = [limit for limit in limits if limit is not None]
    return sum(known) if known and len(known) == len(limits) else None


def failed(error: Py4JError) -> AgentError:
    """What Spark says, in a line."""
    return AgentError("SPARK_FAILED", str(error).splitlines()[0][:200], 502)


def newness(executor: str) -> tuple[int, str]:
    """Executors in the order in which they came."""
    return (int(executor), "") if executor.isdigit() else (0, executor)


def integer(text: str | None) -> int | None:
    """A whole number of a configuration."""
    return int(text) if text is not None and text.isdigit() else None
