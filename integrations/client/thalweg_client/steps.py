"""Conversations with a server, as generators: they yield what is asked and how long is waited, and hold no connection.

Each of them is held by :class:`~thalweg_client.client.Client` or :class:`~thalweg_client.client.AsyncClient`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote

from thalweg_client.errors import AnswerLost, NotFound, OrderUnknown, Refused, ThalwegError
from thalweg_client.model import Engine, Fields, Me, Order, Plan, Record, Summary, Topology, fits

T = TypeVar("T")

#: The longest reason of an order that a server takes.
LONGEST_REASON = 400
#: Rests between looks for an order whose answer was lost. Together they are longer than the ten seconds for which a
#: server waits for an engine: what is not there by then was not taken.
LOOKS = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 4.0)
#: Entries of one page.
PAGE = 500


@dataclass(frozen=True)
class Ask:
    """A request."""

    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] | None = None

    @property
    def is_order(self) -> bool:
        """Whether it changes anything, so that it is not to be repeated without a look."""
        return self.method != "GET"

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True)
class Rest:
    """A pause."""

    seconds: float


@dataclass(frozen=True)
class Told:
    """An answer."""

    value: Any
    #: When it was given by the server's clock, in ms since 1970.
    at: int
    #: What was asked, for errors.
    of: str

    def fields(self) -> Fields:
        return Fields(self.value, self.of)


Steps = Generator[Ask | Rest, Told | None, T]


def ask(what: Ask) -> Steps[Told]:
    """Asks one thing."""
    told = yield what
    if told is None:
        raise TypeError("a request was answered as if it were a rest")
    return told


def path(*parts: str) -> str:
    """The path of what is named."""
    return "/v1/" + "/".join(quote(part, safe="") for part in parts)


def _get(*parts: str, **query: str | None) -> Steps[Told]:
    given = {name: value for name, value in query.items() if value}
    return ask(Ask("GET", path(*parts), given))


def me() -> Steps[Me]:
    """Whose token it is."""
    return Me.read((yield from _get("me")).fields())


def engines() -> Steps[list[Engine]]:
    """The engines."""
    told = yield from _get("engines")
    return Fields({"engines": told.value}, told.of).each("engines", Engine.read)


def engine_of(name: str) -> Steps[Engine]:
    """One engine."""
    all_of_them = yield from engines()
    for one in all_of_them:
        if one.name == name:
            return one
    known = ", ".join(one.name for one in all_of_them) or "none"
    raise ThalwegError(f"engine: there is no engine {name}; the server has {known}")


def _pages(*parts: str, **query: str | None) -> Steps[list[Told]]:
    pages: list[Told] = []
    cursor: str | None = None
    while True:
        told = yield from _get(*parts, **query, limit=str(PAGE), cursor=cursor)
        pages.append(told)
        cursor = told.fields().optional_text("next")
        if cursor is None:
            return pages


def summaries(engine: str | None = None, q: str | None = None) -> Steps[list[Summary]]:
    """The topologies, of one engine or of all."""
    pages = yield from _pages("topologies", engine=engine, q=q)
    return [one for page in pages for one in page.fields().each("items", Summary.read)]


def topology_at(engine: str, topology: str) -> Steps[tuple[Topology, int]]:
    """One topology, by its name or id, and when that was told."""
    told = yield from _get("engines", engine, "topologies", topology)
    return Topology.read(told.fields()), told.at


def topology(engine: str, topology: str) -> Steps[Topology]:
    """One topology, by its name or id."""
    return (yield from topology_at(engine, topology))[0]


def plans(engine: str, name: str) -> Steps[list[Plan]]:
    """The plans of an engine for topologies with this in their names."""
    pages = yield from _pages("plans", engine=engine, q=name)
    return [one for page in pages for one in page.fields().each("items", Plan.read)]


def newest(engine: str, topology: str | None = None, kind: str | None = None) -> Steps[int]:
    """The number of the newest record in an engine's ledger; 0 if there is none."""
    told = yield from _get("history", engine=engine, topology=topology, kind=kind, limit="1")
    found = told.fields().each("items", Record.read)
    return found[0].seq if found else 0


def records(engine: str, after: int, topology: str | None = None, kind: str | None = None) -> Steps[list[Record]]:
    """The records after a number, the oldest first."""
    found: list[Record] = []
    cursor: str | None = None
    while True:
        told = yield from _get("history", engine=engine, topology=topology, kind=kind, limit=str(PAGE), cursor=cursor)
        page = told.fields().each("items", Record.read)
        found += [record for record in page if record.seq > after]
        cursor = told.fields().optional_text("next")
        if cursor is None or len(page) == 0 or page[-1].seq <= after:
            return found[::-1]


def news(
    engine: str, after: int | None, topology: str | None = None, kind: str | None = None
) -> Steps[tuple[list[Record], int]]:
    """The records after a number, the oldest first, and the number to go on from.

    Without a number nothing is new yet. A ledger whose numbers have begun anew is another one, and all of it is new.
    """
    last = yield from newest(engine)
    if after is None or last == after:
        return [], last
    found = yield from records(engine, after if last > after else 0, topology, kind)
    # More may have come since.
    return found, max([last, *(record.seq for record in found)])


def orders(engine: str, topology: str) -> Steps[list[Order]]:
    """The orders for a topology that the engine remembers: those that are open, and the last ones that are over."""
    told = yield from _get("engines", engine, "topologies", topology, "explain")
    return told.fields().each("orders", Order.read)


def reference(*of: str, body: Mapping[str, Any]) -> str:
    """A short name of one order by one task, the same each time that task runs."""
    text = json.dumps([*of, body], sort_keys=True, separators=(",", ":"))
    return "ref-" + hashlib.sha256(text.encode()).hexdigest()[:20]


def reason(why: str, mark: str) -> str:
    """The reason of an order with its reference at its end, as long as it may be."""
    why = " ".join(why.split())
    room = LONGEST_REASON - len(mark) - 3
    return f"{why[:room].rstrip()} [{mark}]" if why else f"[{mark}]"


def _marked(known: Sequence[Order], mark: str) -> Order | None:
    mine = [order for order in known if mark in order.why]
    return max(mine, key=lambda order: order.at, default=None)


def _remembered(engine: str, topology: str, mark: str) -> Steps[Order | None]:
    """What the ledger knows of an order that the engine has forgotten."""
    told = yield from _get("history", engine=engine, kind="order", q=mark, limit="1")
    found = told.fields().each("items", Record.read)
    if not found or topology not in (found[0].topology, found[0].name):
        return None
    record = found[0]
    return Order("", record.text, record.at, record.result, "", record.plan)


def order_of(engine: str, topology: str, mark: str) -> Steps[Order | None]:
    """The last order with a reference, if there was one."""
    known = yield from orders(engine, topology)
    return _marked(known, mark) or (yield from _remembered(engine, topology, mark))


def scale(engine: str, topology: str, change: Mapping[str, Any], mark: str, why: str = "") -> Steps[Order]:
    """Orders a change of a topology, once.

    An order with the same reference that is open or was carried out is this one, and none is given. What is lost on the
    way is looked for, and not sent again here; whoever begins anew after :class:`OrderUnknown` looks first as well.

    :param change: ``counts``, ``memory_mib``, ``leave`` and ``adopt``, as the interface takes them.
    """
    known = yield from orders(engine, topology)
    mine = _marked(known, mark) or (yield from _remembered(engine, topology, mark))
    if mine is not None and (mine.is_open or mine.state == "done"):
        return mine
    text = reason(why, mark)
    where = path("engines", engine, "topologies", topology, "scale")
    try:
        told = yield from ask(Ask("POST", where, body={**change, "why": text}))
    except AnswerLost as lost:
        return (yield from _sought(engine, topology, mark, {order.id for order in known}, lost))
    return Order(told.fields().text("order"), text, told.at, "waiting", "", None)


def _sought(engine: str, topology: str, mark: str, before: set[str], lost: AnswerLost) -> Steps[Order]:
    for seconds in LOOKS:
        yield Rest(seconds)
        try:
            known = yield from orders(engine, topology)
        except ThalwegError as error:
            if not error.passing:
                raise
            continue
        found = _marked([order for order in known if order.id not in before], mark)
        if found is not None:
            return found
    text = f"{lost}; no order with the reference {mark} was found afterwards, and none was sent again"
    raise OrderUnknown(text) from lost


def order_now(engine: str, topology: str, order: Order, mark: str) -> Steps[Order]:
    """How an order stands."""
    known = yield from orders(engine, topology)
    for one in known:
        if order.id and one.id == order.id:
            return one
    remembered = yield from _remembered(engine, topology, mark)
    if remembered is None:
        raise ThalwegError(f"order {order.id or mark} of {topology}: neither engine nor ledger knows it any more")
    return remembered


def cancel(engine: str, order: str, why: str = "") -> Steps[None]:
    """Takes an order back that still waits; one that does not is left to its end."""
    try:
        yield from ask(Ask("POST", path("engines", engine, "orders", order, "cancel"), body={"why": why}))
    except Refused:
        return


def said(what: Ask, already: Callable[[ThalwegError], bool] = lambda _error: False) -> Steps[bool]:
    """Says something that means the same when it is said twice, so what is lost on the way is said again.

    :param already: Whether an error means that it held before. After a lost answer it may hold because of what was
        lost, so it counts as new then.
    :returns: Whether it was new.
    """
    lost = False
    for seconds in (*LOOKS, None):
        try:
            yield from ask(what)
        except ThalwegError as error:
            if already(error):
                return lost
            lost = lost or isinstance(error, AnswerLost)
            # Once an answer is lost, giving up early would leave it open whether it was done.
            if seconds is None or not (lost and error.passing):
                raise
            yield Rest(seconds)
        else:
            break
    return True


def _scoped(scope: str | None, why: str) -> dict[str, Any]:
    return {"why": why[:LONGEST_REASON]} | ({} if scope is None else {"topology": scope})


def pause(engine: str, scope: str | None, until: int | None, why: str = "") -> Steps[bool]:
    """Has a topology, or all of an engine, left as it is. Where it is for as long already, nothing is said.

    :param until: When it is over by itself, in ms since 1970; until somebody resumes if absent.
    :returns: Whether it is new. One that makes a pause of the same scope last longer is not: whoever takes it back
        would take the other one back as well.
    """
    wanted = scope or "*"
    before = [one for one in (yield from engine_of(engine)).pauses if one.scope == wanted and one.direction == "both"]
    if any(one.until is None or (until is not None and one.until >= until) for one in before):
        return False
    body = _scoped(scope, why) | ({} if until is None else {"until": until})
    yield from said(Ask("POST", path("engines", engine, "pause"), body=body))
    return not before


def resume(engine: str, scope: str | None, why: str = "") -> Steps[None]:
    """Lets a topology, or all of an engine, be changed again, whoever has paused it."""
    yield from said(Ask("POST", path("engines", engine, "resume"), body=_scoped(scope, why)))


def take_back(engine: str, scope: str | None, until: int | None, why: str = "") -> Steps[str | None]:
    """Ends a pause that was new, unless that would end somebody else's for the same topologies as well.

    :param until: When the pause would be over by itself.
    :returns: Why it is left as it is, if it is.
    """
    wanted = scope or "*"
    # Who has just paused may not be told of it yet: that the pause is not there means nothing.
    pauses = (yield from engine_of(engine)).pauses
    others = [one for one in pauses if (one.scope, one.direction, one.until) != (wanted, "both", until)]
    known = (yield from summaries(engine)) if others else []
    for other in others:
        both = any(_within(wanted, one) and _within(other.scope, one) for one in known)
        # What is said of all counts for topologies to come as well.
        if both or other.scope == wanted or "*" in (wanted, other.scope):
            return f"{other.scope} of {engine} is paused" + (f" by {other.who}" if other.who else "")
    yield from resume(engine, scope, why)
    return None


def _within(scope: str, topology: Summary) -> bool:
    return fits(scope, topology.name) or fits(scope, topology.id)


def drain(engine: str, host: str, why: str = "") -> Steps[bool]:
    """Has everything leave a host; says whether that was new."""
    where = path("engines", engine, "hosts", host, "drain")
    # A host is refused, rather than not found, only if it is drained already.
    return said(
        Ask("POST", where, body={"why": why[:LONGEST_REASON]}),
        lambda error: isinstance(error, Refused) and error.place == "host",
    )


def undrain(engine: str, host: str) -> Steps[bool]:
    """Lets a host be used again; says whether it was drained."""
    return said(
        Ask("DELETE", path("engines", engine, "hosts", host, "drain")),
        lambda error: isinstance(error, NotFound) and error.place == "host",
    )


def all_of(engine: str) -> Steps[list[Topology]]:
    """All topologies of an engine with all that is known of them. One that goes meanwhile is left out."""
    found: list[Topology] = []
    for summary in (yield from summaries(engine)):
        try:
            found.append((yield from topology(engine, summary.id)))
        except NotFound:
            continue
    return found
