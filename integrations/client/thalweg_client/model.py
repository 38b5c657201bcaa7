"""What the server tells, as far as it is used here. A field that is missing, or of another kind, is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, TypeVar

from thalweg_client.errors import BadAnswer

T = TypeVar("T")


class Fields:
    """The fields of an object, each read as what it has to be."""

    def __init__(self, told: Any, place: str) -> None:
        if not isinstance(told, dict):
            raise BadAnswer(f"{place}: an object is expected, not {_kind(told)}")
        self._told: dict[str, Any] = told
        self._place = place

    def names(self) -> list[str]:
        return list(self._told)

    def has(self, name: str) -> bool:
        return self._told.get(name) is not None

    def text(self, name: str) -> str:
        return self._of(name, str)

    def optional_text(self, name: str) -> str | None:
        return None if self._told.get(name) is None else self.text(name)

    def truth(self, name: str) -> bool:
        return self._of(name, bool)

    def count(self, name: str) -> int:
        value = self._told.get(name)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._wrong(name, "a whole number", value)
        return value

    def optional_count(self, name: str) -> int | None:
        return None if self._told.get(name) is None else self.count(name)

    def number(self, name: str) -> float:
        value = self._told.get(name)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self._wrong(name, "a number", value)
        return float(value)

    def optional_number(self, name: str) -> float | None:
        return None if self._told.get(name) is None else self.number(name)

    def part(self, name: str) -> Fields:
        return Fields(self._told.get(name), f"{self._place}.{name}")

    def optional_part(self, name: str) -> Fields | None:
        return None if self._told.get(name) is None else self.part(name)

    def items(self, name: str) -> list[Any]:
        value = self._told.get(name)
        if not isinstance(value, list):
            raise self._wrong(name, "a list", value)
        return value

    def texts(self, name: str) -> list[str]:
        return [str(item) for item in self.items(name)]

    def each(self, name: str, read: Callable[[Fields], T]) -> list[T]:
        items = self.items(name)
        return [read(Fields(item, f"{self._place}.{name}[{at}]")) for at, item in enumerate(items)]

    def _of(self, name: str, kind: type[T]) -> T:
        value = self._told.get(name)
        if not isinstance(value, kind):
            raise self._wrong(name, kind.__name__, value)
        return value

    def _wrong(self, name: str, expected: str, value: Any) -> BadAnswer:
        return BadAnswer(f"{self._place}.{name}: {expected} is expected, not {_kind(value)}")


def _kind(value: Any) -> str:
    return "nothing" if value is None else type(value).__name__


@dataclass(frozen=True)
class Pause:
    """That topologies are left as they are."""

    scope: str
    direction: str
    until: int | None
    at: int
    who: str

    @classmethod
    def read(cls, told: Fields) -> Pause:
        return cls(
            told.text("scope"),
            told.text("direction"),
            told.optional_count("until"),
            told.count("at"),
            told.text("who"),
        )


def fits(scope: str, name: str) -> bool:
    """Whether a name, or an id, is within a scope."""
    # Only * and ? mean anything in a scope.
    return scope == "*" or fnmatchcase(name, scope.replace("[", "[[]"))


@dataclass(frozen=True)
class Peak:
    """A time at which an engine expects much of a topology."""

    name: str
    scope: str
    #: When it begins and is over, in ms since 1970.
    start: int
    until: int
    counts: dict[str, int]
    #: Seconds before its beginning by which the executors are to be there.
    lead: float

    @classmethod
    def read(cls, told: Fields) -> Peak:
        counts = told.part("counts")
        return cls(
            told.text("name"),
            told.text("scope"),
            told.count("from"),
            told.count("until"),
            {name: counts.count(name) for name in counts.names()},
            told.number("lead_secs"),
        )


@dataclass(frozen=True)
class Engine:
    """An engine."""

    name: str
    up: bool
    fault: str | None
    mode: str | None
    pauses: list[Pause]
    peaks: list[Peak] = field(default_factory=list)

    @classmethod
    def read(cls, told: Fields) -> Engine:
        return cls(
            told.text("name"),
            told.truth("up"),
            told.optional_text("fault"),
            told.optional_text("mode"),
            told.each("pauses", Pause.read),
            # A server of an older version knows of none.
            told.each("peaks", Peak.read) if told.has("peaks") else [],
        )


@dataclass(frozen=True)
class Summary:
    """A topology in the overview."""

    engine: str
    id: str
    name: str
    status: str
    verdict: str
    mode: str
    at: int
    #: Absent where nothing was measured, as are latency and busy share: that is so of each topology at its beginning.
    throughput: float | None
    latency: float | None
    busy: float | None
    executors: int
    backlog: int | None
    plan: str
    bottleneck: str | None

    @classmethod
    def read(cls, told: Fields) -> Summary:
        return cls(
            engine=told.text("engine"),
            id=told.text("id"),
            name=told.text("name"),
            status=told.text("status"),
            verdict=told.text("verdict"),
            mode=told.text("mode"),
            at=told.count("at"),
            throughput=told.optional_number("throughput"),
            latency=told.optional_number("latency"),
            busy=told.optional_number("busy"),
            executors=told.count("executors"),
            backlog=told.optional_count("backlog"),
            plan=told.text("plan"),
            bottleneck=told.optional_text("bottleneck"),
        )


@dataclass(frozen=True)
class Component:
    """A component of a topology."""

    id: str
    kind: str
    executors: int
    #: Absent where none of its executors is measured.
    busy: float | None
    backlog: int | None

    @classmethod
    def read(cls, told: Fields) -> Component:
        return cls(
            told.text("id"),
            told.text("kind"),
            told.count("executors"),
            told.optional_number("busy"),
            told.optional_count("backlog"),
        )


@dataclass(frozen=True)
class Node:
    """A node as one topology sees it."""

    id: str
    host: str
    slots: int
    draining: bool
    power: float | None

    @classmethod
    def read(cls, told: Fields) -> Node:
        return cls(
            told.text("id"),
            told.text("host"),
            len(told.items("ports")),
            told.truth("draining"),
            told.optional_number("power"),
        )


@dataclass(frozen=True)
class Reason:
    """Why something was decided, or a guard's word on it."""

    code: str
    text: str
    measured: float | None = None
    #: What that was held against.
    limit: float | None = None

    @classmethod
    def read(cls, told: Fields) -> Reason:
        return cls(
            told.text("code"), told.text("text"), told.optional_number("measured"), told.optional_number("limit")
        )


@dataclass(frozen=True)
class Forecast:
    """What the sources of a topology are expected to bring, in records a second."""

    #: When, in milliseconds since 1970: by then an action that is decided now would have taken effect.
    due: int
    expected: float
    #: What is planned for.
    upper: float

    @classmethod
    def read(cls, told: Fields) -> Forecast:
        return cls(told.count("due"), told.number("expected"), told.number("upper"))


@dataclass(frozen=True)
class Topology:
    """A topology with all that is known of it."""

    summary: Summary
    components: list[Component]
    reasons: list[Reason]
    nodes: list[Node]
    #: The ids of the nodes on which its workers run, one for each worker.
    workers: list[str]
    unassigned: int
    #: Absent where the policy foretells nothing.
    forecast: Forecast | None = None

    @classmethod
    def read(cls, told: Fields) -> Topology:
        forecast = told.optional_part("forecast")
        return cls(
            summary=Summary.read(told.part("summary")),
            components=told.each("components", Component.read),
            reasons=told.each("reasons", Reason.read),
            nodes=told.each("nodes", Node.read),
            workers=told.each("workers", lambda worker: worker.text("node")),
            unassigned=told.count("unassigned"),
            forecast=None if forecast is None else Forecast.read(forecast),
        )


@dataclass(frozen=True)
class Plan:
    """A plan."""

    id: str
    engine: str
    topology: str
    name: str
    kind: str
    state: str
    since: int
    code: str | None

    @classmethod
    def read(cls, told: Fields) -> Plan:
        return cls(
            id=told.text("id"),
            engine=told.text("engine"),
            topology=told.text("topology"),
            name=told.text("name"),
            kind=told.text("kind"),
            state=told.text("state"),
            since=told.count("since"),
            code=told.optional_text("code"),
        )


@dataclass(frozen=True)
class Record:
    """A record of an engine's ledger."""

    seq: int
    engine: str
    at: int
    kind: str
    topology: str
    name: str
    who: str
    result: str
    text: str
    plan: str | None
    #: The id of the order that it is of, where it is of one and the server tells it.
    order: str | None = None

    @classmethod
    def read(cls, told: Fields) -> Record:
        return cls(
            seq=told.count("seq"),
            engine=told.text("engine"),
            at=told.count("at"),
            kind=told.text("kind"),
            topology=told.text("topology"),
            name=told.text("name"),
            who=told.text("who"),
            result=told.text("result"),
            text=told.text("text"),
            plan=told.optional_text("plan"),
            order=told.optional_text("order"),
        )


#: What an order may yet come to something from.
OPEN = frozenset({"waiting", "proposed", "acting"})


@dataclass(frozen=True)
class Order:
    """An order with its fate."""

    #: Empty where only the ledger remembers it.
    id: str
    why: str
    at: int
    #: ``waiting``, ``proposed`` or ``acting``, or how it ended: ``done``, ``failed``, ``refused``, ``expired``,
    #: ``replaced`` or ``cancelled``.
    state: str
    text: str
    plan: str | None

    @property
    def is_open(self) -> bool:
        """Whether something may yet become of it."""
        return self.state in OPEN

    @classmethod
    def read(cls, told: Fields) -> Order:
        return cls(
            id=told.text("id"),
            why=told.optional_text("why") or "",
            at=told.count("at"),
            state=told.text("state"),
            text=told.optional_text("text") or "",
            plan=told.optional_text("plan"),
        )


@dataclass(frozen=True)
class Me:
    """Whose token it is."""

    name: str
    roles: list[str]

    @classmethod
    def read(cls, told: Fields) -> Me:
        return cls(told.text("name"), told.texts("roles"))
