"""Why something goes wrong at this time, and what becomes of a failure."""

from __future__ import annotations

from dataclasses import replace

import pytest

from thalweg_client import Engine, Pause, Topology
from thalweg_client.causes import Cause, Kind, Watch, cause, retry
from thalweg_client.model import Node, Reason

from .test_judge import NOW, SUMMARY, WORDS, words

ENGINE = Engine("storm", True, None, "act", [])


def because(code: str, text: str, measured: float | None = None) -> Topology:
    return replace(WORDS, reasons=[Reason(code, text, measured, 9.0)])


def test_nothing_is_known_of_a_topology_that_runs() -> None:
    assert cause(ENGINE, WORDS, NOW) is None
    assert cause(ENGINE, because("POLICY_STATIC", "left as it is"), NOW) is None


@pytest.mark.parametrize(
    ("topology", "kind", "said", "until"),
    [
        (words(status="rebalancing"), Kind.RESTARTING, "words is rebalancing", None),
        (replace(WORDS, unassigned=1), Kind.RESTARTING, "1 executors of words run nowhere", None),
        (because("EXECUTORS_RESTARTING", "split starts again"), Kind.RESTARTING, "words: split starts again", None),
        (words(plan="under_way"), Kind.ACTION, "a plan for words is under way", None),
        (because("CATCHING_UP", "lines is behind"), Kind.CATCHING_UP, "lines is behind (CATCHING_UP)", None),
        (because("LINK_SLOW", "host2 is far away"), Kind.NODE, "host2 is far away", None),
        (because("FROZEN", "a freeze", 60.0), Kind.FROZEN, "words: a freeze (FROZEN)", NOW - 1000 + 60_000),
        (because("OUTSIDE_HOURS", "closed", 5.0), Kind.FROZEN, "words: closed", NOW - 1000 + 5000),
        (because("OUTSIDE_HOURS", "no more hours come"), Kind.FROZEN, "no more hours come", None),
    ],
)
def test_what_is_known_is_told_with_its_end(topology: Topology, kind: Kind, said: str, until: int | None) -> None:
    found = cause(ENGINE, topology, NOW)
    assert found is not None
    assert (found.kind, found.until) == (kind, until)
    assert said in found.why


def test_a_node_is_failing_below_a_share_of_the_ablest_and_where_it_is_emptied() -> None:
    assert cause(ENGINE, WORDS, NOW, Watch(min_power=0.4)) is None
    slow = cause(ENGINE, WORDS, NOW, Watch(min_power=0.41))
    assert slow is not None
    assert (slow.kind, slow.measured, slow.limit, slow.hosts) == (Kind.NODE, 0.4, 0.41, ("host2",))
    emptied = replace(WORDS, nodes=[Node("n1", "host1", 4, True, 1.0), *WORDS.nodes[1:]])
    said = cause(ENGINE, emptied, NOW)
    assert said is not None
    assert said.why == "host1, on which words runs, is being emptied"
    elsewhere = replace(emptied, workers=["n2"])
    assert cause(ENGINE, elsewhere, NOW) is None, "it does not run there"


def test_a_pause_is_a_cause_until_its_end() -> None:
    paused = replace(ENGINE, pauses=[Pause("w*", "both", NOW + 5000, NOW, "ann")])
    found = cause(paused, WORDS, NOW)
    assert found == Cause(Kind.PAUSED, "w* of storm is paused by ann", NOW + 5000)
    assert cause(paused, WORDS, NOW + 5000) is None
    assert cause(paused, WORDS, NOW, Watch(kinds=("action",))) is None, "it does not count"
    one_way = replace(ENGINE, pauses=[Pause("w*", "in", None, NOW, "ann")])
    assert cause(one_way, WORDS, NOW) is None


def test_what_keeps_a_topology_from_running_is_named_first() -> None:
    both = replace(WORDS, summary=replace(SUMMARY, status="killed"), reasons=[Reason("FROZEN", "a freeze", 60.0)])
    found = cause(ENGINE, both, NOW)
    assert found is not None
    assert found.kind == Kind.RESTARTING


def test_an_engine_that_is_away_is_a_cause_and_what_is_too_old_is_none() -> None:
    away = cause(replace(ENGINE, up=False, fault="no socket"), None, NOW)
    assert away is not None
    assert (away.kind, away.why) == (Kind.ENGINE, "storm does not answer: no socket")
    assert cause(ENGINE, words(status="rebalancing", at=NOW - 121_000), NOW) is None


@pytest.mark.parametrize(
    ("known", "waited", "waits", "seconds", "said"),
    [
        (None, 0.0, False, 0.0, "Thalweg knows no cause of this failure, so it counts as any other"),
        (
            Cause(Kind.ACTION, "a plan is under way"),
            0.0,
            True,
            30.0,
            "once it no longer is so that a plan is under way",
        ),
        (Cause(Kind.ACTION, "a plan is under way"), 590.0, True, 10.0, "once it no longer is so"),
        (Cause(Kind.FROZEN, "a freeze", NOW + 90_000), 0.0, True, 90.0, "a freeze"),
        (Cause(Kind.FROZEN, "a freeze", NOW - 90_000), 0.0, True, 1.0, "a freeze"),
        (Cause(Kind.FROZEN, "a freeze", NOW + 9_000_000), 0.0, True, 600.0, "a freeze"),
        (Cause(Kind.FROZEN, "a freeze"), 600.0, False, 0.0, "after 600 s it still is so that a freeze"),
    ],
)
def test_a_failure_waits_for_its_cause_up_to_a_limit(
    known: Cause | None, waited: float, waits: bool, seconds: float, said: str
) -> None:
    decided = retry(known, waited, NOW, limit=600, interval=30)
    assert (decided.waits, decided.seconds) == (waits, seconds)
    assert said in decided.why
