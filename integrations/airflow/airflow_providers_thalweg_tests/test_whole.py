"""A whole Airflow: its scheduler, its triggerer and what else it has, in processes of their own."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_0_PLUS

from airflow_providers_thalweg.triggers.thalweg import AFTER
from thalweg_client import steps
from thalweg_testing.stand import ENGINE, TOPOLOGY, Stand

from .conftest import connection

AIRFLOW = [sys.executable, "-m", "airflow"]
#: Starting Airflow takes most of it.
PATIENCE = 300.0
#: Airflow 3 parses Dags in a process of its own, and tasks speak to its API.
PROCESSES = (
    ("api-server", "dag-processor", "scheduler", "triggerer") if AIRFLOW_V_3_0_PLUS else ("scheduler", "triggerer")
)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
    return port


class Whole:
    """An Airflow that runs."""

    def __init__(self, folder: Path, served: Stand) -> None:
        port = free_port()
        self.folder = folder
        self.environment = {
            **os.environ,
            # Airflow 2 starts its tasks by the name of the command.
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "AIRFLOW_HOME": str(folder),
            "AIRFLOW__CORE__DAGS_FOLDER": str(Path(__file__).parent / "dags"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor" if AIRFLOW_V_3_0_PLUS else "SequentialExecutor",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
            "AIRFLOW__CORE__PARALLELISM": "2",
            "AIRFLOW__API__PORT": str(port),
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
            "AIRFLOW__API_AUTH__JWT_SECRET": "of-this-test-alone-and-long-enough-for-a-signature-of-64-bytes--",
            "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "5",
            "AIRFLOW__TRIGGERER__DEFAULT_CAPACITY": "10",
            "AIRFLOW_CONN_THALWEG_DEFAULT": connection(served.address, served.tokens["operator"]),
        }
        self.processes: list[subprocess.Popen[bytes]] = []

    def ask(self, *words: str) -> str:
        """What a command says."""
        done = subprocess.run(
            [*AIRFLOW, *words], env=self.environment, capture_output=True, text=True, timeout=120, check=False
        )
        if done.returncode != 0:
            raise AssertionError(f"airflow {' '.join(words)}: {done.stderr[-2000:]}{self.logs()}")
        return done.stdout

    def start(self) -> None:
        self.ask("db", "migrate")
        for name in PROCESSES:
            log = (self.folder / f"{name}.log").open("wb")
            self.processes.append(
                subprocess.Popen(
                    [*AIRFLOW, name],
                    env=self.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            )

    def stop(self) -> None:
        """Ends the processes with what they have started."""
        for process in self.processes:
            # One that has ended by itself may have left some of its own.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait(20)

    def runs(self, dag: str) -> list[dict[str, Any]]:
        """The runs of a Dag, as soon as Airflow knows it."""
        try:
            told = self.ask("dags", "list-runs", *([dag] if AIRFLOW_V_3_0_PLUS else ["--dag-id", dag]), "-o", "json")
        except AssertionError as error:
            if "not found" in str(error):
                return []
            raise
        # Airflow 2 logs to the same stream.
        begin = told.find("[{")
        found: list[dict[str, Any]] = json.JSONDecoder().raw_decode(told[begin:])[0] if begin >= 0 else []
        return found

    def known(self, dag: str) -> bool:
        told = self.ask("dags", "list", "-o", "json")
        return dag in told

    def triggered(self, dag: str) -> bool:
        """Triggers a Dag, as soon as Airflow knows it: Airflow 2 lists files before they are in its database."""
        try:
            self.ask("dags", "trigger", dag)
        except AssertionError as error:
            if "not found" not in str(error):
                raise
            return False
        return True

    def has_watched(self) -> bool:
        """Whether a watcher has looked: then Airflow keeps where it goes on."""
        with closing(sqlite3.connect(f"file:{self.folder / 'airflow.db'}?mode=ro", uri=True, timeout=30)) as database:
            kept = database.execute("SELECT count(*) FROM asset_state_store WHERE key = ?", (AFTER,)).fetchone()
        return bool(kept[0])

    def until(self, fits: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + PATIENCE
        while not fits():
            dead = [process.args for process in self.processes if process.poll() is not None]
            assert not dead, f"{dead} has ended{self.logs()}"
            assert time.monotonic() < end, f"{what} did not come{self.logs()}"
            time.sleep(0.5)

    def logs(self, whole: bool = False) -> str:
        parts = []
        for log in sorted(self.folder.rglob("*.log")):
            parts.append(
                f"\n== {log.relative_to(self.folder)}\n{log.read_text(errors='replace')[0 if whole else -3000 :]}"
            )
        return "".join(parts)

    def secret_stands_in(self, secret: str) -> list[str]:
        """The files in which a secret stands."""
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        return [str(path) for path in files if secret.encode() in path.read_bytes()]


@contextmanager
def whole(folder: Path, served: Stand) -> Iterator[Whole]:
    airflow = Whole(folder, served)
    try:
        airflow.start()
        yield airflow
    finally:
        airflow.stop()


def test_scheduler_and_triggerer_carry_a_deferred_dag_through(tmp_path: Path, served: Stand) -> None:
    with whole(tmp_path, served) as airflow:
        airflow.until(lambda: airflow.known("evening_deferred"), "the Dag")
        if AIRFLOW_V_3_0_PLUS:
            # The watcher has to look before there is something new to see.
            airflow.until(airflow.has_watched, "the watcher")
        airflow.until(lambda: airflow.triggered("evening_deferred"), "the Dag in the database")

        def ended(dag: str) -> Callable[[], bool]:
            def fits() -> bool:
                states = [run["state"] for run in airflow.runs(dag)]
                assert "failed" not in states, f"{dag} has failed{airflow.logs()}"
                return "success" in states

            return fits

        airflow.until(ended("evening_deferred"), "the end of the Dag")
        (order,) = served.run(steps.orders(ENGINE, TOPOLOGY))
        assert order.state == "done"
        if AIRFLOW_V_3_0_PLUS:
            airflow.until(ended("follows"), "the Dag that follows the event")
        # Airflow 3 says so in the log of its API, and Airflow 2 in the task's own.
        told = ("new_state=deferred", "task as DEFERRED")
        assert any(text in airflow.logs(whole=True) for text in told), airflow.logs()
        assert airflow.secret_stands_in(served.tokens["operator"]) == []
