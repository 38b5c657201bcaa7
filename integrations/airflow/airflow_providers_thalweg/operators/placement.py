"""Where a task runs, and how large, by what Thalweg knows before it starts."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.common.compat.sdk import AirflowException, BaseOperator, BranchMixIn

from airflow_providers_thalweg.hooks.thalweg import ThalwegHook, airflow_error
from airflow_providers_thalweg.lineage import Lineage
from airflow_providers_thalweg.links.thalweg import ThalwegLink, leave
from airflow_providers_thalweg.operators.thalweg import data_of, default_deferrable
from airflow_providers_thalweg.triggers.placement import ThalwegPlacementTrigger
from thalweg_client import Candidate, Placement, ThalwegError, steps
from thalweg_client.placement import Answer, rules_of
from thalweg_client.placing import Placing, Progress

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


class ThalwegPlacementOperator(Lineage, BaseOperator, BranchMixIn):
    """Asks for risk, load and capacity of several topologies, and goes on with the task of the one that is chosen.

    It starts the first candidate that has room, now and at the peak that is foretold. Where none has, it asks Thalweg
    for more and waits until that is there, or has the task run smaller, or waits. Its values are ``factor`` (the part
    of the work), ``reason``, ``answer``, ``candidate``, and the whole decision with the figures of each candidate.

    :param candidates: The candidates: ``topology``, ``work`` in records a second, and what else
        :class:`~thalweg_client.placement.Candidate` takes. ``task`` is the id of the task, or task group, that runs
        there; tasks of other candidates are skipped. Without any ``task`` everything behind it goes on.
    :param on_unknown: What happens where no candidate that is known takes it and of another one nothing is known, as
        its server does not answer or nothing was measured: ``start`` there, ``wait``, or ``fail``.
    :param prefer: Whether ``more`` is asked for before the task runs ``smaller``, or the other way round.
    :param engine: The engine where a candidate names none; else the one in the extra of its connection.
    :param thalweg_conn_id: The connection where a candidate names none. To ask for more its token needs the role
        ``operator``.
    :param deferrable: Whether it waits in the triggerer.
    :param poll_interval: Seconds between two looks.
    :param timeout: Seconds that it waits before it fails.
    :param why: Why more is asked for, for the ledger; the task and its run unless something is said.
    """

    act = "placement"
    template_fields: Sequence[str] = ("candidates", "engine", "thalweg_conn_id", "why")
    operator_extra_links: ClassVar[tuple[ThalwegLink, ...]] = (ThalwegLink(),)  # type: ignore[misc]
    inherits_from_skipmixin = True
    ui_color = "#d7e9f7"

    def __init__(
        self,
        *,
        candidates: Sequence[Candidate | Mapping[str, Any]],
        on_unknown: str = "start",
        prefer: str = "more",
        engine: str | None = None,
        thalweg_conn_id: str = ThalwegHook.default_conn_name,
        deferrable: bool | None = None,
        poll_interval: float = 10.0,
        timeout: float = 3600.0,
        why: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        rules_of(on_unknown, prefer)
        self.candidates = candidates
        self.on_unknown, self.prefer = on_unknown, prefer
        self.engine, self.thalweg_conn_id = engine, thalweg_conn_id
        self.deferrable = default_deferrable() if deferrable is None else deferrable
        self.poll_interval, self.timeout = poll_interval, timeout
        self.why = why

    def execute(self, context: Context) -> Any:
        """Decides, and waits as long as it takes to start."""
        return self._until_it_starts(context, Progress(time.time()))

    def decide_again(self, context: Context, event: Mapping[str, Any]) -> Any:
        """Goes on after the triggerer."""
        return self._until_it_starts(context, Progress(**data_of(event)))

    def _until_it_starts(self, context: Context, progress: Progress) -> Any:
        try:
            hooks, candidates = self._asked()
            placing = self._placing(context, hooks, candidates)
            said = ""
            while True:
                decided = placing.decided(progress)
                self.came_to(decided.json(), decided.why)
                if decided.answer.starts:
                    return self._start(context, hooks, candidates, decided)
                if decided.answer == Answer.FAIL:
                    raise AirflowException(decided.why)
                if decided.why != said:
                    said = decided.why
                    self.log.info("%s: %s", decided.answer, said)
                self._rest(candidates, decided, progress)
        except ThalwegError as error:
            raise airflow_error(error) from error

    def _asked(self) -> tuple[dict[str, ThalwegHook], list[Candidate]]:
        """The candidates with their servers and engines, and the hooks by their connections."""
        return ThalwegHook.candidates(self.candidates, self.thalweg_conn_id, self.engine)

    def _placing(self, context: Context, hooks: Mapping[str, ThalwegHook], candidates: list[Candidate]) -> Placing:
        ti = context["ti"]
        of = (ti.dag_id, ti.run_id, ti.task_id, str(ti.map_index))
        who = self.why or f"Airflow: {ti.dag_id}.{ti.task_id} in {ti.run_id}"
        return Placing(
            candidates,
            rules_of(self.on_unknown, self.prefer),
            partial(ThalwegHook.ask, hooks),
            mark=lambda one, change: steps.reference("airflow", *of, one.engine, one.topology, body=change),
            why=lambda decided: f"{who}: {decided.why}",
            said=lambda text, is_warning: self.log.log(logging.WARNING if is_warning else logging.INFO, "%s", text),
        )

    def _rest(self, candidates: list[Candidate], decided: Placement, progress: Progress) -> None:
        left = progress.since + self.timeout - time.time()
        if left <= 0:
            raise AirflowException(f"after {self.timeout:.0f} s: {decided.why}")
        if not self.deferrable:
            time.sleep(min(self.poll_interval, left))
            return
        self.defer(
            trigger=ThalwegPlacementTrigger(
                candidates=[asdict(one) for one in candidates],
                on_unknown=self.on_unknown,
                prefer=self.prefer,
                progress=asdict(progress),
                poll_interval=self.poll_interval,
            ),
            method_name="decide_again",
            timeout=timedelta(seconds=left),
        )

    def _start(
        self, context: Context, hooks: Mapping[str, ThalwegHook], candidates: list[Candidate], decided: Placement
    ) -> Any:
        ti, told = context["ti"], decided.json()
        one = candidates[decided.chosen or 0]
        log = self.log.warning if decided.unknown else self.log.info
        log("%s at %s with %.0f %% of the work: %s", decided.answer, one.name, 100 * decided.factor, decided.why)
        # Where tasks are skipped nothing that is returned is kept.
        values = {"factor": decided.factor, "reason": decided.why, "answer": told["answer"], "candidate": one.name}
        for key, value in (values | {"return_value": told}).items():
            ti.xcom_push(key=key, value=value)
        leave(context, hooks[one.connection].settings, one.engine)
        self.came_to({**told, "engine": one.engine})
        if any(other.task for other in candidates):
            self.do_branch(context, one.task or None)
        return told
