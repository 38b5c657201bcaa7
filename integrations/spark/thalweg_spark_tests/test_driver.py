"""What a driver is asked for, and in which order."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from py4j.protocol import Py4JError
from pyspark.sql import SparkSession

from thalweg_spark.driver import Driver
from thalweg_spark.errors import AgentError
from thalweg_spark.memory import Memory


class Context:
    """A context of Spark that is none: it counts as Spark does what is requested, and has three executors."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []
        self.target = 3
        #: Answers to requests, in their order; then all are taken.
        self.answers: list[bool | Py4JError] = []
        self.gives: bool | Py4JError = True

    def requestTotalExecutors(self, total: int, local: int, hosts: Any) -> bool:  # noqa: N802
        self.calls.append(("request", total))
        answer = self.answers.pop(0) if self.answers else True
        if isinstance(answer, Py4JError):
            raise answer
        self.target = total if answer else self.target
        return answer

    def killExecutors(self, ids: list[str]) -> bool:  # noqa: N802
        self.calls.append(("kill", ids))
        if isinstance(self.gives, Py4JError):
            raise self.gives
        self.target -= len(ids) if self.gives else 0
        return self.gives

    def statusStore(self) -> Any:  # noqa: N802
        listed = [SimpleNamespace(id=lambda id=id: id, hostPort=lambda: "h:1", totalCores=lambda: 1) for id in "012"]
        executors = SimpleNamespace(size=lambda: len(listed), apply=lambda index: listed[index])
        return SimpleNamespace(executorList=lambda active: executors)


@pytest.fixture
def context() -> Context:
    return Context()


@pytest.fixture
def driver(context: Context) -> Driver:
    utils = SimpleNamespace(toSeq=lambda ids: ids, toScalaMap=lambda hosts: hosts)
    spark_context = SimpleNamespace(
        master="spark://h:7077",
        getConf=lambda: {},
        _jsc=SimpleNamespace(sc=lambda: context),
        _jvm=SimpleNamespace(PythonUtils=utils),
    )
    session = SimpleNamespace(_jsparkSession=None, sparkContext=spark_context)
    return Driver(cast("SparkSession", session), Memory(), None)


def test_executors_are_given_back_once_the_total_is_taken_and_the_total_holds_after(
    driver: Driver, context: Context
) -> None:
    assert driver.ask(1) == {"total": 1, "running": 3, "given_back": ["1", "2"]}
    assert context.calls == [("request", 1), ("kill", ["1", "2"]), ("request", 1)]
    assert context.target == 1, "what is killed does not count twice"
    driver.ask(4)
    assert context.calls[3:] == [("request", 4)]


@pytest.mark.parametrize(("answer", "code"), [(False, "NOT_TAKEN"), (Py4JError("no"), "SPARK_FAILED")])
def test_where_the_total_is_not_taken_no_executor_goes(
    driver: Driver, context: Context, answer: bool | Py4JError, code: str
) -> None:
    context.answers = [answer]
    with pytest.raises(AgentError) as refused:
        driver.ask(1)
    assert (refused.value.code, context.calls, driver._asked) == (code, [("request", 1)], None)


@pytest.mark.parametrize(("answer", "code"), [(False, "NOT_GIVEN_BACK"), (Py4JError("no"), "SPARK_FAILED")])
def test_executors_that_are_not_taken_back_are_told_of_and_the_total_stands(
    driver: Driver, context: Context, answer: bool | Py4JError, code: str
) -> None:
    context.gives = answer
    with pytest.raises(AgentError) as refused:
        driver.ask(1)
    assert refused.value.code == code
    assert driver._asked == 1, "so whoever asked for it takes it back"


def test_a_total_that_fails_once_executors_are_gone_can_still_be_taken_back(driver: Driver, context: Context) -> None:
    context.answers = [True, False]
    with pytest.raises(AgentError) as refused:
        driver.ask(1)
    assert (refused.value.code, driver._asked) == ("NOT_TAKEN", 1)
