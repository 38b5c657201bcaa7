"""A server of Thalweg as a connection."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException, BaseHook

from thalweg_client import (
    AsyncClient,
    BadAnswer,
    Candidate,
    Client,
    Forbidden,
    Invalid,
    OrderFailed,
    Placement,
    Refused,
    SettingError,
    Settings,
    ThalwegError,
    Unauthorized,
    steps,
)
from thalweg_client.placement import rules_of
from thalweg_client.placing import seen_by
from thalweg_client.steps import Steps

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Connection

T = TypeVar("T")

#: What the extra of a connection may hold.
EXTRAS = ("engine", "verify", "timeout", "plaintext", "dashboard")
PORT = 7480


class ThalwegHook(BaseHook):
    """Speaks to a server of Thalweg.

    :param thalweg_conn_id: The connection: its host is the server's address, its password the token.
    """

    conn_name_attr = "thalweg_conn_id"
    default_conn_name = "thalweg_default"
    conn_type = "thalweg"
    hook_name = "Thalweg"

    def __init__(self, thalweg_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.thalweg_conn_id = thalweg_conn_id
        self._connection: Connection | None = None

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """How Airflow asks for the connection."""
        return {
            "hidden_fields": ["login"],
            "relabeling": {"host": "Address", "password": "Token", "schema": "http or https"},
            "placeholders": {
                "host": "https://thalweg.example:7480",
                "extra": '{"engine": "storm", "verify": "/etc/ssl/thalweg.pem"}',
            },
        }

    @property
    def connection(self) -> Connection:
        """The connection, looked up once."""
        if self._connection is None:
            self._connection = self.get_connection(self.thalweg_conn_id)
        return self._connection

    @property
    def settings(self) -> Settings:
        """Where the server is, and how it is asked."""
        return settings_of(self.connection, self.connection.extra_dejson)

    def get_conn(self) -> Client:
        """A client, which is to be closed by whoever asks for it."""
        return Client(self.settings)

    def engine(self, named: str | None) -> str:
        """The engine that is meant: the one that is named, or else the connection's.

        :raises SettingError: where neither names one.
        """
        return engine_of(named, self.thalweg_conn_id, self.connection.extra_dejson)

    def place(
        self,
        candidates: Sequence[Candidate | Mapping[str, Any]],
        engine: str | None = None,
        on_unknown: str = "start",
        prefer: str = "more",
    ) -> Placement:
        """Asks once where a task may run, such as in a ``@task.branch``: it waits for nothing and orders nothing."""
        hooks, named = self.candidates(candidates, self.thalweg_conn_id, engine)
        return seen_by(partial(self.ask, hooks), named, rules_of(on_unknown, prefer), {})

    @classmethod
    def candidates(
        cls, given: Sequence[Candidate | Mapping[str, Any]], conn_id: str, engine: str | None
    ) -> tuple[dict[str, ThalwegHook], list[Candidate]]:
        """Candidates with their connections and engines, and the hooks of those connections."""
        named = [replace(one, connection=one.connection or conn_id) for one in map(Candidate.read, given)]
        hooks = {name: cls(name) for name in {one.connection for one in named}}
        return hooks, [replace(one, engine=hooks[one.connection].engine(one.engine or engine)) for one in named]

    @staticmethod
    def ask(hooks: Mapping[str, ThalwegHook], one: Candidate, steps: Steps[T], /) -> T:
        """Holds a conversation with a candidate's server."""
        with hooks[one.connection].get_conn() as client:
            return client.run(steps)

    def test_connection(self) -> tuple[bool, str]:
        """Whether the server answers, and whose token it is."""
        try:
            with self.get_conn() as client:
                me = client.run(steps.me())
        except (ThalwegError, AirflowException) as error:
            return False, str(error)
        return True, f"{me.name}: {', '.join(me.roles)}"


def settings_of(connection: Connection, extra: Mapping[str, Any]) -> Settings:
    """Where the server of a connection is, and how it is asked.

    :param extra: The connection's own, read by whoever may wait for it.
    """
    name = f"connection {connection.conn_id}"
    unknown = [key for key in extra if key not in EXTRAS and not key.startswith("extra__")]
    if unknown:
        raise SettingError(f"{name}: extra: {', '.join(unknown)} is none of {', '.join(EXTRAS)}")
    try:
        return Settings(
            address=_address(connection, name),
            token=connection.password or "",
            verify=_verify(extra.get("verify")),
            timeout=_number(extra.get("timeout"), "timeout", 15.0),
            plaintext=_truth(extra.get("plaintext"), "plaintext"),
            dashboard=str(extra.get("dashboard") or ""),
        )
    except SettingError as error:
        raise SettingError(f"{name}: {error}") from None


async def client_on_loop(connection: Connection, extra: Mapping[str, Any]) -> AsyncClient:
    """A client of a connection's server, made without blocking the event loop."""
    # Authorities are read from files, which takes its time on every start of a trigger.
    return await asyncio.to_thread(lambda: AsyncClient(settings_of(connection, extra)))


def engine_of(named: str | None, conn_id: str, extra: Mapping[str, Any]) -> str:
    """The engine that is meant, by name or by a connection's extra."""
    engine = named or extra.get("engine")
    if not engine:
        raise SettingError(f"engine: none is named, neither by the task nor in the extra of connection {conn_id}")
    return str(engine)


def airflow_error(error: ThalwegError) -> AirflowException:
    """The same as Airflow has it: what stays as it is however often it is tried fails without retries."""
    return AirflowFailException(str(error)) if is_permanent(error) else AirflowException(str(error))


def is_permanent(error: ThalwegError) -> bool:
    """Whether trying again is of no use."""
    if isinstance(error, OrderFailed):
        # Somebody has taken it back, or ordered something else since. Who gives it again should be somebody as well.
        return error.state in ("cancelled", "replaced")
    return isinstance(error, (Unauthorized, Forbidden, Refused, Invalid, SettingError, BadAnswer))


def _address(connection: Connection, name: str) -> str:
    host = (connection.host or "").strip()
    if not host:
        raise SettingError(f"{name}: host: there is none")
    if "://" in host:
        return host
    port = connection.port or PORT
    # An IPv6 address has colons of its own.
    host = f"[{host}]" if ":" in host and not host.startswith("[") else host
    return f"{connection.schema or 'https'}://{host}:{port}"


def _verify(value: Any) -> bool | str:
    if value is None or value == "":
        return True
    if isinstance(value, (bool, str)):
        return value
    raise SettingError(f"verify: {value!r} is neither a file nor true or false")


def _number(value: Any, name: str, default: float) -> float:
    if value is None or value == "":
        return default
    try:
        return float(value)
    except (TypeError, ValueError):
        raise SettingError(f"{name}: {value!r} is no number") from None


def _truth(value: Any, name: str) -> bool:
    if value is None:
        return False
    if isinstance(value, bool):
        return value
    raise SettingError(f"{name}: {value!r} is neither true nor false")
