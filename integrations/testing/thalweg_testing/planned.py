"""A workflow that was planned, as files for orchestrators, and what comes of running it."""

from __future__ import annotations

from thalweg_testing.stand import ROOT

# What each task writes, and what has to have been written before. What waits for room besides is the crate's to test.
BEFORE: dict[str, set[str]] = {
    "extract large": set(),
    "clean-up {{ ds }}": {"extract large"},
    "report": {"extract large"},
    "count": set(),
    'tell "all"': {"count"},
}


def golden(name: str) -> str:
    """A file that the tests of the crate keep as it is rendered."""
    return (ROOT / "rust-core" / "workflow" / "tests" / "golden" / name).read_text()


def ran(written: str) -> None:
    """Fails unless each task ran once, in its configuration, behind all that it is after."""
    lines = written.splitlines()
    assert sorted(lines) == sorted(BEFORE)
    for at, line in enumerate(lines):
        assert BEFORE[line] <= set(lines[:at]), written
