"""Where a task is to run, and how large, by what is known of several topologies before it starts.

:func:`place` is the decision, and pure: the same candidates with the same figures have the same answer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any, Literal, cast, get_args

from thalweg_client import given as checked
from thalweg_client import steps
from thalweg_client.causes import MIN_POWER, RISKS, Cause, Kind, Watch, cause
from thalweg_client.errors import NotFound, SettingError, ThalwegError
from thalweg_client.judge import BUSY_LIMIT, MAX_AGE
from thalweg_client.model import Engine, Topology
from thalweg_client.steps import Steps

OnUnknown = Literal["start", "wait", "fail"]
Prefer = Literal["more", "smaller"]


class Answer(StrEnum):
    """What is to be done."""

    #: Start at the first candidate.
    START = "start"
    #: Start at another one.
    ELSEWHERE = "elsewhere"
    #: Start with a part of the work.
    SMALLER = "smaller"
    #: Ask Thalweg for more, and look again once it is there.
    MORE = "more"
    #: Start nowhere yet.
    WAIT = "wait"
    #: Start nowhere at all.
    FAIL = "fail"

    @property
    def starts(self) -> bool:
        """Whether the task may start."""
        return self in (Answer.START, Answer.ELSEWHERE, Answer.SMALLER)


@dataclass(frozen=True)
class Candidate:
    """A topology that could take a task's work.

    :param topology: The topology, by its name or id.
    :param work: Records a second that the task adds.
    :param task: What runs there, in the words of whoever asks: the id of a task, or the name of an output.
    :param engine: The engine; the connection's or the resource's unless it is named.
    :param connection: Another server than that of whoever asks.
    :param smallest: The least part of the work that is worth a start: 0.5 is a half, and 1 is never less than all.
    :param counts: Executor counts by component that may be asked for where there is no room.
    :param leave: Whether it may be asked to leave failing hosts.
    :param busy_limit: The busy share that its busiest component may come to.
    :param min_power: The share of the ablest node's power below which a node on which it runs is failing.
    :param max_age: Seconds after which what an engine said of it counts no more.
    """

    topology: str
    work: float
    task: str = ""
    engine: str = ""
    connection: str = ""
    smallest: float = 1.0
    counts: Mapping[str, int] = field(default_factory=dict)
    leave: bool = False
    busy_limit: float = BUSY_LIMIT
    min_power: float = MIN_POWER
    max_age: float = MAX_AGE

    def __post_init__(self) -> None:
        for name in ("work", "smallest", "busy_limit", "min_power", "max_age"):
            object.__setattr__(self, name, checked.number(getattr(self, name), f"candidates: {name}"))
        object.__setattr__(self, "counts", checked.counts(self.counts, "candidates: counts"))
        object.__setattr__(self, "leave", checked.truth(self.leave, "candidates: leave"))
        if not 0 <= self.work < math.inf:
            raise SettingError(f"work: {self.work} of {self.name} is no number of records a second")
        if not 0 < self.smallest <= 1:
            raise SettingError(f"smallest: {self.smallest} of {self.name} is not more than 0 and at most 1")
        if not 0 < self.busy_limit <= 1:
            raise SettingError(f"busy_limit: {self.busy_limit} of {self.name} is not more than 0 and at most 1")
        if not 0 <= self.min_power <= 1:
            raise SettingError(f"min_power: {self.min_power} of {self.name} is not from 0 to 1")
        if not 0 <= self.max_age < math.inf:
            raise SettingError(f"max_age: {self.max_age} of {self.name} is no number of seconds")

    @property
    def name(self) -> str:
        """What people call it."""
        return self.task or "/".join(part for part in (self.engine, self.topology) if part)

    @classmethod
    def read(cls, given: Candidate | Mapping[str, Any]) -> Candidate:
        """A candidate of its fields, in which templates make texts of numbers."""
        if isinstance(given, Candidate):
            return given
        if not isinstance(given, Mapping):
            raise SettingError(f"candidates: {given!r} has no fields")
        unknown = [name for name in given if name not in cls.__dataclass_fields__]
        if unknown:
            raise SettingError(f"candidates: {', '.join(unknown)} is none of {', '.join(cls.__dataclass_fields__)}")
        missing = [name for name in ("topology", "work") if name not in given]
        if missing:
            raise SettingError(f"candidates: {' and '.join(missing)} is missing")
        return cls(**given)


@dataclass(frozen=True)
class Seen:
    """What was told of a candidate."""

    engine: Engine
    #: Absent where the engine has none of that name.
    topology: Topology | None
    now: int


@dataclass(frozen=True)
class Unseen:
    """That nothing was told of a candidate."""

    why: str


@dataclass(frozen=True)
class Assessment:
    """What is so of one candidate."""

    candidate: str
    why: str
    #: Whether it has room for all of the work; absent where that is not known.
    fits: bool | None
    #: The part of the work that it has room for.
    factor: float = 0.0
    #: The busy share that it would come to, or what else was measured.
    measured: float | None = None
    #: What that was held against.
    limit: float | None = None
    #: What may be asked of Thalweg for it.
    change: Mapping[str, Any] = field(default_factory=dict)
    #: When it is worth another look, in ms since 1970, where anybody knows.
    until: int | None = None


@dataclass(frozen=True)
class Placement:
    """The decision."""

    answer: Answer
    #: The place of the chosen candidate in the list, absent where none is.
    chosen: int | None
    why: str
    #: The part of the work that is to be done.
    factor: float = 1.0
    measured: float | None = None
    limit: float | None = None
    change: Mapping[str, Any] = field(default_factory=dict)
    until: int | None = None
    #: Whether that was decided although nothing is known.
    unknown: bool = False
    #: What is so of each candidate.
    assessed: tuple[Assessment, ...] = ()

    @property
    def candidate(self) -> str | None:
        """The name of the chosen candidate."""
        return None if self.chosen is None else self.assessed[self.chosen].candidate

    def json(self) -> dict[str, Any]:
        """The decision as JSON."""
        told = asdict(self) | {"candidate": self.candidate}
        return told | {"answer": str(self.answer), "assessed": list(told["assessed"])}


@dataclass(frozen=True)
class Rules:
    """What is wanted where there is a choice.

    :param on_unknown: What becomes of the task where no candidate that is known takes it and of another one nothing is
        known: it starts there, it waits, or it fails.
    :param prefer: Whether more is asked for before the task runs smaller, or the other way round.
    """

    on_unknown: OnUnknown = "start"
    prefer: Prefer = "more"

    def __post_init__(self) -> None:
        for name, value, allowed in (
            ("on_unknown", self.on_unknown, get_args(OnUnknown)),
            ("prefer", self.prefer, get_args(Prefer)),
        ):
            if value not in allowed:
                raise SettingError(f"{name}: {value!r} is none of {', '.join(allowed)}")


@dataclass(frozen=True)
class _Load:
    """How busy a topology is, and how much it is expected to bring."""

    busy: float
    throughput: float
    #: What comes now, or is foretold for when a change could have taken effect where that is more.
    expected: float

    def at(self, work: float) -> float:
        """How busy it is with so many records a second more."""
        return self.busy / self.throughput * (self.expected + work)

    def room(self, busy_limit: float) -> float:
        """Records a second that it can take besides."""
        return busy_limit * self.throughput / self.busy - self.expected if self.busy > 0 else math.inf


def assess(candidate: Candidate, seen: Seen | Unseen) -> Assessment:
    """What is so of a candidate: its risk first, then its load and capacity."""
    name = candidate.name
    if isinstance(seen, Unseen):
        return Assessment(name, seen.why, None)
    if seen.topology is None:
        return Assessment(name, f"{seen.engine.name} has no topology {candidate.topology}", False)
    one = seen.topology.summary
    age = (seen.now - one.at) / 1000
    if age > candidate.max_age:
        said = f"{one.name} was judged {age:.0f} s ago, and {candidate.max_age:.0f} s are allowed"
        return Assessment(name, said, None, measured=age, limit=candidate.max_age)
    risk = cause(seen.engine, seen.topology, seen.now, Watch(RISKS, candidate.min_power, candidate.max_age))
    if risk is not None:
        return _at_risk(candidate, risk, seen)
    if one.busy is None or not one.throughput:
        return Assessment(name, f"nobody has measured what a record costs {one.name}", None)
    foretold = seen.topology.forecast.upper if seen.topology.forecast is not None else 0.0
    load = _Load(one.busy, one.throughput, max(one.throughput, foretold))
    return _with_load(candidate, seen, seen.topology, load)


def _with_load(candidate: Candidate, seen: Seen, topology: Topology, load: _Load) -> Assessment:
    name, limit = topology.summary.name, candidate.busy_limit
    busy = load.at(candidate.work)
    said = f"{name} would be {100 * busy:.0f} % busy with {candidate.work:.0f} records a second more"
    if load.expected > load.throughput:
        said += f", at the {load.expected:.0f} that are foretold"
    said += f", and {100 * limit:.0f} % are allowed"
    if busy <= limit:
        return Assessment(candidate.name, said, True, 1.0, busy, limit)
    change, refused = _more(candidate, seen, topology, busy)
    return Assessment(
        candidate.name,
        "; ".join([said, *refused]),
        False,
        _part(max(0.0, load.room(limit)), candidate.work),
        busy,
        limit,
        change,
        _peak(topology, load, seen.now),
    )


def _part(room: float, work: float) -> float:
    """The part of the work for which there is room, in hundredths: a little less rather than more."""
    return math.floor(100 * room / work + 1e-9) / 100 if work > 0 else 0.0


def _peak(topology: Topology, load: _Load, now: int) -> int | None:
    """When the peak that is foretold has come, if it is that which takes the room."""
    forecast = topology.forecast
    if forecast is None or load.expected <= load.throughput or forecast.due <= now:
        return None
    return forecast.due


def _at_risk(candidate: Candidate, risk: Cause, seen: Seen) -> Assessment:
    why, change = risk.why, {}
    if risk.hosts and candidate.leave:
        closed = _closed(seen)
        if closed is None:
            change = {"leave": list(risk.hosts)}
        else:
            why += f"; it cannot be left now: {closed}"
    return Assessment(candidate.name, why, False, 0.0, risk.measured, risk.limit, change, risk.until)


def _more(candidate: Candidate, seen: Seen, topology: Topology, busy: float) -> tuple[dict[str, Any], list[str]]:
    """What may be asked for, and why nothing is."""
    if not candidate.counts:
        return {}, []
    before = {component.id: component.executors for component in topology.components}
    unknown = [name for name in candidate.counts if name not in before]
    if unknown:
        return {}, [f"it has no component {', '.join(unknown)} for which more could be asked"]
    wanted = {name: count for name, count in candidate.counts.items() if count > before[name]}
    if not wanted:
        return {}, ["as many executors as may be asked for are there already"]
    closed = _closed(seen)
    if closed is not None:
        return {}, [f"no more can be asked for now: {closed}"]
    after = _busy_with(topology, wanted, busy)
    if after > candidate.busy_limit:
        return {}, [f"with all that may be asked for it would still be {100 * after:.0f} % busy"]
    return {"counts": wanted}, []


def _busy_with(topology: Topology, counts: Mapping[str, int], busy: float) -> float:
    """The busy share of the busiest component with other counts, where it would be ``busy`` with those of now."""
    grows = busy / topology.summary.busy if topology.summary.busy else 1.0
    # The executors of a component share its work; another count changes nothing for the others.
    shares = [
        (one.busy or 0.0) * grows * one.executors / max(counts.get(one.id, one.executors), 1)
        for one in topology.components
    ]
    return max(shares, default=busy)


def _closed(seen: Seen) -> str | None:
    found = cause(seen.engine, seen.topology, seen.now, Watch((Kind.PAUSED, Kind.FROZEN)))
    return None if found is None else found.why


def place(
    candidates: Sequence[Candidate],
    seen: Sequence[Seen | Unseen],
    rules: Rules | None = None,
    refused: Mapping[int, str] | None = None,
) -> Placement:
    """The first candidate that takes all of the work; or else more is asked for, or the task runs smaller, or waits.

    Of what is not known nothing is expected: a candidate that is known to have room goes before it.

    :param refused: Why what was asked for was refused, by the candidate's place in the list. It is not asked for again.
    """
    if not candidates:
        raise SettingError("candidates: there are none")
    rules, refused = rules or Rules(), refused or {}
    found = [assess(*of) for of in zip(candidates, seen, strict=True)]
    for at, why in refused.items():
        found[at] = replace(found[at], change={}, why=f"{found[at].why}; no more is to be had: {why}")
    assessed = tuple(found)
    whole = next((at for at, one in enumerate(assessed) if one.fits), None)
    if whole is not None:
        return _at(assessed, whole, _where(whole))
    return _more_or_less(candidates, assessed, rules) or _nowhere(assessed, rules)


def _more_or_less(candidates: Sequence[Candidate], assessed: tuple[Assessment, ...], rules: Rules) -> Placement | None:
    asked = next((at for at, one in enumerate(assessed) if one.change), None)
    parts = [at for at, one in enumerate(assessed) if one.fits is False and one.factor >= candidates[at].smallest]
    part = max(parts, key=lambda at: (assessed[at].factor, -at), default=None)
    more = None if asked is None else replace(_at(assessed, asked, Answer.MORE), change=assessed[asked].change)
    less = None if part is None else replace(_at(assessed, part, Answer.SMALLER), factor=assessed[part].factor)
    return more or less if rules.prefer == "more" else less or more


def _nowhere(assessed: tuple[Assessment, ...], rules: Rules) -> Placement:
    """Where no candidate is known to take it."""
    unknown = next((at for at, one in enumerate(assessed) if one.fits is None), None)
    if unknown is None or rules.on_unknown == "wait":
        until = min((one.until for one in assessed if one.until is not None), default=None)
        why = assessed[0].why if len(assessed) == 1 else "; ".join(f"{one.candidate}: {one.why}" for one in assessed)
        return Placement(Answer.WAIT, None, why, until=until, unknown=unknown is not None, assessed=assessed)
    why = f"{assessed[unknown].why}; on_unknown is {rules.on_unknown}"
    if rules.on_unknown == "fail":
        return Placement(Answer.FAIL, None, why, unknown=True, assessed=assessed)
    return replace(_at(assessed, unknown, _where(unknown)), why=why, unknown=True)


def _at(assessed: tuple[Assessment, ...], at: int, answer: Answer) -> Placement:
    one = assessed[at]
    return Placement(answer, at, one.why, measured=one.measured, limit=one.limit, assessed=assessed)


def _where(at: int) -> Answer:
    return Answer.START if at == 0 else Answer.ELSEWHERE


def look_seen(engine: str, topology: str) -> Steps[Seen | Unseen]:
    """Asks what there is to know of a candidate. That nobody answers is no error: then nothing is known of it."""
    try:
        of = yield from steps.engine_of(engine)
        if not of.up:
            return Unseen(f"{engine} does not answer" + (f": {of.fault}" if of.fault else ""))
        found, now = yield from steps.topology_at(engine, topology)
    except NotFound:
        return Seen(of, None, 0)
    except ThalwegError as error:
        if not error.passing:
            raise
        return Unseen(str(error))
    return Seen(of, found, now)


def look_ordered(engine: str, topology: str, mark: str) -> Steps[str | None]:
    """Why nothing comes of an order any more; nothing while it may, or was carried out and is about to be seen."""
    try:
        order = yield from steps.order_of(engine, topology, mark)
    except ThalwegError as error:
        if not error.passing:
            raise
        return None
    if order is None or order.is_open or order.state == "done":
        return None
    return f"the order is {order.state}" + (f": {order.text}" if order.text else "")


def rules_of(on_unknown: str, prefer: str) -> Rules:
    """Rules by their names."""
    return Rules(cast(OnUnknown, on_unknown), cast(Prefer, prefer))
