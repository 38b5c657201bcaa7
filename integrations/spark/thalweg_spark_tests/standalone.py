"""A real Spark of its own for a test: a Master and a Worker, and a driver with a query and the agent in it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pyspark

T = TypeVar("T")

HOME = Path(pyspark.__file__).parent
#: What a Spark needs to come up, on a machine that does other things as well.
PATIENCE = 300.0


@dataclass(frozen=True)
class Standalone:
    """An agent in a driver of a real cluster."""

    address: str
    token: str
    token_file: Path
    #: Ends the driver's queries as it is there.
    stop: Path
    #: What the driver says.
    log: Path

    def queries(self) -> dict[str, Any]:
        """What the agent tells."""
        return self._call("GET", "/v1/queries")[1]

    def executors(self, total: int) -> tuple[int, dict[str, Any]]:
        """Asks the agent for executors."""
        return self._call("PUT", "/v1/executors", json.dumps({"total": total}).encode())

    def _call(self, method: str, path: str, body: bytes | None = None) -> tuple[int, dict[str, Any]]:
        request = urllib.request.Request(f"http://{self.address}{path}", data=body, method=method)
        request.add_header("Authorization", f"Bearer {self.token}")
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)


def until(ask: Callable[[], T], fits: Callable[[T], bool], patience: float = PATIENCE) -> T:
    """Asks until the answer is as it is waited for, and fails with the last one."""
    end = time.monotonic() + patience
    while True:
        found = ask()
        if fits(found):
            return found
        assert time.monotonic() < end, f"it stays at {found}"
        time.sleep(0.1)


def environment() -> dict[str, str]:
    return {
        **os.environ,
        "SPARK_HOME": str(HOME),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_DAEMON_MEMORY": "256m",
    }


@contextmanager
def process(folder: Path, name: str, command: list[str]) -> Iterator[Path]:
    """A process for as long as it is needed, and the file with what it says."""
    log = folder / f"{name}.log"
    with log.open("wb") as said:
        started = subprocess.Popen(command, stdout=said, stderr=said, stdin=subprocess.DEVNULL, env=environment())
        try:
            yield log
        finally:
            started.terminate()
            try:
                started.wait(30)
            except subprocess.TimeoutExpired:
                started.kill()
                started.wait(30)


def said(log: Path, pattern: str) -> str:
    """What a process says, once it does."""
    found = until(lambda: re.search(pattern, log.read_text(errors="replace")), lambda found: found is not None)
    assert found is not None
    return found.group(1)


@contextmanager
def standalone(folder: Path, query: str, cores: int = 3) -> Iterator[Standalone]:
    """A cluster whose worker has so many cores, and a driver that runs a query of `driver.py` there."""
    token_file, stop = folder / "token", folder / "stop"
    token_file.touch(0o600)
    token_file.write_text("a-token-of-a-test-alone")
    daemon = [str(HOME / "bin" / "spark-class"), "org.apache.spark.deploy"]
    with ExitStack() as stack:
        master = [daemon[0], f"{daemon[1]}.master.Master", "--host", "127.0.0.1", "--port", "0", "--webui-port", "0"]
        log = stack.enter_context(process(folder, "master", master))
        at = said(log, r"(spark://127\.0\.0\.1:\d+)")
        worker = [daemon[0], f"{daemon[1]}.worker.Worker", "--host", "127.0.0.1", "--webui-port", "0"]
        worker += ["--cores", str(cores), "--memory", "2g", "--work-dir", str(folder / "work"), at]
        stack.enter_context(process(folder, "worker", worker))
        driver = [sys.executable, str(Path(__file__).parent / "driver.py"), at, query, str(token_file), str(stop)]
        log = stack.enter_context(process(folder, "driver", driver))
        address = said(log, r"agent at (\S+)")
        yield Standalone(address, token_file.read_text(), token_file, stop, log)
