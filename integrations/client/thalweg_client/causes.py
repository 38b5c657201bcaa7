"""Why something that needs a topology goes wrong at this time, as far as Thalweg knows, and how long that lasts.

A cause passes: whoever failed because of it waits until it has, and does not try in vain meanwhile. What is no cause
here, such as a fault of the task's own, is nobody's to wait for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from thalweg_client import steps
from thalweg_client.errors import NotFound, ThalwegError
from thalweg_client.judge import MAX_AGE, Verdict
from thalweg_client.model import Engine, Node, Reason, Topology, fits
from thalweg_client.steps import Steps

#: The share of the ablest node's power below which a node counts as failing: the engine has sources leave such nodes.
MIN_POWER = 0.25


class Kind(StrEnum):
    """What a cause is about."""

    #: The scheduler, and with it the cluster's master, does not answer.
    ENGINE = "engine"
    #: The topology does not run, or starts again and again.
    RESTARTING = "restarting"
    #: It runs, and what waits before it or what has just been changed keeps it from its usual pace.
    CATCHING_UP = "catching_up"
    #: A change of it is being carried out.
    ACTION = "action"
    #: It runs on a node that is far slower than others, far away, or being emptied.
    NODE = "node"
    #: Somebody has paused it, so that what it lacks is not given to it.
    PAUSED = "paused"
    #: At this time nothing may be changed: a freeze, or an hour outside of the allowed ones.
    FROZEN = "frozen"


ALL = tuple(Kind)
#: Those for which a topology is given no more work. In a pause or a freeze it runs on as it is.
RISKS = (Kind.RESTARTING, Kind.CATCHING_UP, Kind.ACTION, Kind.NODE)

#: The reasons of a decision that are causes. The second of each pair says whether what is measured is seconds left.
_CODES: dict[str, tuple[Kind, bool]] = {
    "TOPOLOGY_NOT_ACTIVE": (Kind.RESTARTING, False),
    "EXECUTORS_UNASSIGNED": (Kind.RESTARTING, False),
    "EXECUTORS_RESTARTING": (Kind.RESTARTING, False),
    "SETTLING": (Kind.CATCHING_UP, True),
    "CATCHING_UP": (Kind.CATCHING_UP, False),
    "ACTION_RUNNING": (Kind.ACTION, False),
    "LINK_SLOW": (Kind.NODE, False),
    "PAUSED": (Kind.PAUSED, False),
    "FROZEN": (Kind.FROZEN, True),
    "OUTSIDE_HOURS": (Kind.FROZEN, True),
}


@dataclass(frozen=True)
class Cause:
    """A cause that will pass."""

    kind: Kind
    why: str
    #: When it is over, in ms since 1970, where anybody knows.
    until: int | None = None
    measured: float | None = None
    #: What that was held against.
    limit: float | None = None
    #: The hosts that it is about.
    hosts: tuple[str, ...] = ()

    def json(self) -> dict[str, Any]:
        """The cause as JSON."""
        return asdict(self) | {"kind": str(self.kind), "hosts": list(self.hosts)}


@dataclass(frozen=True)
class Watch:
    """Which causes count.

    :param kinds: These kinds.
    :param min_power: The share of the ablest node's power below which a node is failing; 0 where none is.
    :param max_age: Seconds after which what an engine said of a topology counts no more.
    """

    kinds: Sequence[str] = ALL
    min_power: float = MIN_POWER
    max_age: float = MAX_AGE


def cause(engine: Engine, topology: Topology | None, now: int, watch: Watch | None = None) -> Cause | None:
    """The first cause that is known, those first that keep a topology from running at all."""
    watch = watch or Watch()
    return next((one for one in _all(engine, topology, now, watch) if one.kind in watch.kinds), None)


def _all(engine: Engine, topology: Topology | None, now: int, watch: Watch) -> list[Cause]:
    if not engine.up:
        return [Cause(Kind.ENGINE, f"{engine.name} does not answer" + (f": {engine.fault}" if engine.fault else ""))]
    if topology is None or now - topology.summary.at > watch.max_age * 1000:
        # What was seen too long ago explains nothing of now.
        return _pauses(engine, ("*",), now)
    one = topology.summary
    found: list[Cause] = []
    if one.status != "active":
        found.append(Cause(Kind.RESTARTING, f"{one.name} is {one.status or 'in no known state'}"))
    if topology.unassigned > 0:
        why = f"{topology.unassigned} executors of {one.name} run nowhere"
        found.append(Cause(Kind.RESTARTING, why, measured=topology.unassigned, limit=0))
    if one.plan == "under_way":
        found.append(Cause(Kind.ACTION, f"a plan for {one.name} is under way"))
    found += _nodes(topology, watch.min_power)
    found += [_told(topology, reason) for reason in topology.reasons if reason.code in _CODES]
    found += _pauses(engine, (one.name, one.id), now)
    return sorted(found, key=lambda of: ALL.index(of.kind))


def _told(topology: Topology, reason: Reason) -> Cause:
    kind, lasts = _CODES[reason.code]
    until = None
    if lasts and reason.measured is not None:
        until = topology.summary.at + int(reason.measured * 1000)
    why = f"{topology.summary.name}: {reason.text} ({reason.code})"
    return Cause(kind, why, until, reason.measured, reason.limit)


def failing(topology: Topology, min_power: float = MIN_POWER) -> list[Node]:
    """The nodes on which it runs that are being emptied or do far less than the ablest."""
    used = [node for node in topology.nodes if node.id in topology.workers]
    return [node for node in used if node.draining or (node.power is not None and node.power < min_power)]


def _nodes(topology: Topology, min_power: float) -> list[Cause]:
    nodes = failing(topology, min_power)
    if not nodes:
        return []
    worst = min(nodes, key=lambda node: (not node.draining, node.power or 0.0))
    hosts = tuple(sorted({node.host for node in nodes}))
    name = topology.summary.name
    if worst.draining:
        return [Cause(Kind.NODE, f"{worst.host}, on which {name} runs, is being emptied", hosts=hosts)]
    why = f"{worst.host}, on which {name} runs, can do {worst.power:.2f} of what the ablest node can"
    return [Cause(Kind.NODE, f"{why}, and {min_power:.2f} are asked for", None, worst.power, min_power, hosts)]


def _pauses(engine: Engine, names: Sequence[str], now: int) -> list[Cause]:
    found = []
    for pause in engine.pauses:
        lasts = pause.until is None or pause.until > now
        if lasts and pause.direction == "both" and any(fits(pause.scope, name) for name in names):
            why = f"{pause.scope} of {engine.name} is paused" + (f" by {pause.who}" if pause.who else "")
            found.append(Cause(Kind.PAUSED, why, pause.until))
    return found


def look_cause(engine: str, topology: str | None, watch: Watch | None = None) -> Steps[Cause | None]:
    """Asks, and judges by :func:`cause`. A topology that is not there has no cause that is known."""
    of = yield from steps.engine_of(engine)
    if topology is None or not of.up:
        now = (yield from steps.ask(steps.Ask("GET", "/v1/me"))).at
        return cause(of, None, now, watch)
    try:
        found, now = yield from steps.topology_at(engine, topology)
    except NotFound:
        return None
    return cause(of, found, now, watch)


def look_passed(engine: str, topology: str | None, watch: Watch | None = None) -> Steps[Verdict]:
    """Whether no cause is left. While the server is away that is not known, and it is asked again."""
    try:
        left = yield from look_cause(engine, topology, watch)
    except ThalwegError as error:
        if not error.passing:
            raise
        return Verdict(False, str(error))
    if left is None:
        return Verdict(True, f"nothing known keeps {topology or engine} from its work any more")
    return Verdict(False, left.why, left.json())


@dataclass(frozen=True)
class Retry:
    """What becomes of a failure."""

    #: Whether it is tried again once a cause has passed, without that counting as one of its retries.
    waits: bool
    why: str
    #: Seconds until it is looked again.
    seconds: float = 0.0
    cause: Cause | None = None


def retry(known: Cause | None, waited: float, now: int, limit: float, interval: float = 30.0) -> Retry:
    """Whether a failure waits for its cause to pass.

    :param waited: Seconds for which it has waited already.
    :param limit: Seconds that it may wait altogether.
    :param interval: Seconds between two looks where nobody knows when the cause is over.
    """
    if known is None:
        return Retry(False, "Thalweg knows no cause of this failure, so it counts as any other")
    left = limit - waited
    if left <= 0:
        return Retry(False, f"after {limit:.0f} s it still is so that {known.why}; this counts as a retry", 0.0, known)
    seconds = interval if known.until is None else max((known.until - now) / 1000, 1.0)
    return Retry(True, f"tried again once it no longer is so that {known.why}", min(seconds, left), known)
