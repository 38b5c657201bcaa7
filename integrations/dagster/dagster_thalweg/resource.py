"""A server of Thalweg as a resource."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from pydantic import Field

import dagster as dg
from thalweg_client import (
    BadAnswer,
    Candidate,
    Client,
    OrderFailed,
    Placement,
    Problem,
    SettingError,
    Settings,
    ThalwegError,
)
from thalweg_client.placement import rules_of
from thalweg_client.placing import seen_by
from thalweg_client.steps import Steps

T = TypeVar("T")


class ThalwegResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Speaks to a server of Thalweg."""

    address: str = Field(description="https://host:port, with the path of a proxy if there is one")
    token: str = Field(default="", description="What `thalweg serve token` has shown; by a variable of the environment")
    engine: str = Field(default="", description="The engine that is meant where none is named")
    authorities: str = Field(default="", description="A file with the authorities that sign the server's certificate")
    timeout: float = Field(default=15.0, description="Seconds that each part of an answer may take")
    plaintext: bool = Field(default=False, description="Whether the token may go unencrypted to another machine")
    dashboard: str = Field(default="", description="Where people find the dashboard, if not at the address")

    @property
    def settings(self) -> Settings:
        """Where the server is, and how it is asked."""
        return Settings(
            address=self.address,
            token=self.token,
            verify=self.authorities or True,
            timeout=self.timeout,
            plaintext=self.plaintext,
            dashboard=self.dashboard,
        )

    def client(self) -> Client:
        """A client, which is to be closed by whoever asks for it."""
        return Client(self.settings)

    def run(self, steps: Steps[T]) -> T:
        """Holds a conversation."""
        with self.client() as client:
            return client.run(steps)

    def place(
        self,
        candidates: Sequence[Candidate | Mapping[str, Any]],
        on_unknown: str = "start",
        prefer: str = "more",
    ) -> Placement:
        """Asks once where something may run among this server's topologies: it waits for nothing and orders nothing."""
        named = [replace(one, engine=self.engine_of(one.engine)) for one in map(Candidate.read, candidates)]
        return seen_by(lambda _one, steps: self.run(steps), named, rules_of(on_unknown, prefer), {})

    def engine_of(self, named: str | None) -> str:
        """The engine that is meant: the one that is named, or else the resource's."""
        engine = named or self.engine
        if not engine:
            raise SettingError("engine: none is named, neither here nor by the resource")
        return engine


def failure(error: ThalwegError) -> dg.Failure:
    """The same as Dagster has it: what stays as it is however often it is tried fails without retries."""
    if isinstance(error, OrderFailed):
        # Somebody has taken it back, or ordered something else since.
        retries = error.state not in ("cancelled", "replaced")
    else:
        retries = error.passing or not isinstance(error, (Problem, SettingError, BadAnswer))
    return dg.Failure(description=str(error), allow_retries=retries)
