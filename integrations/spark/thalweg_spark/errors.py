"""What can be wrong, with a code for programs."""

from __future__ import annotations


class AgentError(Exception):
    """Something that the agent cannot or must not do."""

    def __init__(self, code: str, text: str, status: int = 409) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.status = status
