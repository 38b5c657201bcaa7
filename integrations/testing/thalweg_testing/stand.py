"""A real ``thalweg serve`` over a real engine that is obeyed in a simulator."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from thalweg_client import Client, Settings, ThalwegError, steps
from thalweg_client.steps import Steps

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[3]
#: How much faster than it would run the simulated job runs.
SPEED = 20
ENGINE = "storm"
TOPOLOGY = "words"
PATIENCE = 90.0


@dataclass(frozen=True)
class Stand:
    """A server with tokens."""

    address: str
    tokens: dict[str, str]

    def settings(self, role: str = "operator", **more: Any) -> Settings:
        """How it is asked in a role."""
        return Settings(self.address, self.tokens[role], **more)

    def run(self, conversation: Steps[T], role: str = "operator") -> T:
        """Holds a conversation in a role."""
        with Client(self.settings(role)) as client:
            return client.run(conversation)

    def until(self, asked: Callable[[], Steps[T]], fits: Callable[[T], bool]) -> T:
        """What is told once it is as it is waited for."""
        return until(lambda: self.run(asked(), "reader"), fits)


def until(ask: Callable[[], T], fits: Callable[[T], bool], patience: float = PATIENCE) -> T:
    """Asks until the answer is as it is waited for, and fails with the last one."""
    end = time.monotonic() + patience
    last: T | str = "nothing"
    while True:
        try:
            last = found = ask()
            if fits(found):
                return found
        except ThalwegError as error:
            last = str(error)
            if not error.passing:
                raise
        if time.monotonic() > end:
            raise AssertionError(f"it stays at {last}")
        time.sleep(0.05)


def binary() -> Path:
    """The example that serves; ``scripts/test.sh --integrations`` builds it."""
    named = os.environ.get("THALWEG_STAND")
    return Path(named) if named else ROOT / "target" / "debug" / "examples" / "stand"


@contextmanager
def stand(settings: dict[str, Any] | None = None, speed: float = SPEED) -> Iterator[Stand]:
    """A server for as long as it is needed; with more settings of its engine."""
    command = [str(binary()), str(speed), json.dumps(settings or {})]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            told = json.loads(process.stdout.readline())
            made = Stand(told["address"], told["tokens"])
            made.until(lambda: steps.summaries(ENGINE), lambda found: len(found) == 1)
            yield made
        finally:
            # It ends with its input.
            if process.stdin is not None:
                process.stdin.close()
            process.wait(30)
