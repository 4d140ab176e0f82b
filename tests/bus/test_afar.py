"""A hub on another machine is asked like one here, and whatever keeps it from answering is told in a sentence."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from api.auth import Keyring, Token, digest_of
from bus import judging
from bus.afar import PAUSE, Afar
from bus.hubs import Hub
from bus.open_questions import MEDIA
from bus.questions import Subjects, TooMuch, Unanswered, pack_refusal
from bus.secret import Secret
from tests.api.given import NOON
from tests.api.house import House, full
from tests.api.served import serving
from tests.viewer.strange import answer, strange

OTHERWISE = ("does not know how to answer this from another machine", "answers otherwise than this version expects")
SAME = "have the same version of Guardia there and here"


class Clock:
    """A clock that goes on when somebody pauses."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.now += seconds


@contextmanager
def asking(url: str, *, token: str = "", seconds: float = 30.0) -> Iterator[tuple[Afar, Clock]]:
    """Somebody who asks the hub at ``url``, and the clock that he goes by."""
    clock = Clock()
    hub = Hub(url, Secret(token) if token else None)
    with Afar(hub, seconds=seconds, clock=clock, pause=clock.pause) as made:
        yield made, clock


@contextmanager
def at(house: House, **more: Any) -> Iterator[tuple[Afar, Clock]]:
    """The same, of the hub of a house."""
    with serving(house) as served, asking(f"http://127.0.0.1:{served.port}", **more) as made:
        yield made


def refusal(afar: Afar, question: Any = Subjects("check")) -> str:  # noqa: B008
    """Why there is no answer."""
    with pytest.raises(Unanswered) as told:
        afar.ask(question)
    return str(told.value)


def told(status: str, body: object, *heads: str) -> bytes:
    """An answer of JSON."""
    return answer(json.dumps(body).encode(), status, "Content-Type: application/json", *heads)


def test_it_answers_and_tells_the_time() -> None:
    with at(full()) as (afar, clock):
        assert afar.now() == NOON
        assert [one.subject for one in afar.ask(Subjects("check")).subjects] == ["shop"]
        assert isinstance(afar.ask(judging.Rules()), judging.RuleList)
        assert clock.now == 0.0


def test_nobody_there_is_told_at_once_with_what_to_do() -> None:
    with asking("http://127.0.0.1:1") as (afar, clock):
        assert refusal(afar) == (
            "cannot reach 127.0.0.1:1: connection refused; no hub runs there: make run starts one, --hub names another"
        )
        assert clock.now == 0.0


@pytest.mark.parametrize("name", ["a" * 64 + ".example", "a..b", "é..x"])
def test_an_address_that_cannot_be_one_is_told(name: str) -> None:
    with asking(f"http://{name}") as (afar, _):
        assert "label empty or too long" in refusal(afar)


def test_a_token_that_is_missing_wrong_or_may_not_see_is_told_of() -> None:
    house = full()
    house.keyring = Keyring((Token("cron", digest_of("gd_job"), "heartbeat"),))
    with at(house) as (afar, _):
        assert "wants a token: give --token-file FILE or set GUARDIA_TOKEN" in refusal(afar)
    with at(house, token="gd_guess") as (afar, _):
        assert refusal(afar).endswith("refuses this token")
    with at(house, token="gd_job") as (afar, _):
        assert refusal(afar).endswith("refuses this: the token cron has the scope heartbeat, not read")


def test_a_store_that_is_busy_is_asked_again_for_as_long_as_one_waits() -> None:
    house, busy = full(), [3]
    known = house.store

    async def store(question: bytes) -> bytes:
        if busy[0]:
            busy[0] -= 1
            raise Unanswered("its reader did not answer within 2 s")
        return await known(question)

    house.store = store
    with at(house) as (afar, clock):
        assert afar.ask(Subjects("check")).subjects
        assert clock.now == 6.0, "as often as it says, which is each 2 s"
        busy[0] = 1000
        assert "the store cannot answer now: its reader did not answer within 2 s" in refusal(afar)
        assert clock.now == 36.0


def test_what_the_store_cannot_answer_is_not_asked_again() -> None:
    house = full()

    async def store(question: bytes) -> bytes:
        return pack_refusal("more than 50000 checks")

    house.store = store
    with at(house) as (afar, clock):
        assert refusal(afar).endswith("the store does not answer this: more than 50000 checks")
        assert clock.now == 0.0


def test_what_is_too_much_for_one_answer_is_told_apart_and_is_not_asked_again() -> None:
    house = full()

    async def store(question: bytes) -> bytes:
        return pack_refusal("more than 50000 checks", much=True)

    house.store = store
    with at(house) as (afar, clock), pytest.raises(TooMuch, match=r"400: more than 50000 checks$"):
        afar.ask(Subjects("check"))
    assert clock.now == 0.0


def test_a_hub_that_goes_in_the_middle_is_waited_for_and_then_given_up() -> None:
    house = full()
    with serving(house) as served, asking(f"http://127.0.0.1:{served.port}") as (afar, clock):
        afar.now()
        served.stop()
        assert "cannot reach" in refusal(afar)
        assert 30.0 - PAUSE <= clock.now <= 30.0


def test_a_connection_that_is_closed_between_two_questions_is_made_anew() -> None:
    with serving(full()) as served, asking(f"http://127.0.0.1:{served.port}") as (afar, _):
        for _ in range(3):
            afar.now()
            served.on_loop(lambda: [one.transport.abort() for one in served.connections])
        assert afar.now() == NOON


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (told("404 Not Found", {"error": "there is nothing at this path", "code": "not_found"}), OTHERWISE[0]),
        (told("405 Method Not Allowed", {"error": "allowed here: GET", "code": "x"}), OTHERWISE[0]),
        (answer(b"<html>", "404 Not Found"), "is this a Guardia hub?"),
        (answer(b"<html>"), "is this a Guardia hub?"),
        (answer(b"\xc1", "200 OK", f"Content-Type: {MEDIA}"), OTHERWISE[1]),
        (answer(b"\x80", "200 OK", f"Content-Type: {MEDIA}"), OTHERWISE[1]),
        (told("403 Forbidden", {"error": "not to 'hub'", "code": "host"}), "refuses this: not to 'hub'"),
        (told("302 Found", {}, "Location: http://127.0.0.1:1/"), "answered 302"),
        (told("500 Internal Server Error", {"error": "internal error"}), "answered 500: internal error"),
    ],
)
def test_a_hub_of_another_version_and_what_is_no_hub_are_told_apart(said: bytes, expected: str) -> None:
    with strange(said) as url, asking(url) as (afar, _):
        found = refusal(afar)
        assert expected in found
        assert found.endswith(SAME) == (expected in OTHERWISE)


def test_what_was_asked_wrongly_is_told_apart_from_what_has_no_answer() -> None:
    said = told("400 Bad Request", {"error": "body.kind: missing", "code": "bad_body"})
    with strange(said) as url, asking(url) as (afar, _), pytest.raises(judging.Objected, match="missing"):
        afar.ask(Subjects("check"))


def test_it_lets_the_connection_go() -> None:
    with serving(full()) as served:
        with asking(f"http://127.0.0.1:{served.port}") as (afar, _):
            afar.now()
        served.until(lambda: not served.connections)
