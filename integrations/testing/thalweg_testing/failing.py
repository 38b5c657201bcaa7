"""Servers on which nothing is to be relied: they refuse, are slow, lose answers, or are no servers of this kind."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit


@dataclass
class Answer:
    """What is answered."""

    status: int = 200
    body: Any = None
    kind: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


def problem(status: int, kind: str, detail: str = "", **place: str) -> Answer:
    """A problem as the server gives it."""
    told: dict[str, Any] = {
        "type": f"urn:thalweg:problem:{kind}",
        "title": kind.replace("-", " "),
        "status": status,
        "detail": detail,
    }
    if place:
        told["place"] = {"in": place["part"], "name": place["name"]}
    return Answer(status, told, "application/problem+json")


#: Takes method and path, and says what is answered; nothing if the connection is closed without a word.
Answering = Callable[[str, str], Answer | None]


@dataclass
class Failing:
    """A server, and what it was asked."""

    address: str
    asked: list[str] = field(default_factory=list)

    def count(self, method: str) -> int:
        """How often it was asked in this way."""
        return sum(one.startswith(method + " ") for one in self.asked)


@contextmanager
def answering(answer: Answering) -> Iterator[Failing]:
    """A server that answers as it is told to."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked.append(f"{self.command} {self.path}")
            given = answer(self.command, self.path)
            if given is None:
                self.close_connection = True
                return
            body = given.body if isinstance(given.body, bytes) else json.dumps(given.body).encode()
            self.send_response(given.status)
            for name, value in {"Content-Type": given.kind, **given.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = _any  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with serving(Handler) as address:
        yield Failing(address, asked)


#: Takes method, path and whether the request was passed on already; says whether the answer is kept back.
Losing = Callable[[str, str], bool]


@contextmanager
def losing(behind: str, lost: Losing, before: bool = False) -> Iterator[Failing]:
    """A proxy that passes requests on and loses some of the answers, or the requests themselves (``before``)."""
    asked: list[str] = []
    host = urlsplit(behind).netloc

    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked.append(f"{self.command} {self.path}")
            drop = lost(self.command, self.path)
            if drop and before:
                self.close_connection = True
                return
            onward = http.client.HTTPConnection(host, timeout=20)
            kept = {name: self.headers[name] for name in ("Authorization", "Content-Type") if name in self.headers}
            onward.request(self.command, self.path, body or None, kept)
            told = onward.getresponse()
            read = told.read()
            onward.close()
            if drop:
                self.close_connection = True
                return
            self.send_response_only(told.status)
            for name, value in told.getheaders():
                if name.lower() in ("content-type", "date"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(read)))
            self.end_headers()
            self.wfile.write(read)

        do_GET = do_POST = do_PUT = do_DELETE = _any  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with serving(Handler) as address:
        yield Failing(address, asked)


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """A server with a handler."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def nowhere() -> str:
    """An address at which nobody listens."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    port = server.server_address[1]
    server.server_close()
    return f"http://127.0.0.1:{port}"
