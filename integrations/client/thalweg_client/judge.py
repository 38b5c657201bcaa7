"""Whether something is so, by what was told. What was not measured, or is too old to count, is never so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from thalweg_client import steps
from thalweg_client.errors import NotFound, OrderFailed, SettingError, ThalwegError
from thalweg_client.model import Engine, Order, Plan, Topology, fits
from thalweg_client.steps import Steps

#: Seconds after which what an engine said of a topology counts no more.
MAX_AGE = 120.0
#: The busy share up to which a topology is asked for more.
BUSY_LIMIT = 0.8
#: Why an engine leaves a topology alone at this time, whatever is ordered.
CLOSED = {"FROZEN": "frozen", "OUTSIDE_HOURS": "outside of its hours", "PAUSED": "paused"}


@dataclass(frozen=True)
class Verdict:
    """Whether something is so."""

    met: bool
    #: Why, or why not.
    why: str
    #: The figures, as JSON.
    data: dict[str, Any] = field(default_factory=dict)

    def json(self) -> dict[str, Any]:
        """The verdict as JSON."""
        return asdict(self)


def patient(look: Steps[Verdict]) -> Steps[Verdict]:
    """The same for who looks again anyway: a server that is away for a while is one more reason for "not so"."""
    try:
        return (yield from look)
    except ThalwegError as error:
        if not error.passing:
            raise
        return Verdict(False, str(error))


def _too_old(topology: Topology, now: int, max_age: float) -> str | None:
    age = (now - topology.summary.at) / 1000
    if age <= max_age:
        return None
    return f"{topology.summary.name} was judged {age:.0f} s ago, and {max_age:.0f} s are allowed"


def _figures(topology: Topology) -> dict[str, Any]:
    one = topology.summary
    return {
        "engine": one.engine,
        "topology": one.id,
        "name": one.name,
        "at": one.at,
        "backlog": one.backlog,
        "throughput": one.throughput,
        "latency": one.latency,
        "busy": one.busy,
        "executors": one.executors,
        "plan": one.plan,
    }


def lag_below(topology: Topology, limit: int, now: int, source: str | None = None, max_age: float = MAX_AGE) -> Verdict:
    """Whether no more than so many records wait before a topology, or before one of its sources."""
    name, backlog = topology.summary.name, topology.summary.backlog
    data = _figures(topology) | {"limit": limit}
    if source is not None:
        found = [component for component in topology.components if component.id == source]
        if not found:
            known = ", ".join(c.id for c in topology.components if c.kind == "source")
            raise SettingError(f"source: {name} has no component {source}; its sources are {known}")
        name, backlog = f"{source} of {name}", found[0].backlog
        data |= {"source": source, "backlog": backlog}
    old = _too_old(topology, now, max_age)
    if old is not None:
        return Verdict(False, old, data)
    if backlog is None:
        return Verdict(False, f"nobody counts what waits before {name}", data)
    said = f"{backlog} records wait before {name}, and {limit} are allowed"
    return Verdict(backlog <= limit, said, data)


def stable(
    topology: Topology, plans: Sequence[Plan], now: int, quiet_for: float = 0, max_age: float = MAX_AGE
) -> Verdict:
    """Whether a topology runs whole, nothing is being changed, and the last change ended long enough ago."""
    one, data = topology.summary, _figures(topology)
    old = _too_old(topology, now, max_age)
    if old is not None:
        return Verdict(False, old, data)
    if one.status != "active":
        return Verdict(False, f"{one.name} is {one.status or 'in no known state'}", data)
    if topology.unassigned > 0:
        return Verdict(False, f"{topology.unassigned} executors of {one.name} run nowhere", data)
    if one.plan == "under_way":
        return Verdict(False, f"a plan for {one.name} is under way", data)
    ended = [plan.since for plan in plans if plan.topology == one.id and plan.state in ("finished", "given_up")]
    # The end of a plan is told by the engine's clock, which may be ahead of the server's.
    quiet = (max(now, one.at) - max(ended)) / 1000 if ended else None
    data |= {"quiet_secs": quiet}
    if quiet is not None and quiet < quiet_for:
        said = f"the last plan for {one.name} ended {quiet:.0f} s ago, and {quiet_for:.0f} s are asked for"
        return Verdict(False, said, data)
    return Verdict(True, f"{one.name} runs and nothing is being changed", data)


def has_room(
    topology: Topology, now: int, more: float = 0.0, busy_limit: float = BUSY_LIMIT, max_age: float = MAX_AGE
) -> Verdict:
    """Whether a topology can do so much more than it is expected to do anyway: ``more`` is 0.2 for a fifth more.

    What is expected is its busiest component's busy share, times what its sources are foretold to bring over what they
    bring now where that is more. ``room`` among the figures is the most that ``more`` could be.
    """
    one, data = topology.summary, _figures(topology)
    foretold = topology.forecast.upper if topology.forecast is not None else None
    data |= {"more": more, "busy_limit": busy_limit, "forecast": foretold}
    old = _too_old(topology, now, max_age)
    if old is not None:
        return Verdict(False, old, data)
    if one.status != "active":
        return Verdict(False, f"{one.name} is {one.status or 'in no known state'}", data)
    if one.busy is None:
        return Verdict(False, f"nobody has measured how busy {one.name} is", data)
    grows = max(1.0, foretold / one.throughput) if foretold is not None and one.throughput else 1.0
    expected = one.busy * grows
    data |= {"expected_busy": expected, "room": busy_limit / expected - 1 if expected > 0 else None}
    busy = expected * (1 + more)
    said = f"{one.name} would be {100 * busy:.0f} % busy with {100 * more:.0f} % more"
    if grows > 1:
        said += f", at the {foretold:.0f} records a second that are foretold"
    return Verdict(busy <= busy_limit, f"{said}, and {100 * busy_limit:.0f} % are allowed", data)


def node_healthy(topology: Topology, host: str, now: int, min_power: float = 0.0, max_age: float = MAX_AGE) -> Verdict:
    """Whether a host is part of the cluster, has slots, is not drained, and does enough of what the ablest does."""
    nodes = [node for node in topology.nodes if host in (node.host, node.id)]
    powers = [node.power for node in nodes if node.power is not None]
    data: dict[str, Any] = {
        "engine": topology.summary.engine,
        "host": host,
        "at": topology.summary.at,
        "slots": sum(node.slots for node in nodes),
        "draining": any(node.draining for node in nodes),
        "power": min(powers, default=None),
    }
    old = _too_old(topology, now, max_age)
    if old is not None:
        return Verdict(False, old, data)
    if not nodes:
        known = ", ".join(sorted(node.host for node in topology.nodes)) or "none"
        return Verdict(False, f"{host} is not among the nodes of the cluster: {known}", data)
    if data["draining"]:
        return Verdict(False, f"{host} is drained", data)
    if data["slots"] == 0:
        return Verdict(False, f"{host} has no slots", data)
    if min_power > 0 and data["power"] is None:
        return Verdict(False, f"what {host} can do was not measured", data)
    if min_power > 0 and data["power"] < min_power:
        said = f"{host} can do {data['power']:.2f} of what the ablest node can, and {min_power:.2f} are asked for"
        return Verdict(False, said, data)
    return Verdict(True, f"{host} is healthy", data)


def left(topologies: Sequence[Topology], host: str) -> Verdict:
    """Whether nothing runs on a host any more."""
    running = {}
    for topology in topologies:
        ids = {node.id for node in topology.nodes if host in (node.host, node.id)}
        workers = sum(worker in ids for worker in topology.workers)
        if workers > 0:
            running[topology.summary.name] = workers
    data = {"host": host, "workers": running}
    if running:
        said = ", ".join(f"{count} of {name}" for name, count in sorted(running.items()))
        return Verdict(False, f"workers on {host}: {said}", data)
    return Verdict(True, f"nothing runs on {host}", data)


def settled(order: Order, topology: str) -> Verdict:
    """Whether an order was carried out.

    :raises OrderFailed: when it will not be any more.
    """
    data = asdict(order)
    name = f"order {order.id or order.why} for {topology}"
    if order.state == "done":
        return Verdict(True, f"{name} was carried out", data)
    said = f"{name} is {order.state}" + (f": {order.text}" if order.text else "")
    if order.is_open:
        return Verdict(False, said, data)
    raise OrderFailed(said, order.state)


def closed(engine: Engine, topology: Topology | None, now: int) -> str | None:
    """Why nothing is changed at this time, if so: a pause, a freeze, or an hour at which nothing may be done.

    A pause is known from when it is said. Of freezes and hours the interface tells where they keep something from being
    done; in one that keeps nothing from being done nothing is known of it here.
    """
    names = ("*",) if topology is None else (topology.summary.name, topology.summary.id)
    for pause in engine.pauses:
        lasts = pause.until is None or pause.until > now
        if lasts and pause.direction == "both" and any(fits(pause.scope, name) for name in names):
            return f"{pause.scope} of {engine.name} is paused" + (f" by {pause.who}" if pause.who else "")
    for reason in topology.reasons if topology is not None else ():
        if reason.code in CLOSED and topology is not None:
            return f"{topology.summary.name} is {CLOSED[reason.code]}: {reason.text}"
    return None


def look_lag(
    engine: str, topology: str, limit: int, source: str | None = None, max_age: float = MAX_AGE
) -> Steps[Verdict]:
    """Asks, and judges by :func:`lag_below`."""
    found, now = yield from steps.topology_at(engine, topology)
    return lag_below(found, limit, now, source, max_age)


def look_stable(engine: str, topology: str, quiet_for: float = 0, max_age: float = MAX_AGE) -> Steps[Verdict]:
    """Asks, and judges by :func:`stable`."""
    found, now = yield from steps.topology_at(engine, topology)
    plans = yield from steps.plans(engine, found.summary.name)
    return stable(found, plans, now, quiet_for, max_age)


def look_room(
    engine: str, topology: str, more: float = 0.0, busy_limit: float = BUSY_LIMIT, max_age: float = MAX_AGE
) -> Steps[Verdict]:
    """Asks, and judges by :func:`has_room`."""
    found, now = yield from steps.topology_at(engine, topology)
    return has_room(found, now, more, busy_limit, max_age)


def look_node(engine: str, host: str, min_power: float = 0.0, max_age: float = MAX_AGE) -> Steps[Verdict]:
    """Asks, and judges by :func:`node_healthy` with what the engine's first topology tells of nodes."""
    for summary in (yield from steps.summaries(engine)):
        try:
            found, now = yield from steps.topology_at(engine, summary.id)
        except NotFound:
            continue
        return node_healthy(found, host, now, min_power, max_age)
    return Verdict(False, f"{engine} has no topology, and tells of nodes with topologies only", {"host": host})


def look_left(engine: str, host: str) -> Steps[Verdict]:
    """Asks, and judges by :func:`left`."""
    return left((yield from steps.all_of(engine)), host)


def look_order(engine: str, topology: str, order: Order, mark: str) -> Steps[Verdict]:
    """Asks, and judges by :func:`settled`."""
    return settled((yield from steps.order_now(engine, topology, order, mark)), topology)


def look_closed(engine: str, topology: str | None) -> Steps[str | None]:
    """Asks, and judges by :func:`closed`."""
    of = yield from steps.engine_of(engine)
    if topology is None:
        told = yield from steps.ask(steps.Ask("GET", "/v1/me"))
        return closed(of, None, told.at)
    found, now = yield from steps.topology_at(engine, topology)
    return closed(of, found, now)
