"""What the documentation shows."""

from __future__ import annotations

from thalweg_testing.stand import ROOT


def blocks(page: str, language: str) -> list[str]:
    """The blocks of a language on a page of ``docs/operating``."""
    found: list[str] = []
    begun: list[str] | None = None
    for line in (ROOT / "docs" / "operating" / page).read_text().splitlines():
        if begun is None:
            begun = [] if line == f"```{language}" else None
        elif line == "```":
            found.append("\n".join(begun) + "\n")
            begun = None
        else:
            begun.append(line)
    return found
