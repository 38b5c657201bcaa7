"""Waits for what Thalweg tells, in a worker or in the triggerer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.common.compat.sdk import BaseSensorOperator, PokeReturnValue

from airflow_providers_thalweg.hooks.thalweg import ThalwegHook, airflow_error
from airflow_providers_thalweg.lineage import Lineage
from airflow_providers_thalweg.links.thalweg import ThalwegLink, leave
from airflow_providers_thalweg.operators.thalweg import data_of, default_deferrable
from airflow_providers_thalweg.triggers.thalweg import (
    ThalwegLagTrigger,
    ThalwegNodeTrigger,
    ThalwegRoomTrigger,
    ThalwegStableTrigger,
    ThalwegTrigger,
)
from thalweg_client import SettingError, ThalwegError, Verdict, judge
from thalweg_client.judge import BUSY_LIMIT, MAX_AGE
from thalweg_client.steps import Steps

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


class ThalwegSensor(Lineage, BaseSensorOperator):
    """What all sensors have in common. Its value is what was seen in the end, as JSON.

    A server that is down or slow is asked again until the sensor's own ``timeout``; what no second question makes
    better fails.

    :param engine: The engine; the one in the connection's extra unless it is named.
    :param thalweg_conn_id: The connection. Its token needs no role but ``reader``.
    :param deferrable: Whether it waits in the triggerer.
    :param max_age: Seconds after which what an engine said counts no more.
    """

    template_fields: Sequence[str] = ("engine", "thalweg_conn_id")
    operator_extra_links: ClassVar[tuple[ThalwegLink, ...]] = (ThalwegLink(),)  # type: ignore[misc]
    ui_color = "#d7e9f7"

    def __init__(
        self,
        *,
        engine: str | None = None,
        thalweg_conn_id: str = ThalwegHook.default_conn_name,
        deferrable: bool | None = None,
        max_age: float = MAX_AGE,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.engine = engine
        self.thalweg_conn_id = thalweg_conn_id
        self.deferrable = default_deferrable() if deferrable is None else deferrable
        self.max_age = max_age

    def look(self, engine: str) -> Steps[Verdict]:
        """Whether it is so."""
        raise NotImplementedError

    def trigger(self, engine: str) -> ThalwegTrigger:
        """What asks the same in the triggerer."""
        raise NotImplementedError

    def poke(self, context: Context) -> PokeReturnValue:
        """Looks once."""
        verdict = self._look(context)
        return PokeReturnValue(is_done=verdict.met, xcom_value=verdict.data)

    def execute(self, context: Context) -> Any:
        """Looks once before it is deferred, as most sensors have nothing to wait for."""
        if not self.deferrable:
            return super().execute(context)
        verdict = self._look(context)
        if verdict.met:
            return verdict.data
        engine = ThalwegHook(self.thalweg_conn_id).engine(self.engine)
        self.defer(
            trigger=self.trigger(engine),
            method_name="execute_complete",
            timeout=timedelta(seconds=self.timeout),
        )
        raise AssertionError("a task that is deferred does not go on here")

    def execute_complete(self, context: Context, event: Mapping[str, Any]) -> dict[str, Any]:
        """Goes on after the triggerer."""
        self.came_to(event.get("data"), str(event.get("why") or ""))
        return data_of(event)

    def _look(self, context: Context) -> Verdict:
        hook = ThalwegHook(self.thalweg_conn_id)
        try:
            engine = hook.engine(self.engine)
            with hook.get_conn() as client:
                verdict = client.run(self.look(engine))
                leave(context, client.settings, engine, str(verdict.data.get("topology") or ""))
        except ThalwegError as error:
            if not error.passing:
                raise airflow_error(error) from error
            verdict = Verdict(False, str(error))
        self.log.info("%s", verdict.why)
        self.came_to(verdict.data, verdict.why)
        return verdict


class ThalwegLagSensor(ThalwegSensor):
    """Waits until no more than so many records wait before a topology. What nobody counts is never little.

    :param topology: The topology, by its name or id.
    :param limit: Records that may wait.
    :param source: Before this source only.
    """

    template_fields: Sequence[str] = (*ThalwegSensor.template_fields, "topology", "limit", "source")

    def __init__(self, *, topology: str, limit: int, source: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.topology, self.limit, self.source = topology, limit, source

    def look(self, engine: str) -> Steps[Verdict]:
        return judge.look_lag(engine, self.topology, self._limit(), self.source, self.max_age)

    def trigger(self, engine: str) -> ThalwegTrigger:
        return ThalwegLagTrigger(
            thalweg_conn_id=self.thalweg_conn_id,
            poll_interval=self.poke_interval,
            engine=engine,
            topology=self.topology,
            limit=self._limit(),
            source=self.source,
            max_age=self.max_age,
        )

    def _limit(self) -> int:
        # A template makes a text of it.
        try:
            return int(str(self.limit))
        except ValueError:
            raise SettingError(f"limit: {self.limit!r} is no whole number") from None


class ThalwegStableSensor(ThalwegSensor):
    """Waits until a topology runs whole, nothing is being changed, and the last change ended long enough ago.

    :param topology: The topology, by its name or id.
    :param quiet_for: Seconds since the end of the last plan for it.
    """

    template_fields: Sequence[str] = (*ThalwegSensor.template_fields, "topology")

    def __init__(self, *, topology: str, quiet_for: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.topology, self.quiet_for = topology, quiet_for

    def look(self, engine: str) -> Steps[Verdict]:
        return judge.look_stable(engine, self.topology, self.quiet_for, self.max_age)

    def trigger(self, engine: str) -> ThalwegTrigger:
        return ThalwegStableTrigger(
            thalweg_conn_id=self.thalweg_conn_id,
            poll_interval=self.poke_interval,
            engine=engine,
            topology=self.topology,
            quiet_for=self.quiet_for,
            max_age=self.max_age,
        )


class ThalwegRoomSensor(ThalwegSensor):
    """Waits until a topology can take so much more than is foretold, before a task that gives it that.

    Its value has ``room``, the most that it could take: a task behind it can run smaller by it.

    :param topology: The topology, by its name or id.
    :param more: The share that the task adds to its load, such as 0.2 for a fifth more.
    :param busy_limit: The busy share that its busiest component may come to.
    """

    template_fields: Sequence[str] = (*ThalwegSensor.template_fields, "topology")

    def __init__(self, *, topology: str, more: float = 0.0, busy_limit: float = BUSY_LIMIT, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.topology, self.more, self.busy_limit = topology, more, busy_limit

    def look(self, engine: str) -> Steps[Verdict]:
        return judge.look_room(engine, self.topology, self.more, self.busy_limit, self.max_age)

    def trigger(self, engine: str) -> ThalwegTrigger:
        return ThalwegRoomTrigger(
            thalweg_conn_id=self.thalweg_conn_id,
            poll_interval=self.poke_interval,
            engine=engine,
            topology=self.topology,
            more=self.more,
            busy_limit=self.busy_limit,
            max_age=self.max_age,
        )


class ThalwegNodeSensor(ThalwegSensor):
    """Waits until a host is part of the cluster, has slots, is not drained, and does enough.

    :param host: The host.
    :param min_power: The least share that it has to do of what the ablest node can.
    """

    template_fields: Sequence[str] = (*ThalwegSensor.template_fields, "host")

    def __init__(self, *, host: str, min_power: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.host, self.min_power = host, min_power

    def look(self, engine: str) -> Steps[Verdict]:
        return judge.look_node(engine, self.host, self.min_power, self.max_age)

    def trigger(self, engine: str) -> ThalwegTrigger:
        return ThalwegNodeTrigger(
            thalweg_conn_id=self.thalweg_conn_id,
            poll_interval=self.poke_interval,
            engine=engine,
            host=self.host,
            min_power=self.min_power,
            max_age=self.max_age,
        )
