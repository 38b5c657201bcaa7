"""What people give, checked: figures that are numbers, and within their bounds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from thalweg_client.errors import SettingError

#: The largest whole number that a server takes as a count.
MOST = 2**32 - 1


def number(value: Any, name: str) -> float:
    """A number, of a text as well, as templates make texts of numbers."""
    if isinstance(value, bool):
        raise SettingError(f"{name}: {value!r} is no number")
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise SettingError(f"{name}: {value!r} is no number") from None


def whole(value: Any, name: str) -> int:
    """A whole number from 0 on that a server takes."""
    read = number(value, name)
    if not 0 <= read <= MOST or read != math.floor(read):
        raise SettingError(f"{name}: {value!r} is no whole number from 0 to {MOST}")
    return int(read)


def counts(value: Any, name: str = "counts") -> dict[str, int]:
    """Counts by component."""
    if not value:
        return {}
    if not isinstance(value, Mapping):
        raise SettingError(f"{name}: {value!r} has no components by name")
    return {str(of): whole(count, f"{name}: {of}") for of, count in value.items()}


def truth(value: Any, name: str) -> bool:
    """True or false, of a text as well."""
    if isinstance(value, bool):
        return value
    read = {"true": True, "false": False}.get(value.strip().lower()) if isinstance(value, str) else None
    if read is None:
        raise SettingError(f"{name}: {value!r} is neither true nor false")
    return read
