"""Where a task runs, and how large, by figures that can be worked out by hand.

``words`` brings 100 records a second and is half busy with them, so up to 80 % it can take 60 more.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from thalweg_client import Engine, Pause, SettingError, Topology
from thalweg_client.model import Component, Forecast, Reason
from thalweg_client.placement import Answer, Candidate, Placement, Rules, Seen, Unseen, place

from .test_judge import NOW, WORDS, words

ENGINE = Engine("storm", True, None, "act", [])
PAUSED = replace(ENGINE, pauses=[Pause("words", "both", None, NOW, "ann")])
AWAY = Unseen("GET /v1/engines at http://there: no connection")
#: It is full: nothing more than what it has.
FULL = words(busy=0.8)
PEAK = replace(WORDS, forecast=Forecast(NOW + 60_000, 140.0, 150.0))


def told(topology: Topology | None, engine: Engine = ENGINE) -> Seen:
    return Seen(engine, topology, NOW)


def candidate(work: float = 50, **given: Any) -> Candidate:
    return Candidate(**{"topology": "words", "work": work, **given})


def placed(*of: tuple[Candidate, Seen | Unseen], **rules: Any) -> Placement:
    return place([one for one, _ in of], [seen for _, seen in of], Rules(**rules))


@pytest.mark.parametrize(
    ("given", "topology", "answer", "said"),
    [
        (
            {"work": 60},
            WORDS,
            Answer.START,
            "words would be 80 % busy with 60 records a second more, and 80 % are allowed",
        ),
        (
            {"work": 61},
            WORDS,
            Answer.WAIT,
            "words would be 80 % busy with 61 records a second more, and 80 % are allowed",
        ),
        ({"work": 61, "busy_limit": 0.9}, WORDS, Answer.START, "90 % are allowed"),
        ({"work": 10}, PEAK, Answer.START, "80 % busy with 10 records a second more, at the 150 that are foretold"),
        ({"work": 11}, PEAK, Answer.WAIT, "at the 150 that are foretold"),
        ({"work": 120, "smallest": 0.5}, WORDS, Answer.SMALLER, "110 % busy with 120"),
        ({"work": 120, "smallest": 0.51}, WORDS, Answer.WAIT, "110 % busy with 120"),
        ({"work": 0}, FULL, Answer.START, "80 % busy with 0"),
        ({}, words(status="rebalancing"), Answer.WAIT, "words is rebalancing"),
        ({}, replace(WORDS, unassigned=2), Answer.WAIT, "2 executors of words run nowhere"),
        ({}, words(plan="under_way"), Answer.WAIT, "a plan for words is under way"),
        ({"min_power": 0.5}, WORDS, Answer.WAIT, "host2, on which words runs, can do 0.40 of what the ablest node can"),
        ({}, None, Answer.WAIT, "storm has no topology words"),
        ({}, words(busy=None), Answer.START, "nobody has measured what a record costs words; on_unknown is start"),
        ({}, words(throughput=0.0), Answer.START, "nobody has measured what a record costs words"),
        ({}, words(at=NOW - 121_000), Answer.START, "words was judged 121 s ago, and 120 s are allowed"),
    ],
)
def test_one_candidate_is_taken_where_it_has_room(
    given: dict[str, Any], topology: Topology | None, answer: Answer, said: str
) -> None:
    decided = placed((candidate(**given), told(topology)))
    assert decided.answer == answer, decided
    assert said in decided.why


def test_what_was_measured_and_its_limit_come_with_the_answer() -> None:
    start = placed((candidate(60), told(WORDS)))
    assert start.measured == pytest.approx(0.8)
    assert (start.limit, start.factor) == (0.8, 1.0)
    smaller = placed((candidate(120, smallest=0.1), told(WORDS)))
    assert smaller.measured == pytest.approx(1.1)
    assert (smaller.limit, smaller.factor) == (0.8, 0.5)
    assert smaller.json()["answer"] == "smaller"
    slow = placed((candidate(min_power=0.5), told(WORDS)))
    assert slow.assessed[0].measured == 0.4
    assert slow.assessed[0].limit == 0.5


def test_a_part_is_never_more_than_there_is_room_for() -> None:
    decided = placed((candidate(70, smallest=0.1), told(WORDS)))
    assert decided.factor == 0.85
    assert decided.factor * 70 <= 60


def test_another_candidate_with_room_goes_before_more_and_less() -> None:
    other = candidate(task="there", engine="flink")
    decided = placed((candidate(smallest=0.1, counts={"split": 9}), told(FULL)), (other, told(WORDS)))
    assert (decided.answer, decided.chosen) == (Answer.ELSEWHERE, 1)


def test_more_is_asked_for_where_it_would_do() -> None:
    # Half busy with three executors at 100: at 200 they are 100 % busy, and five of them 60 %; the source stays at one.
    sized = replace(
        WORDS, components=[Component("lines", "source", 1, 0.1, 0), Component("split", "operator", 3, 0.5, None)]
    )
    asked = placed((candidate(100, counts={"split": 5}), told(sized)))
    assert (asked.answer, asked.change) == (Answer.MORE, {"counts": {"split": 5}})
    assert placed((candidate(100, counts={"split": 5}, smallest=0.5), told(sized))).answer == Answer.MORE
    assert placed((candidate(100, counts={"split": 5}, smallest=0.5), told(sized)), prefer="smaller").factor == 0.6


@pytest.mark.parametrize(
    ("counts", "work", "engine", "said"),
    [
        ({"split": 3}, 100, ENGINE, "as many executors as may be asked for are there already"),
        ({"splti": 9}, 100, ENGINE, "it has no component splti"),
        ({"split": 4}, 100, ENGINE, "with all that may be asked for it would still be 100 % busy"),
        ({"split": 9, "lines": 2}, 100, PAUSED, "no more can be asked for now: words of storm is paused by ann"),
    ],
)
def test_why_no_more_is_asked_for(counts: dict[str, int], work: float, engine: Engine, said: str) -> None:
    decided = placed((candidate(work, counts=counts), told(WORDS, engine)))
    assert decided.answer == Answer.WAIT
    assert said in decided.why


def test_what_was_refused_is_not_asked_for_again() -> None:
    given = candidate(100, counts={"split": 9, "lines": 2}, smallest=0.5)
    assert place([given], [told(WORDS)]).answer == Answer.MORE
    decided = place([given], [told(WORDS)], refused={0: "409 refused by engine"})
    assert decided.answer == Answer.SMALLER
    assert "no more is to be had: 409 refused by engine" in decided.why


def test_a_failing_host_is_left_before_it_fails() -> None:
    given = candidate(min_power=0.5, leave=True)
    decided = placed((given, told(WORDS)))
    assert (decided.answer, decided.change) == (Answer.MORE, {"leave": ["host2"]})
    decided = placed((given, told(WORDS, PAUSED)))
    assert decided.answer == Answer.WAIT
    assert "it cannot be left now: words of storm is paused by ann" in decided.why


@pytest.mark.parametrize(
    ("on_unknown", "answer", "chosen"),
    [("start", Answer.START, 0), ("wait", Answer.WAIT, None), ("fail", Answer.FAIL, None)],
)
def test_where_nothing_is_known_the_user_has_said_what_happens(
    on_unknown: str, answer: Answer, chosen: int | None
) -> None:
    decided = placed((candidate(), AWAY), on_unknown=on_unknown)
    assert (decided.answer, decided.chosen, decided.unknown) == (answer, chosen, True)
    assert "no connection" in decided.why
    # What is known to have room needs no such word.
    known = placed((candidate(), AWAY), (candidate(task="there"), told(WORDS)), on_unknown=on_unknown)
    assert (known.answer, known.chosen, known.unknown) == (Answer.ELSEWHERE, 1, False)
    # Nor does what may be asked for more.
    more = {"split": 9, "lines": 2}
    known = placed((candidate(), AWAY), (candidate(100, counts=more), told(WORDS)), on_unknown=on_unknown)
    assert (known.answer, known.chosen) == (Answer.MORE, 1)


def test_a_wait_tells_when_it_is_worth_another_look() -> None:
    assert placed((candidate(11), told(PEAK))).until == NOW + 60_000
    assert placed((candidate(61), told(WORDS))).until is None
    two = placed((candidate(11), told(PEAK)), (candidate(61), told(WORDS)))
    assert two.until == NOW + 60_000
    assert two.why.startswith("words: words would be 80 % busy with 11")


def test_the_same_figures_have_the_same_answer() -> None:
    given = (candidate(61, smallest=0.3), told(replace(WORDS, reasons=[Reason("PAUSED", "paused")])))
    assert placed(given) == placed(given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"topology": "words"}, "work is missing"),
        ({"topology": "words", "work": "many"}, "work: 'many' is no number"),
        ({"topology": "words", "work": -1}, "work: -1.0 of words is no number"),
        ({"topology": "words", "work": 1, "smallest": 0}, "smallest: 0.0 of words"),
        ({"topology": "words", "work": 1, "cuonts": {}}, "candidates: cuonts is none of topology, work"),
        ({"topology": "words", "work": 1, "counts": {"split": "four"}}, "counts: split: 'four' is no number"),
        (5, "candidates: 5 has no fields"),
        ({"topology": "words", "work": float("inf")}, "work: inf of words is no number"),
        ({"topology": "words", "work": 1, "busy_limit": 80}, "busy_limit: 80.0 of words"),
        ({"topology": "words", "work": 1, "busy_limit": "nan"}, "busy_limit: nan of words"),
        ({"topology": "words", "work": 1, "min_power": -0.1}, "min_power: -0.1 of words"),
        ({"topology": "words", "work": 1, "min_power": "nan"}, "min_power: nan of words"),
        ({"topology": "words", "work": 1, "max_age": -1}, "max_age: -1.0 of words"),
        ({"topology": "words", "work": 1, "max_age": "nan"}, "max_age: nan of words"),
        ({"topology": "words", "work": 1, "counts": {"split": float("inf")}}, "counts: split: inf is no whole"),
        ({"topology": "words", "work": 1, "counts": 3}, "counts: 3 has no components"),
        ({"topology": "words", "work": 1, "leave": "no"}, "leave: 'no' is neither true nor false"),
    ],
)
def test_a_candidate_that_cannot_be_is_named(given: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingError, match=said):
        Candidate.read(given)


def test_templates_make_texts_of_numbers() -> None:
    read = Candidate.read({"topology": "words", "work": "50", "counts": {"split": "4"}})
    assert read == candidate(50, counts={"split": 4})
    assert Candidate.read({"topology": "words", "work": 1, "leave": "False"}).leave is False
    assert Candidate.read({"topology": "words", "work": 1, "leave": "True"}).leave is True
    with pytest.raises(SettingError, match="busy_limit: 80"):
        candidate(busy_limit=80)
    with pytest.raises(SettingError, match="on_unknown: 'go' is none of start, wait, fail"):
        Rules(on_unknown="go")  # type: ignore[arg-type]
    with pytest.raises(SettingError, match="there are none"):
        place([], [])
