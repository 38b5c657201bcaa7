"""Tasks whose failures wait until their cause has passed, if Thalweg knows it, and are then tried again."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from airflow.providers.common.compat import sdk
from airflow.providers.common.compat.sdk import AirflowException

from airflow_providers_thalweg.hooks.thalweg import ThalwegHook
from airflow_providers_thalweg.operators.thalweg import data_of
from airflow_providers_thalweg.triggers.placement import ThalwegCauseTrigger
from thalweg_client import SettingError, ThalwegError
from thalweg_client.causes import ALL, MIN_POWER, Retry, Watch, look_cause, retry

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseOperator, Context

T = TypeVar("T")

#: Ends of a task that are no failures, or that say themselves that no second try is of use. Some are Airflow 3's only.
_OTHER_ENDS = (
    "AirflowSkipException",
    "AirflowFailException",
    "AirflowSensorTimeout",
    "AirflowRescheduleException",
    "DownstreamTasksSkipped",
    "DagRunTriggerException",
)


@dataclass(frozen=True)
class Patience:
    """What a failed task waits for.

    :param topology: The topology that the task needs, by its name or id; the engine alone if absent.
    :param engine: The engine; the one in the connection's extra unless it is named.
    :param thalweg_conn_id: The connection. Its token needs no role but ``reader``.
    :param limit: Seconds that a try may wait altogether.
    :param kinds: The kinds of causes that count.
    :param min_power: The share of the ablest node's power below which a node counts as failing.
    :param poll_interval: Seconds between two questions.
    """

    topology: str | None = None
    engine: str | None = None
    thalweg_conn_id: str = ThalwegHook.default_conn_name
    limit: float = 3600.0
    kinds: Sequence[str] = ALL
    min_power: float = MIN_POWER
    poll_interval: float = 10.0


def patient(task: T, **given: Any) -> T:
    """Has a task's failures wait for their cause to pass, without spending a retry.

    A failure for which Thalweg knows a cause defers the task until that has passed, and the same try begins again.
    Where it knows none, cannot be asked, or the limit is reached, the failure counts as any other, and the log says so.

    :param task: An operator, or what a function with ``@task`` has come to. What is expanded is none.
    :param given: What :class:`Patience` takes.
    """
    operator: Any = getattr(task, "operator", task)
    if not hasattr(operator, "resume_execution"):
        raise SettingError(f"patient: {type(operator).__name__} is no operator that runs by itself")
    kind = type(operator)
    # Airflow knows classes by their names, which stay as they are.
    make: Any = type(kind)
    operator.__class__ = make(kind.__name__, (_Patient, kind), {"__module__": kind.__module__})
    operator.thalweg_patience = Patience(**given)
    return task


if TYPE_CHECKING:
    _Base = BaseOperator
else:
    _Base = object


class _Patient(_Base):
    """Stands before an operator's own class."""

    thalweg_patience: Patience

    def execute(self, context: Context, event: Mapping[str, Any] | None = None, **kwargs: Any) -> Any:
        """Runs the task, for the first time or once more after a wait."""
        since = None
        if event is not None:
            since = _since(event)
            self.log.info("tried again: %s", event["why"])
            kwargs = kwargs or _sentinel(type(self).__name__)
        try:
            return super().execute(context, **kwargs)
        except Exception as failure:
            self._wait(failure, since)
            raise

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Goes on after a trigger: the operator's own, or the one that a cause was waited for with."""
        if next_method == "execute":
            return super().resume_execution(next_method, next_kwargs, context)
        try:
            return super().resume_execution(next_method, next_kwargs, context)
        except Exception as failure:
            self._wait(failure, None)
            raise

    def _wait(self, failure: Exception, since: float | None) -> None:
        """Defers the task, unless the failure counts as any other."""
        if isinstance(failure, _other_ends()):
            return
        patience, since = self.thalweg_patience, since or time.time()
        hook = ThalwegHook(patience.thalweg_conn_id)
        try:
            engine = hook.engine(patience.engine)
            decided = self._decided(hook, engine, time.time() - since)
        except (ThalwegError, AirflowException) as error:
            self.log.warning("whether the cause will pass is not known, so this failure counts as any other: %s", error)
            return
        if not decided.waits:
            self.log.info("%s", decided.why)
            return
        self.log.warning("%s", decided.why, exc_info=failure)
        self.defer(
            trigger=ThalwegCauseTrigger(
                thalweg_conn_id=patience.thalweg_conn_id,
                poll_interval=patience.poll_interval,
                engine=engine,
                topology=patience.topology,
                kinds=[str(kind) for kind in patience.kinds],
                min_power=patience.min_power,
                since=since,
                until=since + patience.limit,
                error=f"{type(failure).__name__}: {failure}",
            ),
            method_name="execute",
        )

    def _decided(self, hook: ThalwegHook, engine: str, waited: float) -> Retry:
        patience = self.thalweg_patience
        watch = Watch(patience.kinds, patience.min_power)
        with hook.get_conn() as client:
            known = client.run(look_cause(engine, patience.topology, watch))
        return retry(known, waited, int(time.time() * 1000), patience.limit, patience.poll_interval)


def _since(event: Mapping[str, Any]) -> float:
    """When the try failed first.

    :raises AirflowException: with the error of that time, where the cause did not pass in time.
    """
    told = data_of(event)
    if not told["passed"]:
        raise AirflowException(f"{told['error']}; waited in vain: {event.get('why')}")
    return float(told["since"])


def _other_ends() -> tuple[type[BaseException], ...]:
    return tuple(getattr(sdk, name) for name in _OTHER_ENDS if hasattr(sdk, name))


def _sentinel(name: str) -> dict[str, Any]:
    """What Airflow 3 gives ``execute``, to know that no other task calls it. Airflow 2 gives it here by itself."""
    try:
        from airflow.sdk.bases.operator import ExecutorSafeguard
    except ImportError:
        return {}
    return {f"{name}__sentinel": ExecutorSafeguard.sentinel_value}
