"""What Thalweg is told when a Dag or a task ends: to leave topologies as they are, or to go on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from airflow.providers.common.compat.connection import get_async_connection, get_async_extra_dejson
from airflow.providers.common.compat.notifier import BaseNotifier

from airflow_providers_thalweg.hooks.thalweg import ThalwegHook, client_on_loop, engine_of
from thalweg_client import steps
from thalweg_client.steps import Steps

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


class _Notifier(BaseNotifier):
    """Tells an engine something.

    :param topology: The topology, by a name, an id or a pattern; all of the engine if absent.
    :param engine: The engine; the one in the connection's extra unless it is named.
    :param thalweg_conn_id: The connection. Its token needs the role ``operator``.
    :param why: Why, for the ledger.
    """

    template_fields: Sequence[str] = ("topology", "engine", "why")

    def __init__(
        self,
        *,
        topology: str | None = None,
        engine: str | None = None,
        thalweg_conn_id: str = ThalwegHook.default_conn_name,
        why: str = "Airflow: {{ dag.dag_id }} has ended in {{ run_id }}",
    ) -> None:
        super().__init__()
        self.topology, self.engine, self.why = topology, engine, why
        self.thalweg_conn_id = thalweg_conn_id

    def steps(self, engine: str) -> Steps[object]:
        """What the engine is told."""
        raise NotImplementedError

    def notify(self, context: Context) -> None:
        """Tells it."""
        hook = ThalwegHook(self.thalweg_conn_id)
        with hook.get_conn() as client:
            client.run(self.steps(hook.engine(self.engine)))

    async def async_notify(self, context: Context) -> None:
        """Tells it without blocking an event loop."""
        connection = await get_async_connection(self.thalweg_conn_id, hook=ThalwegHook)
        extra = await get_async_extra_dejson(connection)
        engine = engine_of(self.engine, self.thalweg_conn_id, extra)
        async with await client_on_loop(connection, extra) as client:
            await client.run(self.steps(engine))


class ThalwegPauseNotifier(_Notifier):
    """Pauses topologies, such as when what feeds them has failed, until somebody resumes them."""

    def steps(self, engine: str) -> Steps[object]:
        return steps.pause(engine, self.topology, None, self.why)


class ThalwegResumeNotifier(_Notifier):
    """Lets topologies be changed again."""

    def steps(self, engine: str) -> Steps[object]:
        return steps.resume(engine, self.topology, self.why)
