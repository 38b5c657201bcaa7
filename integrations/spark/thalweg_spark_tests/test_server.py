"""Who is answered, and what by."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from thalweg_spark import server
from thalweg_spark.errors import AgentError
from thalweg_spark.server import Server, parse_address, read_token

TOKEN = "a-token-of-enough-letters"


def ask(total: int) -> dict[str, Any]:
    if total > 8:
        raise AgentError("TOO_MANY", "more than 8")
    return {"total": total}


@pytest.fixture
def answering() -> Iterator[Server]:
    made = Server(("127.0.0.1", 0), TOKEN, lambda: {"form": 1}, ask)
    yield made
    made.close()


def call(to: Server, path: str, body: bytes | None = None, token: str | None = TOKEN) -> tuple[int, dict[str, Any]]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{to.server_address[1]}{path}", data=body, method="GET" if body is None else "PUT"
    )
    if token is not None:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_who_has_the_token_is_answered_and_nobody_else(answering: Server) -> None:
    assert call(answering, "/v1/queries") == (200, {"form": 1})
    for token in (None, "", "another-token-of-letters", TOKEN + "x"):
        status, told = call(answering, "/v1/queries", token=token)
        assert (status, told["code"]) == (401, "UNAUTHORIZED")
        assert TOKEN not in json.dumps(told)
    assert call(answering, "/v1/executors", b'{"total": 2}', token=None)[0] == 401


def test_only_two_things_can_be_asked(answering: Server) -> None:
    assert call(answering, "/v1/executors", b'{"total": 3}') == (200, {"total": 3})
    assert call(answering, "/v1/executors")[0] == 404
    assert call(answering, "/v1/queries", b"{}")[0] == 404
    assert call(answering, "/")[0] == 404


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"nothing", b"{}", b'{"total": "3"}', b'{"total": true}', b'{"total": 3, "a": 1}', b" " * 2000]
)
def test_what_is_no_number_of_executors_is_refused(answering: Server, body: bytes) -> None:
    assert call(answering, "/v1/executors", body)[1]["code"] == "BODY"


def test_what_the_driver_refuses_has_its_code(answering: Server) -> None:
    assert call(answering, "/v1/executors", b'{"total": 9}') == (409, {"code": "TOO_MANY", "text": "more than 8"})


def test_what_nobody_expected_is_said_and_the_next_is_answered(caplog: pytest.LogCaptureFixture) -> None:
    told = iter([0])
    answering = Server(("127.0.0.1", 0), TOKEN, lambda: {"form": next(told)}, ask)
    assert call(answering, "/v1/queries") == (200, {"form": 0})
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        call(answering, "/v1/queries")
    assert call(answering, "/v1/executors", b'{"total": 3}')[0] == 200
    answering.close()
    assert "a request failed" in caplog.text


def slow_ones(to: Server, number: int) -> list[socket.socket]:
    """So many connections that have said a part of something."""
    slow = [socket.create_connection(("127.0.0.1", to.server_address[1]), 10) for _ in range(number)]
    for one in slow:
        one.sendall(b"GET /v1/que")
    return slow


def ends(connection: socket.socket) -> bool:
    """Whether the other side ends a connection, within ten seconds, and says nothing."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def test_who_writes_drop_by_drop_is_cut_off_and_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "LONGEST_SECS", 2.0)
    answering = Server(("127.0.0.1", 0), TOKEN, lambda: {"form": 1}, ask)
    begun = time.monotonic()
    slow = slow_ones(answering, server.MOST_AT_ONCE - 1)
    assert call(answering, "/v1/queries")[0] == 200
    assert time.monotonic() - begun < 2.0, "nobody waits for those who are slow"
    for one in slow:
        assert ends(one)
        one.close()
    assert time.monotonic() - begun < 8.0
    answering.close()


def test_who_comes_when_all_places_are_taken_is_sent_away_at_once(answering: Server) -> None:
    before = threading.active_count()
    slow = slow_ones(answering, server.MOST_AT_ONCE)
    begun = time.monotonic()
    for one in slow_ones(answering, 3 * server.MOST_AT_ONCE):
        assert ends(one)
        one.close()
    assert time.monotonic() - begun < server.LONGEST_SECS / 2
    assert threading.active_count() <= before + server.MOST_AT_ONCE, "a clock for each that has a place"
    # Places that are left are for others.
    for one in slow:
        one.close()
    end = time.monotonic() + 10
    while not is_answered(answering):
        assert time.monotonic() < end, "no place was left again"
        time.sleep(0.05)


def is_answered(by: Server) -> bool:
    try:
        return call(by, "/v1/queries")[0] == 200
    except OSError:
        return False


def test_the_time_of_a_connection_begins_when_it_is_taken_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "LONGEST_SECS", 0.5)
    monkeypatch.setattr(Server, "_work", lambda self: None)
    answering = Server(("127.0.0.1", 0), TOKEN, lambda: {"form": 1}, ask)
    (one,) = slow_ones(answering, 1)
    assert ends(one), "though nobody has got to it yet"
    one.close()
    answering.close()


def test_a_driver_that_ends_waits_for_nobody(answering: Server) -> None:
    slow = slow_ones(answering, 2)
    named = [thread for thread in threading.enumerate() if thread.name.startswith("thalweg-spark")]
    assert len(named) > server.MOST_AT_ONCE
    assert all(thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread())
    for one in slow:
        one.close()


def test_a_token_that_others_may_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN + "\n")
    file.chmod(0o644)
    with pytest.raises(AgentError, match="mode 0600"):
        read_token(file)
    file.chmod(0o600)
    assert read_token(file) == TOKEN
    for short in ("", "short", "two words of letters"):
        file.write_text(short)
        with pytest.raises(AgentError, match="expected 16"):
            read_token(file)
    with pytest.raises(AgentError, match="No such file"):
        read_token(tmp_path / "none")


def test_only_this_machine_is_an_address() -> None:
    assert parse_address("127.0.0.1:7099") == ("127.0.0.1", 7099)
    assert parse_address("[::1]:0") == ("::1", 0)
    for text in ("0.0.0.0:7099", "10.0.0.1:7099", "driver:7099", "7099", "127.0.0.1:", ":7099", "127.0.0.1:99999"):
        with pytest.raises(AgentError):
            parse_address(text)
