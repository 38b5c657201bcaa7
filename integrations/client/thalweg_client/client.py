"""Hold conversations with a server: one that blocks, and one on an event loop."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, TypeVar, cast

import httpx

from thalweg_client.errors import AnswerLost, BadAnswer, NotNow, ThalwegError, Unreachable, problem
from thalweg_client.settings import Settings
from thalweg_client.steps import Ask, Rest, Steps, Told

T = TypeVar("T")

#: Begins the kinds of problems that the server itself gives. A proxy's are others.
OURS = "urn:thalweg:problem:"
#: Problems after which nobody here knows whether an order was taken: the server fails midway, or its engine is late.
UNSURE = (500, 502, 504)


class Client:
    """A client that blocks. It may be used by several threads."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._http = httpx.Client(**_options(settings))

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes its connections."""
        self._http.close()

    def run(self, steps: Steps[T]) -> T:
        """Holds a conversation to its end."""
        try:
            step = next(steps)
            while True:
                if isinstance(step, Rest):
                    time.sleep(step.seconds)
                    step = steps.send(None)
                    continue
                try:
                    told = self._ask(step)
                except ThalwegError as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(told)
        except StopIteration as end:
            return cast(T, end.value)

    def _ask(self, ask: Ask) -> Told:
        try:
            response = self._http.request(**_request(self.settings, ask))
        except httpx.HTTPError as error:
            raise _fault(self.settings, ask, error) from None
        return _told(ask, response)


class AsyncClient:
    """A client on an event loop."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._http = httpx.AsyncClient(**_options(settings))

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes its connections."""
        await self._http.aclose()

    async def run(self, steps: Steps[T]) -> T:
        """Holds a conversation to its end."""
        try:
            step = next(steps)
            while True:
                if isinstance(step, Rest):
                    await asyncio.sleep(step.seconds)
                    step = steps.send(None)
                    continue
                try:
                    told = await self._ask(step)
                except ThalwegError as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(told)
        except StopIteration as end:
            return cast(T, end.value)

    async def _ask(self, ask: Ask) -> Told:
        try:
            response = await self._http.request(**_request(self.settings, ask))
        except httpx.HTTPError as error:
            raise _fault(self.settings, ask, error) from None
        return _told(ask, response)


def _options(settings: Settings) -> dict[str, Any]:
    verify: bool | ssl.SSLContext = bool(settings.verify)
    if isinstance(settings.verify, str):
        verify = ssl.create_default_context(cafile=settings.verify)
    # A redirection would take the token along, and so would a proxy that happens to be named in the environment: it
    # would read the token of an unencrypted connection to this machine.
    return {"verify": verify, "timeout": settings.timeout, "follow_redirects": False, "trust_env": False}


def _request(settings: Settings, ask: Ask) -> dict[str, Any]:
    headers = {"Accept": "application/json"}
    if settings.token:
        headers["Authorization"] = f"Bearer {settings.token}"
    return {
        "method": ask.method,
        "url": settings.url(ask.path),
        "params": ask.query or None,
        "json": ask.body,
        "headers": headers,
    }


def _fault(settings: Settings, ask: Ask, error: httpx.HTTPError) -> ThalwegError:
    said = str(error) or type(error).__name__
    text = f"{ask} at {settings.address}: {said}"
    # Everything but these may have happened after the request was sent.
    before = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol, httpx.ProxyError)
    if ask.is_order and not isinstance(error, before):
        return AnswerLost(text)
    return Unreachable(text)


def _told(ask: Ask, response: httpx.Response) -> Told:
    if not 200 <= response.status_code < 300:
        raise _problem(ask, response)
    try:
        value = json.loads(response.content)
    except ValueError:
        text = f"{ask}: the answer is not JSON, but {response.headers.get('content-type', 'of no known kind')}"
        # Whoever answered has taken it.
        raise AnswerLost(text) if ask.is_order else BadAnswer(text) from None
    return Told(value, _at(response), str(ask))


def _problem(ask: Ask, response: httpx.Response) -> ThalwegError:
    try:
        told = json.loads(response.content)
    except ValueError:
        told = {}
    told = told if isinstance(told, dict) else {}
    if 300 <= response.status_code < 400:
        return BadAnswer(f"{ask}: {response.status_code}, and redirections are not followed")
    found = problem(str(ask), response.status_code, told)
    unsure = response.status_code in UNSURE or not found.kind.startswith(OURS)
    if ask.is_order and isinstance(found, NotNow) and unsure:
        return AnswerLost(str(found))
    return found


def _at(response: httpx.Response) -> int:
    """When the server answered, by its own clock: it stands beside the engine, and the one here may be far from it."""
    try:
        return int(parsedate_to_datetime(response.headers["date"]).timestamp() * 1000)
    except (KeyError, ValueError):
        return int(time.time() * 1000)
