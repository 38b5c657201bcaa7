"""Orders of a placement that cannot be given just then, and those whose answers are lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pytest

from thalweg_client import (
    Client,
    NotNow,
    Order,
    OrderUnknown,
    Refused,
    ThalwegError,
    Unreachable,
    steps,
)
from thalweg_client.placement import Answer, Candidate, Placement, Rules, Seen
from thalweg_client.placing import Placing, Progress
from thalweg_client.steps import Steps
from thalweg_testing.stand import ENGINE, TOPOLOGY, Stand

from .test_judge import NOW, WORDS
from .test_placement import ENGINE as STORM

CANDIDATE = Candidate("words", 100, engine="storm", counts={"split": 9, "lines": 2}, smallest=0.5)


def _kind(conversation: Any) -> str:
    return str(conversation.__name__)


def placing(order: Callable[[], Any], marks: list[str] | None = None) -> Placing:
    """A placement that sees what never changes, and whose orders come to what is told."""

    def run(_candidate: Candidate, conversation: Steps[Any], /) -> Any:
        kind = _kind(conversation)
        conversation.close()
        if kind == "look_seen":
            return Seen(STORM, WORDS, NOW)
        return order() if kind == "scale" else None

    given = iter(marks or ["ref-1", "ref-2", "ref-3"])
    return Placing(
        [CANDIDATE], Rules(), run, lambda _one, _change: next(given), lambda _of: "", lambda _text, _bad: None
    )


def taken() -> Order:
    return Order("o-1", "why", NOW, "waiting", "", None)


def fails(error: ThalwegError) -> Callable[[], Any]:
    def order() -> Any:
        raise error

    return order


@pytest.mark.parametrize("error", [Unreachable("no connection"), NotNow("POST", 503, {"title": "busy"})])
def test_what_passes_is_asked_for_again(error: ThalwegError) -> None:
    progress = Progress(0.0)
    decided = placing(fails(error)).decided(progress)
    assert decided.answer == Answer.MORE
    assert "no more could be asked for yet" in decided.why
    assert (progress.refused, progress.ordered, progress.again) == ({}, {}, ["0"])
    # What goes along while it waits is JSON.
    after = Progress(**asdict(progress))
    placing(taken).decided(after)
    assert (after.refused, after.ordered, after.again) == ({}, {"0": "ref-1"}, [])


def test_an_order_whose_answer_was_lost_keeps_its_reference() -> None:
    progress = Progress(0.0)
    assert placing(fails(OrderUnknown("lost"))).decided(progress).answer == Answer.MORE
    assert (progress.refused, progress.ordered, progress.again) == ({}, {"0": "ref-1"}, ["0"])
    asked: list[int] = []

    def order() -> Order:
        asked.append(1)
        return taken()

    again = placing(order, ["ref-another"])
    again.decided(progress)
    again.decided(progress)
    assert (progress.ordered, progress.again) == ({"0": "ref-1"}, [])
    assert asked == [1], "once it is given it is waited for"


def test_what_is_refused_is_decided_without_it() -> None:
    progress = Progress(0.0)
    decided = placing(fails(Refused("POST", 409, {"title": "refused by engine"}))).decided(progress)
    assert decided.answer == Answer.SMALLER
    assert "409 refused by engine" in progress.refused["0"]
    assert progress.again == []


def test_an_order_that_was_taken_after_all_is_not_given_twice(served: Stand) -> None:
    one = Candidate(TOPOLOGY, 50, engine=ENGINE, counts={"split": 8})
    with Client(served.settings()) as client:

        def run(_candidate: Candidate, conversation: Steps[Any], /) -> Any:
            lost = _kind(conversation) == "scale" and not progress.ordered
            found = client.run(conversation)
            if lost:
                raise OrderUnknown("the answer was lost")
            return found

        def why(_decided: Placement) -> str:
            return "more"

        progress = Progress(0.0)
        made = Placing([one], Rules(), run, lambda _one, _change: "ref-lost", why, lambda _text, _bad: None)
        assert made.decided(progress).answer == Answer.MORE
        assert progress.again == ["0"]
        served.until(lambda: steps.orders(ENGINE, TOPOLOGY), lambda found: len(found) == 1)
        made.decided(progress)
    assert progress.again in ([], ["0"])
    assert progress.refused == {}
    assert len(served.run(steps.orders(ENGINE, TOPOLOGY))) == 1
