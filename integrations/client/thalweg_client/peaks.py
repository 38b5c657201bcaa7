"""Schedules as a forecast: what a workflow's next runs will bring, as peaks that an engine expects.

An engine has as many executors as a peak asks for by the time at which it begins, and keeps them until it is over.
:func:`wanted` is pure; :func:`sync` has an engine expect just that of one origin, and says nothing where it does so
already.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from thalweg_client import given as checked
from thalweg_client import steps
from thalweg_client.errors import Invalid, NotFound, Refused, SettingError
from thalweg_client.judge import BUSY_LIMIT, MAX_AGE
from thalweg_client.model import Engine, Peak, Topology
from thalweg_client.steps import Steps

#: How long before a peak its executors are to be there, in seconds.
LEAD = 600
#: The most peaks of one name that a server takes.
MOST = 100
#: The longest body with peaks of one name that is sent, in bytes: a server takes 64 KiB.
LONGEST = 60 * 1024
#: The longest run, in minutes: a year.
LONGEST_RUN = 366 * 24 * 60
#: A peak that needs less than this share of what was said for it before is said anew.
_LESS = 0.75


@dataclass(frozen=True)
class Load:
    """What each run of a workflow brings.

    :param topology: The topology, by its name or id.
    :param work: Records a second.
    :param minutes: How long.
    :param engine: The engine; any that is asked about unless it is named.
    :param counts: Executors by component, where somebody knows them better than they can be reckoned.
    :param lead: Seconds before each run by which the executors are to be there.
    :param busy_limit: The busy share that components may come to.
    """

    topology: str
    work: float
    minutes: float
    engine: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    lead: int = LEAD
    busy_limit: float = BUSY_LIMIT

    def __post_init__(self) -> None:
        for name in ("topology", "engine"):
            if not isinstance(getattr(self, name), str):
                raise SettingError(f"{name}: {getattr(self, name)!r} is no text")
        if not self.topology:
            raise SettingError("topology: it is empty")
        for name in ("work", "minutes", "busy_limit"):
            object.__setattr__(self, name, checked.number(getattr(self, name), name))
        object.__setattr__(self, "lead", checked.whole(self.lead, "lead"))
        object.__setattr__(self, "counts", checked.counts(self.counts))
        if not self.minutes > 0:
            raise SettingError(f"minutes: {self.minutes:g} of {self.topology} is not more than 0")
        if not 1 / 60_000 <= self.minutes <= LONGEST_RUN:
            raise SettingError(f"minutes: {self.minutes:g} of {self.topology} is not from 1 ms to a year")
        if not 0 <= self.work < math.inf or not 0 < self.busy_limit <= 1:
            raise SettingError(f"work: {self.work:g} and busy_limit: {self.busy_limit:g} of {self.topology} cannot be")

    @classmethod
    def read(cls, given: Load | Mapping[str, Any]) -> Load:
        """A load of its fields, in which numbers may be texts."""
        if isinstance(given, Load):
            return given
        if not isinstance(given, Mapping):
            raise SettingError(f"load: {given!r} has no fields; it takes {', '.join(cls.__dataclass_fields__)}")
        unknown = [name for name in given if name not in cls.__dataclass_fields__]
        missing = [name for name in ("topology", "work", "minutes") if name not in given]
        if unknown or missing:
            said = f"{', '.join(unknown)} is unknown" if unknown else f"{', '.join(missing)} is missing"
            raise SettingError(f"load: {said}; it takes {', '.join(cls.__dataclass_fields__)}")
        return cls(**given)

    def json(self) -> dict[str, Any]:
        """The load as JSON."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__} | {"counts": dict(self.counts)}


@dataclass(frozen=True)
class Runs:
    """The next runs of one workflow, and what each of them brings."""

    load: Load
    #: When they begin, in ms since 1970.
    starts: Sequence[int]


def counts_for(topology: Topology, load: Load, now: int, max_age: float = MAX_AGE) -> dict[str, int] | None:
    """Executors with which each operator does a load besides its own; nothing where that was not measured."""
    if load.counts:
        return dict(load.counts)
    one = topology.summary
    if now - one.at > max_age * 1000 or not one.throughput:
        return None
    foretold = topology.forecast.upper if topology.forecast is not None else 0.0
    grows = (max(one.throughput, foretold) + load.work) / one.throughput
    needed = {
        of.id: max(1, math.ceil(of.executors * of.busy * grows / load.busy_limit - 1e-9))
        for of in topology.components
        if of.kind == "operator" and of.busy is not None
    }
    return needed or None


def wanted(
    name: str, runs: Runs, known: Sequence[Peak], counts: Mapping[str, int] | None, now: int
) -> list[Peak] | None:
    """The peaks that an engine is to expect of a workflow.

    What was said before stays as it is while it still fits, so that figures that waver change nothing; and once a peak
    is near, as what is measured then is the workflow's own work.

    :param known: What it expects of it by now.
    :param counts: Executors for one run, if that can be told.
    :returns: Nothing where it cannot be told and nothing was said before.
    """
    before = {peak.start: peak for peak in known if peak.scope == runs.load.topology}
    length = int(runs.load.minutes * 60_000)
    # A run that has begun is no next one any more, and its peak lasts all the same.
    begun = {start for start, peak in before.items() if start <= now < peak.until}
    found = []
    for start in sorted(begun | set(runs.starts))[:MOST]:
        said = before.get(start)
        new = counts if said is None or not _fits(said, runs.load, counts, now) else said.counts
        if new is None:
            continue
        if start + length > now:
            found.append(Peak(name, runs.load.topology, start, start + length, dict(new), float(runs.load.lead)))
    return None if not found and counts is None and runs.starts else found


def _fits(said: Peak, load: Load, counts: Mapping[str, int] | None, now: int) -> bool:
    if counts is None or said.start - load.lead * 1000 <= now:
        return True
    if load.counts:
        return said.counts == counts
    same = said.counts.keys() == counts.keys()
    return same and all(count * _LESS <= counts[of] <= count for of, count in said.counts.items())


@dataclass(frozen=True)
class Changed:
    """What became of the peaks of an origin, each by its name."""

    said: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    #: Those of which nobody can tell how many executors they need, and why.
    unknown: dict[str, str] = field(default_factory=dict)
    #: How many of the last peaks are not said yet, as all of them are more than a server takes at once.
    later: dict[str, int] = field(default_factory=dict)


def expect(engine: str, name: str, peaks: Sequence[Peak], why: str = "") -> Steps[None]:
    """Has an engine expect just these peaks under a name."""
    if not peaks:
        raise SettingError(f"{name}: no peaks; forget takes them back")
    body = _body(peaks, why)
    yield from steps.said(steps.Ask("PUT", steps.path("engines", engine, "peaks", name), body=body))


def _body(peaks: Sequence[Peak], why: str) -> dict[str, Any]:
    return {
        "topology": peaks[0].scope,
        "peaks": [{"from": one.start, "until": one.until, "counts": one.counts} for one in peaks],
        "lead_secs": int(peaks[0].lead),
        "why": why[: steps.LONGEST_REASON],
    }


def bounded(peaks: Sequence[Peak], why: str = "") -> list[Peak]:
    """The first of these peaks, as many as a server takes in one body. The others are said once these are over."""
    # A reason and a peak are never longer than as ASCII with spaces.
    room = LONGEST - (len(json.dumps(_body(peaks[:1], why))) if peaks else 0)
    if room < 0:
        raise SettingError(f"counts: one peak alone is longer than the {LONGEST} bytes that are sent")
    for at, one in enumerate(peaks[1:], 1):
        room -= len(json.dumps({"from": one.start, "until": one.until, "counts": one.counts})) + 2
        if room < 0:
            return list(peaks[:at])
    return list(peaks)


def forget(engine: str, name: str) -> Steps[None]:
    """Takes back what was said under a name."""
    yield from steps.said(steps.Ask("DELETE", steps.path("engines", engine, "peaks", name)))


def sync(engine: str, origin: str, runs: Mapping[str, Runs], why: str = "") -> Steps[Changed]:
    """Has an engine expect the next runs of all workflows of an origin, and nothing of others that it had.

    :param origin: What all names of it begin with, such as ``airflow/here/``. No other origin begins with it.
    :param runs: By the name of each workflow, which are all that run: a paused one is none of them.
    """
    of = yield from steps.engine_of(engine)
    changed = Changed()
    for name in sorted({peak.name for peak in of.peaks if peak.name.startswith(origin)}):
        if name.removeprefix(origin) not in runs:
            yield from _alone(name, changed, _forgotten(engine, name, changed))
    for name, one in sorted(runs.items()):
        yield from _alone(origin + name, changed, _synced(of, origin + name, one, changed, why))
    return changed


def _alone(name: str, changed: Changed, what: Steps[None]) -> Steps[None]:
    """What is wrong with one name keeps nothing from the others."""
    try:
        yield from what
    except (NotFound, Refused, Invalid, SettingError) as error:
        changed.unknown[name] = str(error)


def _forgotten(engine: str, name: str, changed: Changed) -> Steps[None]:
    yield from forget(engine, name)
    changed.removed.append(name)


def _synced(of: Engine, name: str, runs: Runs, changed: Changed, why: str) -> Steps[None]:
    topology, now = yield from steps.topology_at(of.name, runs.load.topology)
    known = [peak for peak in of.peaks if peak.name == name]
    peaks = wanted(name, runs, known, counts_for(topology, runs.load, now), now)
    if peaks is None:
        changed.unknown[name] = f"nobody has measured what a record costs {runs.load.topology}"
        return
    said = bounded(peaks, why)
    if len(said) < len(peaks):
        changed.later[name] = len(peaks) - len(said)
    peaks = said
    if known and not peaks:
        yield from _forgotten(of.name, name, changed)
    elif peaks != sorted(known, key=lambda peak: peak.start):
        yield from expect(of.name, name, peaks, why)
        changed.said.append(name)
