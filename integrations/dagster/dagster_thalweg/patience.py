"""Failures that wait until their cause has passed, if Thalweg knows it, and are then tried again."""

import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass

import dagster as dg
from dagster_thalweg.resource import ThalwegResource
from thalweg_client import ThalwegError
from thalweg_client.causes import ALL, MIN_POWER, Retry, Watch, look_cause, retry

Context = dg.OpExecutionContext | dg.AssetExecutionContext


@contextmanager
def thalweg_patience(
    context: Context,
    thalweg: ThalwegResource,
    *,
    topology: str | None = None,
    engine: str | None = None,
    limit: float = 3600.0,
    retries: int = 0,
    delay: float = 0.0,
    kinds: Sequence[str] = ALL,
    min_power: float = MIN_POWER,
    interval: float = 30.0,
) -> Iterator[None]:
    """Has failures of an op or asset within it wait for their cause to pass, which counts as none of its ``retries``.

    A failure for which Thalweg knows a cause has the step run again once that is over, or after ``interval`` where
    nobody knows when; if the cause is still there then, it waits on and nothing is run. Where no cause is known,
    Thalweg cannot be asked, or ``limit`` is reached, the failure counts as any other, and the log says so.

    :param topology: The topology that the step needs, by its name or id; the engine alone if absent.
    :param limit: Seconds that it may wait altogether.
    :param retries: How often other failures are tried again. A retry policy of the op would count the waits as well.
    :param delay: Seconds before such a retry.
    :param kinds: The kinds of causes that count.
    :param min_power: The share of the ablest node's power below which a node counts as failing.
    """
    rules = _Rules(topology, engine, limit, retries, delay, interval, Watch(kinds, min_power))
    patience = _Patience(context, thalweg, rules)
    patience.begin()
    try:
        yield
    except dg.RetryRequested:
        raise
    except Exception as error:
        if not isinstance(error, dg.Failure) or error.allow_retries:
            patience.fail(error)
        raise


@dataclass(frozen=True)
class _Rules:
    topology: str | None
    engine: str | None
    limit: float
    retries: int
    delay: float
    interval: float
    watch: Watch


@dataclass(frozen=True)
class _Waits:
    """How often a step has waited, as the tags of its run keep it."""

    count: int = 0
    #: When it failed with a cause for the first time, in seconds since 1970.
    since: float | None = None


class _Patience:
    def __init__(self, context: Context, thalweg: ThalwegResource, rules: _Rules) -> None:
        self.context, self.thalweg, self.rules = context, thalweg, rules
        step = f"{context.op_handle}[{context.get_mapping_key() or ''}]"
        self.tag = "thalweg/waits-" + hashlib.sha256(step.encode()).hexdigest()[:16]
        self.waits = self._kept()

    def begin(self) -> None:
        """Waits on where the cause of the last failure is still there."""
        if not self.waits.count:
            return
        decided = self._decided()
        if decided is not None and decided.waits:
            raise self._wait(decided)

    def fail(self, error: Exception) -> None:
        """Has a failure wait for its cause, or tries it again if there are retries left."""
        decided = self._decided()
        if decided is not None and decided.waits:
            raise self._wait(decided) from error
        if decided is not None:
            self.context.log.info(decided.why)
        if self.context.retry_number - self.waits.count < self.rules.retries:
            raise self._one_more(self.rules.delay) from error

    def _decided(self) -> Retry | None:
        rules, now = self.rules, time.time()
        try:
            engine = self.thalweg.engine_of(rules.engine)
            known = self.thalweg.run(look_cause(engine, rules.topology, rules.watch))
        except ThalwegError as error:
            said = "whether the cause will pass is not known, so this failure counts as any other: %s"
            self.context.log.warning(said, error)
            return None
        waited = now - self.waits.since if self.waits.since is not None else 0.0
        return retry(known, waited, int(now * 1000), rules.limit, rules.interval)

    def _wait(self, decided: Retry) -> dg.RetryRequested:
        self.context.log.warning(decided.why)
        more = _Waits(self.waits.count + 1, self.waits.since if self.waits.since is not None else time.time())
        self.context.instance.add_run_tags(self.context.run_id, {self.tag: json.dumps(asdict(more))})
        return self._one_more(decided.seconds)

    def _one_more(self, seconds: float) -> dg.RetryRequested:
        # Dagster counts all of them together: one more than there were is always allowed.
        return dg.RetryRequested(max_retries=self.context.retry_number + 1, seconds_to_wait=seconds)

    def _kept(self) -> _Waits:
        # The context's own run is as it was when the process began.
        run = self.context.instance.get_run_by_id(self.context.run_id)
        kept = run.tags.get(self.tag) if run is not None else None
        return _Waits(**json.loads(kept)) if kept else _Waits()
