"""What tests of all integrations are given."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "testing"))

from thalweg_testing.stand import Stand, stand


@pytest.fixture
def served() -> Iterator[Stand]:
    """A server over an engine of its own, as orders to it last."""
    with stand() as made:
        yield made


@pytest.fixture(scope="module")
def shared() -> Iterator[Stand]:
    """A server for tests that change nothing."""
    with stand() as made:
        yield made
