"""Answers on this machine, to who has the token. Bounded are requests, their time, and how many are at once."""

from __future__ import annotations

import hmac
import ipaddress
import json
import logging
import queue
import socket
import stat
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from py4j.protocol import Py4JError

from thalweg_spark.errors import AgentError

log = logging.getLogger(__name__)

#: Bytes of a request's body.
LONGEST_BODY = 1024
#: Seconds that one connection may take, from when it is taken up.
LONGEST_SECS = 10.0
#: Connections that are open: each has a thread here, and one in the driver's virtual machine. More are closed at once.
MOST_AT_ONCE = 16
SHORTEST_TOKEN = 16


def read_token(file: Path) -> str:
    """The token in a file that only its owner may read."""
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
        token = file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise AgentError("TOKEN_FILE", f"{file}: {error.strerror}") from error
    if mode & 0o077:
        raise AgentError("TOKEN_FILE", f"{file}: others may read it, mode 0600 is asked for")
    if len(token) < SHORTEST_TOKEN or not token.isascii() or any(c.isspace() for c in token):
        raise AgentError(
            "TOKEN_FILE", f"{file}: expected {SHORTEST_TOKEN} letters or digits at least, and nothing else"
        )
    return token


def parse_address(text: str) -> tuple[str, int]:
    """A host of this machine and a port: what is said here is not encrypted."""
    host, _, port = text.rpartition(":")
    bare = host.strip("[]")
    if not port.isdigit() or int(port) > 65_535:
        raise AgentError("ADDRESS", "expected an address such as 127.0.0.1:7099")
    try:
        local = bare == "localhost" or ipaddress.ip_address(bare).is_loopback
    except ValueError:
        local = False
    if not local:
        raise AgentError("ADDRESS", "expected an address of this machine, as 127.0.0.1: nothing is encrypted here")
    return bare, int(port)


class Handler(BaseHTTPRequestHandler):
    """One request. A connection has no second one."""

    server: Server
    timeout = LONGEST_SECS
    server_version = "thalweg-spark"
    sys_version = ""

    def do_GET(self) -> None:
        self._answer({"/v1/queries": lambda: self.server.told()})

    def do_PUT(self) -> None:
        self._answer({"/v1/executors": lambda: self.server.ask(self._total())})

    def _answer(self, paths: dict[str, Callable[[], dict[str, Any]]]) -> None:
        try:
            self._require_token()
            self._say(200, paths.get(self.path, nothing)())
        except AgentError as error:
            self._say(error.status, {"code": error.code, "text": error.text})
        except Py4JError:
            # What Spark says may hold anything.
            log.warning("the driver did not answer", exc_info=True)
            self._say(502, {"code": "SPARK_FAILED", "text": "the driver did not answer"})

    def _require_token(self) -> None:
        given = self.headers.get("Authorization", "").encode()
        if not hmac.compare_digest(given, f"Bearer {self.server.token}".encode()):
            raise AgentError("UNAUTHORIZED", "expected the token as Authorization: Bearer …", 401)

    def _total(self) -> int:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > LONGEST_BODY:
            raise AgentError("BODY", f"expected {LONGEST_BODY} bytes at most, and their number", 400)
        try:
            body = json.loads(self.rfile.read(int(length)))
        except ValueError as error:
            raise AgentError("BODY", "expected JSON", 400) from error
        total = body.get("total") if isinstance(body, dict) and set(body) == {"total"} else None
        if isinstance(total, bool) or not isinstance(total, int):
            raise AgentError("BODY", 'expected {"total": a whole number}', 400)
        return total

    def _say(self, status: int, value: dict[str, Any]) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # the library's name
        log.debug(format, *args)


def nothing() -> dict[str, Any]:
    """What is at any other path."""
    raise AgentError("NOT_FOUND", "there is GET /v1/queries and PUT /v1/executors", 404)


#: A connection, who has it, and what ends it in time.
Taken = tuple[socket.socket, Any, threading.Timer]


class Server(HTTPServer):
    """Listens at an address for as long as it is open."""

    request_queue_size = MOST_AT_ONCE

    def __init__(
        self,
        address: tuple[str, int],
        token: str,
        told: Callable[[], dict[str, Any]],
        ask: Callable[[int], dict[str, Any]],
    ) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.token = token
        self._told, self._ask = told, ask
        self._spark = threading.Lock()
        self._room = threading.BoundedSemaphore(MOST_AT_ONCE)
        #: As many at most as there is room for; each has a thread that waits for it.
        self._taken: queue.SimpleQueue[Taken | None] = queue.SimpleQueue()
        super().__init__(address, Handler)
        self._thread = threading.Thread(target=self.serve_forever, name="thalweg-spark", daemon=True)
        self._thread.start()
        # A driver that ends waits for none of them.
        for number in range(MOST_AT_ONCE):
            threading.Thread(target=self._work, name=f"thalweg-spark-{number}", daemon=True).start()

    def told(self) -> dict[str, Any]:
        """What the driver tells, one at a time."""
        with self._spark:
            return self._told()

    def ask(self, total: int) -> dict[str, Any]:
        """Asks the driver for executors."""
        with self._spark:
            return self._ask(total)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answers in one of a few threads, and only for so long from now on. Who finds no room is sent away."""
        if not self._room.acquire(blocking=False):
            log.debug("a connection too many")
            self.shutdown_request(request)
            return
        # A timeout of single reads would let somebody who writes drop by drop stay for ever.
        end = threading.Timer(LONGEST_SECS, cut, [request])
        end.daemon = True
        end.start()
        self._taken.put((request, client_address, end))

    def _work(self) -> None:
        while (taken := self._taken.get()) is not None:
            try:
                self._process(*taken)
            except Exception:
                # Nobody expected it, and the next one is to be answered.
                log.exception("a request failed")

    def _process(self, request: socket.socket, client_address: Any, end: threading.Timer) -> None:
        try:
            self.finish_request(request, client_address)
        except OSError:
            log.debug("a connection broke off")
        finally:
            end.cancel()
            self.shutdown_request(request)
            self._room.release()

    def close(self) -> None:
        """Listens no more."""
        self.shutdown()
        self.server_close()
        for _ in range(MOST_AT_ONCE):
            self._taken.put(None)
        self._thread.join(LONGEST_SECS)


def cut(request: socket.socket) -> None:
    """Ends a connection, whatever it waits for."""
    try:
        request.shutdown(socket.SHUT_RDWR)
    except OSError:
        log.debug("a connection had ended")
