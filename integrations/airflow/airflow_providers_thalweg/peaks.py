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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from airflow_providers_thalweg.hooks.thalweg import ThalwegHook
from thalweg_client import SettingError, ThalwegError
from thalweg_client.peaks import MOST, Changed, Load, Runs, sync

log = logging.getLogger(__name__)

#: What the names of peaks begin with, before the name of this Airflow.
ORIGIN = "airflow/"
#: How far back runs are looked for of a Dag that has to catch up with more than :data:`FEW`.
LONGEST = timedelta(days=32)
#: The most runs that a Dag has to catch up with and that are looked at all the same, as it may run rarely.
FEW = 1000
#: Hosts that are the same everywhere, and so no name.
_ANYWHERE = frozenset({"", "localhost", "127.0.0.1", "::1", "0.0.0.0"})  # noqa: S104 (nothing listens there)
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
    from sqlalchemy.exc import SQLAlchemyError

    found: dict[str, Runs] = {}
    with create_session() as session:
        for model in session.scalars(select(DagModel).where(DagModel.is_paused.is_(False))):
            if _is_gone(model):
                continue
            # What is wrong with one Dag keeps nothing from the others; a database that is away is wrong with all.
            try:
                dag: Any = SerializedDagModel.get_dag(model.dag_id, session=session)
                loads = [] if dag is None else declared(dag.params)
                starts = _starts(dag, model.next_dagrun, now, ahead) if loads else []
            except SettingError as error:
                log.warning("%s: params: %s: %s", model.dag_id, PARAM, error)
                continue
            except SQLAlchemyError:
                raise
            except Exception:
                log.exception("%s: its next runs cannot be told", model.dag_id)
                continue
            for one in loads:
                if one.engine in ("", engine):
                    found[f"{model.dag_id}/{one.topology}"] = Runs(one, starts)
    return found


def declared(params: Mapping[str, Any]) -> list[Load]:
    """The loads among a Dag's params: one, or a list of them."""
    given = params.get(PARAM)
    if given is None:
        return []
    is_list = isinstance(given, Sequence) and not isinstance(given, str)
    return [Load.read(one) for one in (given if is_list else [given])]


def _is_gone(model: Any) -> bool:
    # Airflow 2 says that it is there, and Airflow 3 that it is not any more.
    return bool(model.is_stale) if hasattr(model, "is_stale") else not model.is_active


def _starts(dag: Any, following: datetime | None, now: datetime, ahead: timedelta) -> list[int]:
    """When its next runs begin, in ms since 1970. A run begins once its interval is over."""
    if following is None:
        return []
    infos = _infos(dag, following, now, now + ahead)
    coming = (one.run_after for one in infos if now <= one.run_after <= now + ahead)
    return [int(begin.timestamp() * 1000) for begin in islice(coming, MOST)]


def _infos(dag: Any, following: datetime, now: datetime, end: datetime) -> Iterable[Any]:
    """Its runs from the one that follows on; of many that it has to catch up with, the last ones."""
    infos: Iterator[Any] = iter(dag.iter_dagrun_infos_between(following, end))
    if following >= now - LONGEST:
        return infos
    # An interval that is longer than any month has few.
    first = list(islice(infos, FEW + 1))
    return first if len(first) <= FEW else dag.iter_dagrun_infos_between(now - LONGEST, end)


def deployment() -> str:
    """The name of this Airflow among all that tell the same engine: its address, or else its host."""
    from airflow.configuration import conf
    from airflow.utils.net import get_hostname

    for section in ("api", "webserver"):
        url = urlsplit(conf.get(section, "base_url", fallback="") or "")
        if (url.hostname or "") not in _ANYWHERE:
            return (url.netloc.rpartition("@")[2] + url.path).strip("/").replace("/", "_")
    return str(get_hostname()).replace("/", "_")


def origin(name: str) -> str:
    """What the names of all peaks of an Airflow begin with."""
    if not name.strip() or "/" in name:
        # With another part, a name could begin as that of another Airflow does.
        raise SettingError(f"name: {name!r} is empty or has a /")
    return f"{ORIGIN}{name}/"


def told(conn_id: str, engine: str | None, ahead: timedelta, name: str | None = None) -> Changed:
    """Tells an engine of the next runs, and has it forget those of Dags that are paused or gone.

    :param name: The name of this Airflow among all that tell the same engine; :func:`deployment` unless it is given.
    """
    begins = origin(deployment() if name is None else name)
    hook = ThalwegHook(conn_id)
    meant = hook.engine(engine)
    runs = scheduled(meant, datetime.now(UTC), ahead)
    with hook.get_conn() as client:
        changed = client.run(sync(meant, begins, runs, "Airflow: schedules of Dags"))
    for one in changed.said:
        log.info("%s expects the next runs of %s", meant, one)
    for one in changed.removed:
        log.info("%s expects no runs of %s any more", meant, one)
    for one, why in changed.unknown.items():
        log.warning("%s is not told: %s", one, why)
    for one, count in changed.later.items():
        log.info("the last %d runs of %s are told later, as all are more than %s takes at once", count, one, meant)
    return changed


def main(words: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m airflow_providers_thalweg.peaks", description=__doc__)
    parser.add_argument(
        "--conn", default=ThalwegHook.default_conn_name, help="the connection; its token is an operator's"
    )
    parser.add_argument("--engine", help="the engine, where the connection's extra names none")
    parser.add_argument("--name", help="this Airflow among all that tell the engine (its base_url, or else its host)")
    parser.add_argument("--hours", type=float, default=24.0, help="how far ahead runs are told (24)")
    parser.add_argument("--every", type=float, help="again and again, so many seconds apart; once if absent")
    given = parser.parse_args(words)
    logging.basicConfig(level=logging.INFO)
    while True:
        try:
            told(given.conn, given.engine, timedelta(hours=given.hours), given.name)
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
