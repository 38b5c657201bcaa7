"""What can go wrong, by what can be done about it."""

from __future__ import annotations

from typing import Any


class ThalwegError(Exception):
    """Something was not answered, or not as it should be."""

    #: Whether the same may be answered differently soon.
    passing = False


class SettingError(ThalwegError):
    """A setting of the client is not possible."""


class Unreachable(ThalwegError):
    """There was no connection, so nothing was asked."""

    passing = True


class AnswerLost(ThalwegError):
    """Something was sent and its answer did not come, so nobody here knows whether it was done."""

    passing = True


class BadAnswer(ThalwegError):
    """The answer is none of this interface's: something else listens there, or another version does."""


class Problem(ThalwegError):
    """The server answered with a problem (RFC 9457)."""

    def __init__(self, of: str, status: int, told: dict[str, Any]) -> None:
        self.status = status
        #: A name of this kind of problem, stable for ever; empty where a proxy answered.
        self.kind = str(told.get("type") or "")
        self.title = str(told.get("title") or "")
        self.detail = str(told.get("detail") or "")
        place = told.get("place")
        place = place if isinstance(place, dict) else {}
        #: The part of the request that is wrong, and what it is there; empty where it is not the request that is.
        self.part = str(place.get("in") or "")
        self.place = str(place.get("name") or "")
        where = " ".join(word for word in (self.part, self.place) if word)
        what = ": ".join(word for word in (self.title, self.detail) if word)
        super().__init__(f"{of}: {status} {what}".rstrip() + (f" ({where})" if where else ""))


class Unauthorized(Problem):
    """No token that is known came with the request."""


class Forbidden(Problem):
    """The token has not the role that this needs."""


class NotFound(Problem):
    """What is named is not there."""


class Refused(Problem):
    """The engine refuses it; the same gets the same answer."""


class Invalid(Problem):
    """The request is wrong."""


class NotNow(Problem):
    """The server or the engine cannot answer now."""

    passing = True


class OrderFailed(ThalwegError):
    """An order came to an end other than the one wanted."""

    def __init__(self, said: str, state: str) -> None:
        super().__init__(said)
        #: ``failed``, ``refused``, ``expired``, ``replaced`` or ``cancelled``.
        self.state = state


class OrderUnknown(ThalwegError):
    """An order was sent, its answer did not come, and it was not found afterwards. It was not sent again.

    Whoever tries anew looks for it once more, and gives it only if it still is not there.
    """


def problem(of: str, status: int, told: dict[str, Any]) -> Problem:
    """The problem of a status."""
    kinds: dict[int, type[Problem]] = {401: Unauthorized, 403: Forbidden, 404: NotFound, 409: Refused}
    # A proxy gives up with 408, and 425 is an answer to a connection that was too early: both ask to try again.
    if status >= 500 or status in (408, 425, 429):
        return NotNow(of, status, told)
    return kinds.get(status, Invalid)(of, status, told)
