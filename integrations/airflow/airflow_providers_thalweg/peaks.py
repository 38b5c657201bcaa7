"""Schedules of Dags as a forecast: what their next runs will bring is told to Thalweg before it comes.

A Dag declares its load among its params::

    with DAG("month_end", schedule="0 17 28 * *", params={"thalweg": load(topology="words", work=500, minutes=90)}):

and ``python -m airflow_providers_thalweg.peaks`` tells the next runs of all Dags that are there and not paused. It runs
where Airflow's database is in reach, beside a scheduler: Airflow 3 lets no task read what other Dags will do.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from airflow_providers_thalweg.hooks.thalweg import ThalwegHook
from thalweg_client import SettingError, ThalwegError
from thalweg_client.peaks import MOST, Changed, Load, Runs, sync

log = logging.getLogger(__name__)

#: What the names of peaks begin with.
ORIGIN = "airflow/"
#: The longest interval of a Dag that is looked for.
LONGEST = timedelta(days=32)
#: The param in which a Dag declares its load.
PARAM = "thalweg"


def load(**given: Any) -> dict[str, Any]:
    """What each run of a Dag brings, for its params: what :class:`~thalweg_client.peaks.Load` takes."""
    return Load.read(given).json()


def scheduled(engine: str, now: datetime, ahead: timedelta) -> dict[str, Runs]:
    """The next runs of all Dags that declare a load of an engine, are there and are not paused."""
    from airflow.models.dag import DagModel
    from airflow.models.serialized_dag import SerializedDagModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    found: dict[str, Runs] = {}
    with create_session() as session:
        for model in session.scalars(select(DagModel).where(DagModel.is_paused.is_(False))):
            if _is_gone(model):
                continue
            dag: Any = SerializedDagModel.get_dag(model.dag_id, session=session)
            if dag is None:
                continue
            try:
                loads = declared(dag.params)
            except SettingError as error:
                log.warning("%s: params: %s: %s", model.dag_id, PARAM, error)
                continue
            starts = _starts(dag, model.next_dagrun, now, ahead) if loads else []
            for one in loads:
                if one.engine in ("", engine):
                    found[f"{model.dag_id}/{one.topology}"] = Runs(one, starts)
    return found


def declared(params: Mapping[str, Any]) -> list[Load]:
    """The loads among a Dag's params: one, or a list of them."""
    given = params.get(PARAM)
    if given is None:
        return []
    return [Load.read(one) for one in (given if isinstance(given, Sequence) else [given])]


def _is_gone(model: Any) -> bool:
    # Airflow 2 says that it is there, and Airflow 3 that it is not any more.
    return bool(model.is_stale) if hasattr(model, "is_stale") else not model.is_active


def _starts(dag: Any, following: datetime | None, now: datetime, ahead: timedelta) -> list[int]:
    """When its next runs begin, in ms since 1970. A run begins once its interval is over."""
    if following is None:
        return []
    # One that has to catch up has runs long ago, whose number nobody knows.
    infos = dag.iter_dagrun_infos_between(max(following, now - LONGEST), now + ahead)
    coming = (one.run_after for one in infos if now <= one.run_after <= now + ahead)
    return [int(begin.timestamp() * 1000) for begin in islice(coming, MOST)]


def told(conn_id: str, engine: str | None, ahead: timedelta) -> Changed:
    """Tells an engine of the next runs, and has it forget those of Dags that are paused or gone."""
    hook = ThalwegHook(conn_id)
    meant = hook.engine(engine)
    runs = scheduled(meant, datetime.now(UTC), ahead)
    with hook.get_conn() as client:
        changed = client.run(sync(meant, ORIGIN, runs, "Airflow: schedules of Dags"))
    for name in changed.said:
        log.info("%s expects the next runs of %s", meant, name)
    for name in changed.removed:
        log.info("%s expects no runs of %s any more", meant, name)
    for name, why in changed.unknown.items():
        log.warning("%s is not told: %s", name, why)
    return changed


def main(words: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m airflow_providers_thalweg.peaks", description=__doc__)
    parser.add_argument(
        "--conn", default=ThalwegHook.default_conn_name, help="the connection; its token is an operator's"
    )
    parser.add_argument("--engine", help="the engine, where the connection's extra names none")
    parser.add_argument("--hours", type=float, default=24.0, help="how far ahead runs are told (24)")
    parser.add_argument("--every", type=float, help="again and again, so many seconds apart; once if absent")
    given = parser.parse_args(words)
    logging.basicConfig(level=logging.INFO)
    while True:
        try:
            told(given.conn, given.engine, timedelta(hours=given.hours))
        except ThalwegError as error:
            if given.every is None or not error.passing:
                log.error("%s", error)  # noqa: TRY400 (whoever runs it needs no trace)
                return 1
            log.warning("%s", error)
        if given.every is None:
            return 0
        time.sleep(given.every)


if __name__ == "__main__":
    sys.exit(main())
