"""Schedules as peaks that an engine expects: reckoned by hand, and said to a real one."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from thalweg_client import NotNow, SettingError, Topology, steps
from thalweg_client.model import Component, Forecast, Peak
from thalweg_client.peaks import Load, Runs, bounded, counts_for, sync, wanted
from thalweg_testing.stand import ENGINE, TOPOLOGY, Stand, stand

from .test_judge import NOW, WORDS, words

HOUR = 3_600_000
SIZED = replace(
    WORDS,
    components=[
        Component("lines", "source", 1, 0.1, 0),
        Component("split", "operator", 3, 0.5, None),
        Component("sink", "operator", 1, 0.1, None),
        Component("acker", "system", 1, 0.1, None),
    ],
)


def load(**given: Any) -> Load:
    return Load(**{"topology": "words", "work": 100.0, "minutes": 30, **given})


@pytest.mark.parametrize(
    ("topology", "given", "counts"),
    [
        # Three executors that are half busy at 100 records a second are 1.5 busy ones; at 200 three, over 80 % each.
        (SIZED, {}, {"split": 4, "sink": 1}),
        (SIZED, {"work": 0}, {"split": 2, "sink": 1}),
        (SIZED, {"busy_limit": 1.0}, {"split": 3, "sink": 1}),
        (replace(SIZED, forecast=Forecast(NOW, 150.0, 200.0)), {}, {"split": 6, "sink": 1}),
        (words(throughput=None), {}, None),
        (words(at=NOW - 121_000), {}, None),
        (words(throughput=None), {"counts": {"split": 9}}, {"split": 9}),
    ],
)
def test_executors_are_reckoned_by_what_a_record_costs(
    topology: Topology, given: dict[str, Any], counts: dict[str, int] | None
) -> None:
    assert counts_for(topology, load(**given), NOW) == counts


def peak(start: int, count: int, **changed: Any) -> Peak:
    return replace(Peak("airflow/d", "words", start, start + HOUR // 2, {"split": count}, 600.0), **changed)


def reckoned(known: list[Peak], count: int | None, *starts: int, **given: Any) -> list[Peak] | None:
    counts = None if count is None else {"split": count}
    return wanted("airflow/d", Runs(load(**given), starts), known, counts, NOW)


def test_each_run_is_a_peak_and_what_is_over_is_none() -> None:
    assert reckoned([], 4, NOW + 2 * HOUR, NOW + HOUR) == [peak(NOW + HOUR, 4), peak(NOW + 2 * HOUR, 4)]
    assert reckoned([], 4, NOW - HOUR // 2) == []
    assert reckoned([], None, NOW + HOUR) is None, "nobody can tell how many"
    assert reckoned([peak(NOW + HOUR, 4)], None, NOW + HOUR) == [peak(NOW + HOUR, 4)]


@pytest.mark.parametrize(
    ("start", "before", "needed", "after"),
    [
        (NOW + HOUR, 8, 8, 8),
        (NOW + HOUR, 8, 6, 8),
        (NOW + HOUR, 8, 5, 5),
        (NOW + HOUR, 8, 9, 9),
        # What is measured once it is near is its own work.
        (NOW + 600_000, 8, 20, 8),
        (NOW - 60_000, 8, 2, 8),
    ],
)
def test_figures_that_waver_change_nothing(start: int, before: int, needed: int, after: int) -> None:
    assert reckoned([peak(start, before)], needed, start) == [peak(start, after)]


def test_another_load_or_topology_is_said_anew() -> None:
    longer = reckoned([peak(NOW + HOUR, 4)], 4, NOW + HOUR, minutes=60)
    assert longer == [peak(NOW + HOUR, 4, until=NOW + 2 * HOUR)]
    assert reckoned([peak(NOW + HOUR, 9, scope="lines")], 4, NOW + HOUR) == [peak(NOW + HOUR, 4)]
    given = reckoned([peak(NOW + HOUR, 9)], 8, NOW + HOUR, counts={"split": 8})
    assert given == [peak(NOW + HOUR, 8)]


def test_what_cannot_be_a_load_is_named() -> None:
    with pytest.raises(SettingError, match="minutes: 0 of words"):
        load(minutes=0)
    with pytest.raises(SettingError, match="load: minutes is missing"):
        Load.read({"topology": "words", "work": 1})
    with pytest.raises(SettingError, match="load: wrok is unknown"):
        Load.read({"topology": "words", "wrok": 1})
    assert Load.read(load(counts={"a": 1}).json()) == load(counts={"a": 1})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (5, "load: 5 has no fields"),
        ("words", "load: 'words' has no fields"),
        ({"topology": 5}, "topology: 5 is no text"),
        ({"topology": ""}, "topology: it is empty"),
        ({"engine": None}, "engine: None is no text"),
        ({"work": "much"}, "work: 'much' is no number"),
        ({"work": True}, "work: True is no number"),
        ({"work": float("inf")}, "work: inf"),
        ({"minutes": None}, "minutes: None is no number"),
        ({"minutes": float("inf")}, "minutes: inf of words is not from"),
        ({"minutes": float("nan")}, "minutes: nan of words"),
        ({"minutes": 1e-9}, "minutes: 1e-09 of words is not from"),
        ({"busy_limit": "nan"}, "busy_limit: nan"),
        ({"lead": -1}, "lead: -1 is no whole number"),
        ({"lead": float("inf")}, "lead: inf is no whole number"),
        ({"counts": [1]}, r"counts: \[1\] has no components"),
        ({"counts": {"split": 1.5}}, "counts: split: 1.5 is no whole number"),
        ({"counts": {"split": float("nan")}}, "counts: split: nan is no whole number"),
    ],
)
def test_a_load_has_figures_that_can_be(given: Any, said: str) -> None:
    whole = {"topology": "words", "work": 1, "minutes": 1, **given} if isinstance(given, dict) else given
    with pytest.raises(SettingError, match=said):
        Load.read(whole)


def test_figures_of_a_load_may_be_texts() -> None:
    read = Load.read({"topology": "words", "work": "100", "minutes": "30", "lead": "60", "counts": {"split": "4"}})
    assert read == load(lead=60, counts={"split": 4})


def test_what_is_said_at_once_is_no_longer_than_a_server_takes() -> None:
    many = [peak(NOW + at * HOUR, 1, counts={f"operator-{of}": 1000 for of in range(100)}) for at in range(100)]
    said = bounded(many, "\N{GRINNING FACE}" * 400)
    assert 10 < len(said) < 100
    assert said == many[: len(said)], "the next ones, and later ones once these are over"
    assert bounded(many[:3]) == many[:3]
    assert bounded([]) == []
    with pytest.raises(SettingError, match="one peak alone"):
        bounded([peak(NOW, 1, counts={"x" * 70_000: 1})])


def test_many_runs_of_many_components_are_told_and_one_bad_name_ends_nothing(served: Stand) -> None:
    now = int(time.time() * 1000) // 1000 * 1000
    starts = [now + at * HOUR for at in range(10, 110)]
    counts = {f"operator-{of}": 1000 for of in range(100)}
    runs = {
        "a": Runs(load(topology=TOPOLOGY, counts=counts | {"one-too-many": 1}), starts),
        "b" * 300: Runs(load(topology=TOPOLOGY, counts={"split": 2}), starts[:1]),
        "c": Runs(load(topology=TOPOLOGY, counts=counts), starts),
        "d": Runs(load(topology=TOPOLOGY, counts={"x" * 70_000: 1}), starts),
        "e": Runs(load(topology=TOPOLOGY, counts={"split": 2}), starts),
    }
    changed = served.run(sync(ENGINE, "airflow/", runs))
    assert changed.said == ["airflow/c", "airflow/e"]
    assert set(changed.unknown) == {"airflow/a", "airflow/" + "b" * 300, "airflow/d"}
    assert 10 < changed.later["airflow/c"] < 100
    left = changed.later["airflow/c"]
    served.until(lambda: steps.engine_of(ENGINE), lambda one: len(one.peaks) == 200 - left)
    again = served.run(sync(ENGINE, "airflow/", runs))
    assert (again.said, again.later["airflow/c"]) == ([], left), "it is as it was"


def test_an_engine_expects_what_is_scheduled_and_forgets_what_is_not(served: Stand) -> None:
    now = int(time.time() * 1000) // 1000 * 1000
    starts = [now + 10 * HOUR, now + 20 * HOUR]
    runs = Runs(load(topology=TOPOLOGY), starts)
    served.until(
        lambda: steps.topology_at(ENGINE, TOPOLOGY), lambda of: counts_for(of[0], runs.load, of[1]) is not None
    )
    changed = served.run(sync(ENGINE, "airflow/", {"d": runs}, "a schedule"))
    assert changed.said == ["airflow/d"], changed

    def known() -> list[Peak]:
        return served.run(steps.engine_of(ENGINE), "reader").peaks

    found = served.until(lambda: steps.engine_of(ENGINE), lambda one: len(one.peaks) == 2).peaks
    assert [one.start for one in found] == starts
    assert all(one.counts["split"] > 1 and one.lead == 600.0 for one in found)
    again = served.run(sync(ENGINE, "airflow/", {"d": runs}))
    assert (again.said, again.removed) == ([], []), "it is as it was"
    # Another origin's are none of this one's.
    served.run(sync(ENGINE, "dagster/", {"d": runs}))
    served.until(lambda: steps.engine_of(ENGINE), lambda one: len(one.peaks) == 4)
    assert served.run(sync(ENGINE, "airflow/", {})).removed == ["airflow/d"]
    served.until(lambda: steps.engine_of(ENGINE), lambda one: {p.name for p in one.peaks} == {"dagster/d"})
    assert len(known()) == 2
    (record, *_) = served.until(lambda: steps.records(ENGINE, 0, None, "operator"), lambda found: len(found) == 3)
    assert record.who


def test_executors_are_there_before_a_peak_begins(served: Stand) -> None:
    # With a lead of ten minutes it is due already.
    begins = int(time.time() * 1000) + 300_000
    runs = Runs(load(topology=TOPOLOGY, counts={"split": 5}), [begins])
    served.run(sync(ENGINE, "airflow/", {"d": runs}))
    found = served.until(
        lambda: steps.topology(ENGINE, TOPOLOGY),
        lambda one: [of.executors for of in one.components if of.id == "split"] == [5],
    )
    assert found.summary.at < begins
    assert served.run(steps.orders(ENGINE, TOPOLOGY)) == [], "nobody ordered it"


def test_a_role_that_is_not_enough_and_peaks_that_cannot_be_are_refused(shared: Stand) -> None:
    from thalweg_client import Forbidden, Problem
    from thalweg_client.peaks import expect, forget

    good = peak(NOW + HOUR, 4, scope=TOPOLOGY)
    with pytest.raises(Forbidden):
        shared.run(expect(ENGINE, "a", [good]), "reader")
    with pytest.raises(Forbidden):
        shared.run(forget(ENGINE, "a"), "reader")
    for wrong in ([replace(good, until=good.start)], [good] * 101):
        with pytest.raises(Problem) as caught:
            shared.run(expect(ENGINE, "a", wrong))
        assert not isinstance(caught.value, NotNow)
    assert shared.run(steps.engine_of(ENGINE)).peaks == []


def test_nothing_is_said_of_a_topology_that_is_not_there_or_not_measured() -> None:
    with stand({"thalweg.mode": "observe"}) as quiet:
        changed = quiet.run(sync(ENGINE, "airflow/", {"d": Runs(load(topology="nothing"), [NOW + 10 * HOUR])}))
        assert "404" in changed.unknown["airflow/d"]
