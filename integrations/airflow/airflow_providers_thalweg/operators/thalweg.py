"""Orders to Thalweg as tasks."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException, BaseOperator, conf

from airflow_providers_thalweg.hooks.thalweg import ThalwegHook, airflow_error
from airflow_providers_thalweg.lineage import Lineage
from airflow_providers_thalweg.links.thalweg import ThalwegLink, leave
from airflow_providers_thalweg.triggers.thalweg import ThalwegDrainTrigger, ThalwegOrderTrigger, ThalwegTrigger
from thalweg_client import Client, Order, SettingError, ThalwegError, Verdict, judge, steps
from thalweg_client.steps import Steps

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


def default_deferrable() -> bool:
    """Whether tasks that can be deferred are, unless they say otherwise."""
    return bool(conf.getboolean("operators", "default_deferrable", fallback=False))


class ThalwegOperator(Lineage, BaseOperator):
    """What all orders have in common.

    :param engine: The engine; the one in the connection's extra unless it is named.
    :param thalweg_conn_id: The connection. Its token needs the role ``operator``.
    :param why: Why, for the ledger; the task and its run unless something is said.
    """

    template_fields: Sequence[str] = ("engine", "thalweg_conn_id", "why")
    operator_extra_links: ClassVar[tuple[ThalwegLink, ...]] = (ThalwegLink(),)  # type: ignore[misc]
    ui_color = "#d7e9f7"

    def __init__(
        self,
        *,
        engine: str | None = None,
        thalweg_conn_id: str = ThalwegHook.default_conn_name,
        why: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.engine = engine
        self.thalweg_conn_id = thalweg_conn_id
        self.why = why

    def execute(self, context: Context) -> Any:
        """Gives the order. What goes wrong with it is told as Airflow has it."""
        hook = ThalwegHook(self.thalweg_conn_id)
        try:
            engine = hook.engine(self.engine)
            self.came_to({"engine": engine}, self.said(context))
            with hook.get_conn() as client:
                value = self.order(context, client, engine)
        except ThalwegError as error:
            raise airflow_error(error) from error
        self.came_to({"engine": engine, **value})
        return value

    def order(self, context: Context, client: Client, engine: str) -> Any:
        """Gives the order to an engine."""
        raise NotImplementedError

    def said(self, context: Context) -> str:
        """Why the order is given."""
        ti = context["ti"]
        return self.why or f"Airflow: {ti.dag_id}.{ti.task_id} in {ti.run_id}"


class _Waiting(ThalwegOperator):
    """What orders that take their time have in common.

    :param wait_for_completion: Whether the task lasts until the order is carried out.
    :param deferrable: Whether it waits in the triggerer.
    :param poll_interval: Seconds between two looks.
    :param timeout: Seconds that it waits, here or in the triggerer, before it fails; the order stays, and a retry waits
        for it again. A shorter ``execution_timeout`` counts in the triggerer as well.
    """

    def __init__(
        self,
        *,
        wait_for_completion: bool = True,
        deferrable: bool | None = None,
        poll_interval: float = 10.0,
        timeout: float = 3600.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.wait_for_completion = wait_for_completion
        self.deferrable = default_deferrable() if deferrable is None else deferrable
        self.poll_interval = poll_interval
        self.timeout = timeout

    def look(self, engine: str) -> Steps[Verdict]:
        """Whether it is carried out."""
        raise NotImplementedError

    def trigger(self, engine: str) -> ThalwegTrigger:
        """What asks the same in the triggerer."""
        raise NotImplementedError

    def wait(self, client: Client, engine: str) -> dict[str, Any]:
        """Looks once, and goes on to look here or in the triggerer.

        :raises AirflowException: when it has taken too long.
        """
        end, said = time.monotonic() + self.timeout, ""
        while True:
            # The order is given, so a server that is down for a while is no reason to give up.
            verdict = client.run(judge.patient(self.look(engine)))
            if verdict.met:
                return verdict.data
            if verdict.why != said:
                said = verdict.why
                self.log.info("%s", said)
            if self.deferrable:
                self.defer(trigger=self.trigger(engine), method_name="execute_complete", timeout=self._patience())
            left = end - time.monotonic()
            if left <= 0:
                raise AirflowException(f"after {self.timeout:.0f} s: {said}")
            time.sleep(min(self.poll_interval, left))

    def _patience(self) -> timedelta:
        # Airflow ends a deferred task by this alone.
        patience = timedelta(seconds=self.timeout)
        return patience if self.execution_timeout is None else min(patience, self.execution_timeout)

    def execute_complete(self, context: Context, event: Mapping[str, Any]) -> dict[str, Any]:
        """Goes on after the triggerer."""
        self.came_to({"engine": self.engine}, self.said(context))
        value = data_of(event)
        self.came_to({"engine": self.engine, **value})
        return value


def data_of(event: Mapping[str, Any]) -> dict[str, Any]:
    """What a trigger has found.

    :raises AirflowException: when it waited in vain.
    """
    if event.get("status") != "met":
        said = str(event.get("why") or "the trigger sent nothing that is known here")
        raise AirflowFailException(said) if event.get("permanent") else AirflowException(said)
    return dict(event["data"])


class ThalwegScaleOperator(_Waiting):
    """Changes a topology whatever the policy thinks of it, once, and waits until that is done.

    The order carries a reference made of the Dag, its run, the task, and what is ordered. Whenever this task runs again
    within the same run of the Dag, an order with that reference which is open or was carried out is the one; none is
    given.

    :param topology: The topology, by its name or id.
    :param counts: New executor counts by component.
    :param memory_mib: New memory of each executor in MiB, by component.
    :param leave: Hosts that it is to leave.
    :param adopt: Whether it may be stopped once to give its sources workers of their own.
    :param key: Another key makes another order, such as for a task that is cleared to order the same again.
    """

    act = "scale"
    template_fields: Sequence[str] = (
        *ThalwegOperator.template_fields,
        "topology",
        "counts",
        "memory_mib",
        "leave",
        "key",
    )

    def __init__(
        self,
        *,
        topology: str,
        counts: Mapping[str, int] | None = None,
        memory_mib: Mapping[str, int] | None = None,
        leave: Sequence[str] = (),
        adopt: bool = False,
        key: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.topology = topology
        self.counts, self.memory_mib = counts, memory_mib
        self.leave, self.adopt, self.key = leave, adopt, key
        self._given: tuple[Order, str] | None = None

    def order(self, context: Context, client: Client, engine: str) -> dict[str, Any]:
        """Orders the change, or finds that it was ordered already."""
        change = self.change()
        ti = context["ti"]
        of = (ti.dag_id, ti.run_id, ti.task_id, str(ti.map_index), engine, self.topology, self.key)
        mark = steps.reference("airflow", *of, body=change)
        summary = client.run(steps.topology(engine, self.topology)).summary
        leave(context, client.settings, engine, summary.id)
        order = client.run(steps.scale(engine, self.topology, change, mark, self.said(context)))
        self.log.info("order %s for %s is %s", order.id or mark, self.topology, order.state)
        self._given = (order, mark)
        return self.wait(client, engine) if self.wait_for_completion else asdict(order)

    def change(self) -> dict[str, Any]:
        """What is ordered, as the interface takes it. Templates make texts of numbers."""
        change: dict[str, Any] = {
            "counts": _whole(self.counts, "counts"),
            "memory_mib": _whole(self.memory_mib, "memory_mib"),
            "leave": list(self.leave),
            "adopt": self.adopt,
        }
        change = {name: value for name, value in change.items() if value}
        if not change:
            raise SettingError("counts: nothing is ordered: no counts, no memory_mib, no leave and no adopt")
        return change

    def look(self, engine: str) -> Steps[Verdict]:
        order, mark = self._order()
        return judge.look_order(engine, self.topology, order, mark)

    def trigger(self, engine: str) -> ThalwegTrigger:
        order, mark = self._order()
        return ThalwegOrderTrigger(
            thalweg_conn_id=self.thalweg_conn_id,
            poll_interval=self.poll_interval,
            engine=engine,
            topology=self.topology,
            order=asdict(order),
            mark=mark,
        )

    def _order(self) -> tuple[Order, str]:
        if self._given is None:
            raise SettingError("nothing was ordered yet")
        return self._given


def _whole(counts: Mapping[str, Any] | None, name: str) -> dict[str, int]:
    found = {}
    for component, count in (counts or {}).items():
        try:
            found[component] = int(str(count))
        except ValueError:
            raise SettingError(f"{name}: {component}: {count!r} is no whole number") from None
    return found


class ThalwegDrainOperator(_Waiting):
    """Has everything leave a host, and waits until nothing runs there. One that is drained already is only waited for.

    :param host: The host.
    """

    act = "drain"
    template_fields: Sequence[str] = (*ThalwegOperator.template_fields, "host")

    def __init__(self, *, host: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.host = host

    def order(self, context: Context, client: Client, engine: str) -> dict[str, Any]:
        """Orders that a host is left."""
        leave(context, client.settings, engine)
        new = client.run(steps.drain(engine, self.host, self.said(context)))
        self.log.info("%s %s", self.host, "is drained from now on" if new else "is drained already")
        return self.wait(client, engine) if self.wait_for_completion else {"host": self.host, "new": new}

    def look(self, engine: str) -> Steps[Verdict]:
        return judge.look_left(engine, self.host)

    def trigger(self, engine: str) -> ThalwegTrigger:
        return ThalwegDrainTrigger(
            thalweg_conn_id=self.thalweg_conn_id, poll_interval=self.poll_interval, engine=engine, host=self.host
        )


class ThalwegUndrainOperator(ThalwegOperator):
    """Lets a host be used again. One that is not drained is left as it is.

    :param host: The host.
    """

    act = "undrain"
    template_fields: Sequence[str] = (*ThalwegOperator.template_fields, "host")

    def __init__(self, *, host: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.host = host

    def order(self, context: Context, client: Client, engine: str) -> dict[str, Any]:
        """Orders that a host is used again."""
        leave(context, client.settings, engine)
        return {"host": self.host, "new": client.run(steps.undrain(engine, self.host))}


class ThalwegPauseOperator(ThalwegOperator):
    """Has a topology, or all of an engine, left as it is. Where it is paused for as long already, nothing is said.

    Its value says whether the pause is ``new``, as opposed to one of the same scope that was there before.

    :param topology: The topology, by a name, an id or a pattern; all of the engine if absent.
    :param until: When it is over by itself: a time with its zone, or such a text.
    :param duration: How long it lasts from this try on, in place of that. Without either, it lasts until somebody
        resumes.
    """

    act = "pause"
    template_fields: Sequence[str] = (*ThalwegOperator.template_fields, "topology", "until")

    def __init__(
        self,
        *,
        topology: str | None = None,
        until: datetime | str | None = None,
        duration: timedelta | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.topology, self.until, self.duration = topology, until, duration

    def order(self, context: Context, client: Client, engine: str) -> dict[str, Any]:
        """Orders the pause."""
        leave(context, client.settings, engine)
        until = self.end()
        new = client.run(steps.pause(engine, self.topology, until, self.said(context)))
        return {"topology": self.topology, "until": until, "new": new}

    def end(self) -> int | None:
        """When it is over, in ms since 1970."""
        if self.until is not None and self.duration is not None:
            raise SettingError("until: duration is given as well, and only one of them counts")
        if self.duration is not None:
            return int((datetime.now(UTC) + self.duration).timestamp() * 1000)
        return millis(self.until) if self.until else None


def millis(time_of: datetime | str) -> int:
    """A time in ms since 1970."""
    try:
        read = datetime.fromisoformat(time_of) if isinstance(time_of, str) else time_of
    except ValueError:
        raise SettingError(f"until: {time_of!r} is no time, such as 2026-12-24T06:00:00+01:00") from None
    if read.tzinfo is None:
        raise SettingError(f"until: {time_of} has no zone")
    return int(read.timestamp() * 1000)


class ThalwegResumeOperator(ThalwegOperator):
    """Lets a topology, or all of an engine, be changed again.

    :param topology: The topology, by a name, an id or a pattern; all of the engine if absent.
    :param paused_by: The id of the task that has paused it. Only a pause that was new there is ended, and only if
        nobody else has paused any of its topologies. Without it, every pause ends, whoever has said it.
    """

    act = "resume"
    template_fields: Sequence[str] = (*ThalwegOperator.template_fields, "topology", "paused_by")

    def __init__(self, *, topology: str | None = None, paused_by: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.topology, self.paused_by = topology, paused_by

    def order(self, context: Context, client: Client, engine: str) -> dict[str, Any]:
        """Orders that it goes on."""
        leave(context, client.settings, engine)
        left = self._left(context, client, engine)
        if left is not None:
            self.log.info("%s is left as it is: %s", self.topology or "all", left)
        return {"topology": self.topology, "resumed": left is None}

    def _left(self, context: Context, client: Client, engine: str) -> str | None:
        """Orders it, or says why not."""
        if self.paused_by is None:
            client.run(steps.resume(engine, self.topology, self.said(context)))
            return None
        paused = context["ti"].xcom_pull(task_ids=self.paused_by)
        if not paused or not paused.get("new"):
            return f"{self.paused_by} has paused nothing new"
        if paused.get("topology") != self.topology:
            raise SettingError(f"topology: {self.paused_by} has paused {paused.get('topology') or 'all'}, and no other")
        return client.run(steps.take_back(engine, self.topology, paused.get("until"), self.said(context)))
