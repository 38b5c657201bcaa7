"""Fuzzes a real ``thalweg serve`` by its own OpenAPI document, with the token of each role."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
#: Examples of each operation, in each kind of generation; which take about a minute for each role.
EXAMPLES = 25
ROLES = ("reader", "operator", "approver")
PATIENCE = 30.0


@dataclass(frozen=True)
class Server:
    """A server, and a token of each role."""

    address: str
    tokens: dict[str, str]


@contextmanager
def served() -> Iterator[Server]:
    """A server over a real engine, which is obeyed in a simulator, and over one that is away."""
    binary = os.environ.get("THALWEG_STAND") or str(ROOT / "target" / "debug" / "examples" / "stand")
    with subprocess.Popen([binary, "20"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line:
                raise SystemExit(f"{binary} says no address")
            told = json.loads(line)
            yield Server(told["address"], told["tokens"])
        finally:
            # It ends with its input.
            if process.stdin is not None:
                process.stdin.close()
            process.wait(PATIENCE)


def fuzz(server: Server, role: str, examples: int, seed: int) -> bool:
    """Whether every check holds for who has a role."""
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        f"--config-file={HERE / 'schemathesis.toml'}",
        "run",
        f"{server.address}/v1/openapi.json",
        f"--header=Authorization: Bearer {server.tokens[role]}",
        "--checks=all",
        f"--max-examples={examples}",
        f"--seed={seed}",
        "--no-color",
    ]
    more = {
        "SCHEMATHESIS_HOOKS": str(HERE / "hooks.py"),
        "HYPOTHESIS_STORAGE_DIRECTORY": str(ROOT / "target" / "integrations" / "hypothesis"),
    }
    return subprocess.run(command, check=False, env={**os.environ, **more}).returncode == 0  # noqa: S603


def main() -> int:
    """Asks in all roles, whatever fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("examples", nargs="?", type=int, default=EXAMPLES)
    parser.add_argument("seed", nargs="?", type=int, default=None)
    given = parser.parse_args()
    seed = secrets.randbelow(1 << 32) if given.seed is None else given.seed
    print(f"api-fuzz: {given.examples} examples of each operation, seed {seed}", flush=True)
    failed = []
    for role in ROLES:
        print(f"== as {role}", flush=True)
        # A server of its own: no role is told what another has ordered.
        with served() as server:
            if not fuzz(server, role, given.examples, seed):
                failed.append(role)
    passed = len(ROLES) - len(failed)
    print(f"test result: {'FAILED' if failed else 'ok'}. {passed} passed; {len(failed)} failed (seed {seed})")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
