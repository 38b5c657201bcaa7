"""Carries out what :mod:`~thalweg_client.placement` decides, up to the point at which somebody has to wait."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

from thalweg_client import steps
from thalweg_client.errors import OrderUnknown, SettingError, ThalwegError
from thalweg_client.placement import Answer, Candidate, Placement, Rules, look_ordered, look_seen, place
from thalweg_client.steps import Steps

T = TypeVar("T")


class Run(Protocol):
    """Holds a conversation with a candidate's server."""

    def __call__(self, candidate: Candidate, steps: Steps[T], /) -> T: ...


@dataclass
class Progress:
    """How far a placement has come: what goes along while it waits. All of it is JSON."""

    #: When it began, in seconds since 1970.
    since: float
    #: Why no more is to be had, by a candidate's place in the list.
    refused: dict[str, str] = field(default_factory=dict)
    #: The references of orders that were given, by a candidate's place; also of those whose answers were lost.
    ordered: dict[str, str] = field(default_factory=dict)
    #: The places of candidates whose orders are to be given again, as nobody knows whether they were taken, or as the
    #: server could not take them just then.
    again: list[str] = field(default_factory=list)


def seen_by(run: Run, candidates: Sequence[Candidate], rules: Rules, refused: Mapping[str, str]) -> Placement:
    """Asks each candidate's server, and decides."""
    seen = [run(one, look_seen(one.engine, one.topology)) for one in candidates]
    return place(candidates, seen, rules, {int(at): why for at, why in refused.items()})


@dataclass(frozen=True)
class Placing:
    """One placement.

    :param mark: Makes the reference of an order, the same each time that the same task gives it.
    :param why: Why more is asked for, for the ledger.
    :param said: Is told what happens, with whether it is a warning.
    """

    candidates: Sequence[Candidate]
    rules: Rules
    run: Run
    mark: Callable[[Candidate, Mapping[str, Any]], str]
    why: Callable[[Placement], str]
    said: Callable[[str, bool], None]

    def decided(self, progress: Progress) -> Placement:
        """The decision; where that is to ask for more it is asked for, once. What is refused is decided without it.

        What may be answered differently soon is asked for again at the next look.
        """
        while True:
            decided = seen_by(self.run, self.candidates, self.rules, progress.refused)
            if decided.answer != Answer.MORE or decided.chosen is None:
                return decided
            try:
                why = self._more(decided, decided.chosen, progress)
            except SettingError:
                raise
            except ThalwegError as error:
                if _passes(error):
                    self.said(f"no more for {decided.candidate} yet: {error}", True)
                    return replace(decided, why=f"{decided.why}; no more could be asked for yet: {error}")
                why = str(error)
            if why is None:
                return decided
            self.said(f"no more for {decided.candidate}: {why}", True)
            progress.refused[str(decided.chosen)] = why

    def _more(self, decided: Placement, chosen: int, progress: Progress) -> str | None:
        """Gives the order, or says why nothing comes of the one that was given."""
        at = str(chosen)
        one, mark = self.candidates[chosen], progress.ordered.get(at)
        if mark is not None and at not in progress.again:
            return self.run(one, look_ordered(one.engine, one.topology, mark))
        change = dict(decided.change)
        # With the reference that it had, an order that was taken after all is found, and not given twice.
        mark = mark or self.mark(one, change)
        try:
            order = self.run(one, steps.scale(one.engine, one.topology, change, mark, self.why(decided)))
        except ThalwegError as error:
            if isinstance(error, OrderUnknown):
                progress.ordered[at] = mark
            if _passes(error) and at not in progress.again:
                progress.again.append(at)
            raise
        self.said(f"order {order.id or mark} for {one.name} is {order.state}: {change}", False)
        progress.ordered[at] = mark
        progress.again[:] = [other for other in progress.again if other != at]
        return None


def _passes(error: ThalwegError) -> bool:
    return error.passing or isinstance(error, OrderUnknown)
