"""A server that is down, slow, refuses, or is none."""

from __future__ import annotations

import threading

import pytest

from thalweg_client import (
    AnswerLost,
    AsyncClient,
    BadAnswer,
    Client,
    Forbidden,
    Invalid,
    NotFound,
    NotNow,
    OrderUnknown,
    Problem,
    Refused,
    Settings,
    Unauthorized,
    Unreachable,
    steps,
)
from thalweg_testing.failing import Answer, answering, nowhere, problem

SECRET = "0123456789abcdef"


def settings(address: str, timeout: float = 5.0) -> Settings:
    return Settings(address, SECRET, timeout=timeout)


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        (
            problem(401, "no-valid-token", "no token", part="header", name="Authorization"),
            Unauthorized,
            "Authorization",
        ),
        (problem(403, "forbidden", "rita has not the role operator"), Forbidden, "rita has not the role operator"),
        (problem(404, "not-found", "there is no engine x", part="path", name="engine"), NotFound, "(path engine)"),
        (
            problem(409, "refused-by-engine", "the mode is observe"),
            Refused,
            "409 refused by engine: the mode",
        ),
        (problem(422, "invalid", "a number", part="body", name="counts.split"), Invalid, "(body counts.split)"),
        (problem(503, "busy", "storm has not answered yet"), NotNow, "storm has not answered yet"),
        (Answer(502, b"<html>", "text/html"), NotNow, "502"),
        (Answer(408, b"<html>", "text/html"), NotNow, "408"),
        (Answer(425, b""), NotNow, "425"),
        (Answer(404, [], "application/json"), NotFound, "404"),
    ],
)
def test_problems_are_errors_of_a_kind_that_name_the_place(given: Answer, error: type[Problem], said: str) -> None:
    with answering(lambda _method, _path: given) as server, Client(settings(server.address)) as client:
        with pytest.raises(error) as caught:
            client.run(steps.me())
        text = str(caught.value)
        assert said in text
        assert text.startswith("GET /v1/me: ")
        assert SECRET not in text
        assert caught.value.passing == (error is NotNow)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (Answer(200, b"<html>", "text/html"), "GET /v1/me: the answer is not JSON, but text/html"),
        (Answer(200, []), "GET /v1/me: an object is expected, not list"),
        (Answer(200, {"name": 1}), "GET /v1/me.name: str is expected, not int"),
        (Answer(200, {"name": "a"}), "GET /v1/me.roles: a list is expected, not nothing"),
        (Answer(302, b"", headers={"Location": "https://elsewhere"}), "redirections are not followed"),
    ],
)
def test_what_is_no_answer_of_this_interface_is_told_so(given: Answer, said: str) -> None:
    with answering(lambda _method, _path: given) as server, Client(settings(server.address)) as client:
        with pytest.raises(BadAnswer) as caught:
            client.run(steps.me())
        assert said in str(caught.value)


def test_nobody_at_an_address_is_unreachable_and_an_order_was_not_sent() -> None:
    with Client(settings(nowhere())) as client:
        with pytest.raises(Unreachable, match="GET /v1/me at http://127"):
            client.run(steps.me())
        with pytest.raises(Unreachable):
            client.run(steps.ask(steps.Ask("POST", "/v1/engines/storm/pause", body={})))


async def test_a_slow_server_is_given_up_after_the_timeout_and_an_order_may_have_been_taken() -> None:
    over = threading.Event()

    def slow(_method: str, _path: str) -> Answer:
        over.wait(30)
        return Answer(200, {})

    with answering(slow) as server:
        async with AsyncClient(settings(server.address, 0.2)) as client:
            with pytest.raises(Unreachable) as caught:
                await client.run(steps.me())
            assert SECRET not in str(caught.value)
            with pytest.raises(AnswerLost):
                await client.run(steps.ask(steps.Ask("POST", "/v1/engines/storm/resume", body={})))
        over.set()


@pytest.mark.parametrize("answer", [None, Answer(504, b""), Answer(200, b"taken"), problem(502, "engine-unreachable")])
def test_an_order_whose_answer_is_lost_is_sent_once_and_looked_for(
    answer: Answer | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "LOOKS", (0.01, 0.01, 0.01))

    def lost(method: str, path: str) -> Answer | None:
        if method == "POST":
            return answer
        return Answer(200, {"items": []} if "history" in path else {"orders": []})

    with answering(lost) as server, Client(settings(server.address)) as client:
        with pytest.raises(OrderUnknown, match="ref-1 was found afterwards, and none was sent again"):
            client.run(steps.scale("storm", "words", {"counts": {"split": 4}}, "ref-1"))
        assert server.count("POST") == 1
        # Before it was sent: the engine's own list and the ledger; then one look after each rest.
        assert server.count("GET") == 5


@pytest.mark.parametrize("kind", ["engine-not-ready", "busy"])
def test_an_order_that_the_engine_cannot_take_now_was_not_taken(kind: str) -> None:
    def not_now(method: str, path: str) -> Answer:
        if method == "POST":
            return problem(503, kind, "another process leads")
        return Answer(200, {"items": []} if "history" in path else {"orders": []})

    with answering(not_now) as server, Client(settings(server.address)) as client:
        with pytest.raises(NotNow, match="another process leads"):
            client.run(steps.scale("storm", "words", {"counts": {"split": 4}}, "ref-1"))
        assert server.count("POST") == 1


def test_what_may_be_said_twice_is_said_again_until_it_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "LOOKS", (0.01, 0.01, 0.01))
    answers = iter([None, Answer(504, b""), Answer(200, {})])
    with answering(lambda _method, _path: next(answers)) as server, Client(settings(server.address)) as client:
        client.run(steps.resume("storm", "words"))
        assert server.count("POST") == 3


@pytest.mark.parametrize("between", [[], [problem(503, "busy", "not yet")]])
def test_what_a_lost_try_has_done_is_new(between: list[Answer], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "LOOKS", (0.01, 0.01, 0.01))
    drained = problem(409, "refused-by-engine", "host1 is drained already", part="body", name="host")
    gone = problem(404, "not-found", "host1 is not drained", part="path", name="host")
    for conversation, last in ((steps.drain("storm", "host1"), drained), (steps.undrain("storm", "host1"), gone)):
        answers = iter([None, *between, last])
        with answering(lambda _m, _p, told=answers: next(told)) as server, Client(settings(server.address)) as client:  # type: ignore[misc]
            assert client.run(conversation)
    with answering(lambda _m, _p: drained) as server, Client(settings(server.address)) as client:
        assert not client.run(steps.drain("storm", "host1"))


def test_what_was_never_sent_is_not_said_again() -> None:
    with (
        answering(lambda _m, _p: problem(503, "busy", "not yet")) as server,
        Client(settings(server.address)) as client,
    ):
        with pytest.raises(NotNow):
            client.run(steps.resume("storm", "words"))
        assert server.count("POST") == 1


async def test_a_proxy_of_the_environment_sees_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    me = Answer(200, {"name": "ann", "roles": ["reader"]})
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with answering(lambda _m, _p: me) as proxy, answering(lambda _m, _p: me) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.address)
        with Client(settings(server.address)) as client:
            client.run(steps.me())
        async with AsyncClient(settings(server.address)) as client_on_loop:
            await client_on_loop.run(steps.me())
        assert proxy.asked == []
        assert len(server.asked) == 2


def paused(scope: str, until: int | None = None, direction: str = "both") -> dict[str, object]:
    return {"scope": scope, "direction": direction, "until": until, "at": 1, "who": "ann"}


@pytest.mark.parametrize(
    ("scope", "others", "left"),
    [
        ("words", [], None),
        ("words", [paused("words", 7)], None),
        ("words", [paused("lines")], None),
        ("words", [paused("li*")], None),
        ("words", [paused("words", 8)], "words of storm is paused by ann"),
        ("words", [paused("words", 7), paused("words", 7, "in")], "words of storm is paused by ann"),
        ("words", [paused("words-1")], "words-1 of storm is paused by ann"),
        ("words", [paused("w*")], "w* of storm is paused by ann"),
        ("w*", [paused("*ds")], "*ds of storm is paused by ann"),
        ("words", [paused("*")], "* of storm is paused by ann"),
        (None, [paused("lines")], "lines of storm is paused by ann"),
    ],
)
def test_a_pause_is_taken_back_unless_another_one_would_end_with_it(
    scope: str | None, others: list[dict[str, object]], left: str | None
) -> None:
    engine = {"name": "storm", "up": True, "pauses": others}
    common = {"engine": "storm", "status": "active", "verdict": "hold", "mode": "act", "at": 1, "executors": 1}
    items = [{**common, "id": f"{name}-1", "name": name, "plan": "none"} for name in ("words", "lines")]

    def told(method: str, path: str) -> Answer:
        if method == "POST":
            return Answer(200, {})
        return Answer(200, [engine] if path == "/v1/engines" else {"items": items})

    with answering(told) as server, Client(settings(server.address)) as client:
        assert client.run(steps.take_back("storm", scope, 7)) == left
        assert server.count("POST") == (left is None)


def test_a_reason_is_never_too_long_and_keeps_its_reference() -> None:
    assert steps.reason("because", "ref-1") == "because [ref-1]"
    assert steps.reason("", "ref-1") == "[ref-1]"
    long = steps.reason("x" * 1000, "ref-1")
    assert len(long) <= steps.LONGEST_REASON
    assert long.endswith("x [ref-1]")


def test_a_reference_is_the_same_for_the_same_order_of_the_same_task_only() -> None:
    one = steps.reference("dag", "run", body={"counts": {"a": 1, "b": 2}})
    assert one == steps.reference("dag", "run", body={"counts": {"b": 2, "a": 1}})
    assert one != steps.reference("dag", "run", body={"counts": {"a": 1, "b": 3}})
    assert one != steps.reference("dag/run", body={"counts": {"a": 1, "b": 2}})
