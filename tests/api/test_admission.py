"""How often a token may ask, and an address be wrong: the counting, and what clients are told on each way."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from api.admission import FAILURES, MINUTE, MOST_ADDRESSES, Admission
from api.auth import Admitted, Keyring, Refused, Token, Verdict, digest_of
from api.config import Api
from tests.api import contract
from tests.api.house import KEYRING, READ, House
from tests.api.served import serving
from tests.api.shortly import both, house, request

OURS, GUESSABLE = Admitted("viewer", "read"), Admitted("old", "read", guessable=True)
WRONG = Refused(403, "wrong_token", "the token is not known here")
HERE, THERE = "192.0.2.1", "192.0.2.2"
BAD = {"Authorization": "Bearer gd_wrong"}
HOSTS = "/api/v1/servers"


def wrong(admission: Admission, times: int, at: float = 0.0, address: str = HERE) -> list[int]:
    """The statuses that so many wrong tokens in a row get."""
    found = [admission.judge(WRONG, address, at) for _ in range(times)]
    return [one.status for one in found if isinstance(one, Refused)]


def status(verdict: Verdict) -> int:
    return verdict.status if isinstance(verdict, Refused) else 200


# -- requests of one token ---


def test_a_token_may_ask_so_often_and_waits_for_the_next_time() -> None:
    admission = Admission(10.0)
    assert [status(admission.judge(OURS, HERE, 0.0)) for _ in range(32)] == [200] * 30 + [429] * 2
    refused = admission.judge(OURS, THERE, 0.0)  # wherever it asks from
    assert isinstance(refused, Refused)
    assert (refused.code, refused.wait) == ("too_many_requests", 1)
    assert "viewer" in refused.text
    assert "10 times a second" in refused.text
    assert [status(admission.judge(OURS, HERE, 1.0)) for _ in range(11)] == [200] * 10 + [429]


def test_what_one_token_asks_costs_no_other_anything() -> None:
    admission = Admission(1.0)
    assert [admission.allows(OURS, 0.0) for _ in range(4)] == [True] * 3 + [False]
    assert admission.allows(Admitted("boss", "admin"), 0.0)


@pytest.mark.parametrize(("rate", "name"), [(0.0, "viewer"), (1.0, "")])
def test_zero_is_any_number_and_a_hub_without_tokens_counts_nobody(rate: float, name: str) -> None:
    admission = Admission(rate)
    assert all(status(admission.judge(Admitted(name, "read"), HERE, 0.0)) == 200 for _ in range(1000))
    assert all(admission.allows(Admitted(name, "read"), 0.0) for _ in range(1000))


# -- wrong tokens of one address ---


def test_the_eleventh_wrong_token_within_a_minute_has_to_wait() -> None:
    admission = Admission(0.0)
    assert wrong(admission, FAILURES + 2) == [403] * FAILURES + [429] * 2
    assert wrong(admission, 1, address=THERE) == [403]
    assert wrong(admission, 2, at=MINUTE / FAILURES) == [403, 429]
    assert wrong(admission, FAILURES + 1, at=3 * MINUTE) == [403] * FAILURES + [429]


def test_who_must_wait_cannot_try_tokens_that_can_be_guessed_and_all_others_go_on() -> None:
    admission = Admission(0.0)
    wrong(admission, FAILURES)
    refused = admission.judge(GUESSABLE, HERE, 0.0)
    assert isinstance(refused, Refused)
    assert (refused.status, refused.code, refused.wait) == (429, "too_many_failures", 6)
    assert admission.judge(GUESSABLE, THERE, 0.0) == GUESSABLE
    assert admission.judge(OURS, HERE, 0.0) == OURS  # a proxy's other clients, and nobody guesses 190 bits
    assert admission.judge(GUESSABLE, HERE, MINUTE) == GUESSABLE


def test_the_short_way_which_knows_no_address_leaves_what_can_be_guessed_to_the_long_one() -> None:
    admission = Admission(0.0)
    assert admission.allows(GUESSABLE, 0.0)
    wrong(admission, 1)
    assert not admission.allows(GUESSABLE, 0.0)
    assert admission.allows(OURS, 0.0)


@pytest.mark.parametrize("code", ["unauthenticated", "expired_token", "scope", "host"])
def test_other_refusals_are_told_as_they_are_and_count_for_nothing(code: str) -> None:
    admission, verdict = Admission(1.0), Refused(403, code, "no")
    assert all(admission.judge(verdict, HERE, 0.0) is verdict for _ in range(3 * FAILURES))
    assert wrong(admission, 1) == [403]


def test_the_log_hears_of_an_address_once_a_minute() -> None:
    admission = Admission(0.0)

    def heard(at: float) -> int:
        found = [admission.judge(WRONG, HERE, at) for _ in range(30)]
        return sum(isinstance(one, Refused) and one.notable for one in found)

    assert [heard(at) for at in (0.0, 10.0, 50.0, 61.0, 70.0)] == [1, 0, 0, 1, 0]


def test_strangers_without_number_are_not_all_remembered() -> None:
    admission = Admission(0.0)
    for number in range(MOST_ADDRESSES + 10):
        wrong(admission, 1, address=f"stranger-{number}")
    assert wrong(admission, FAILURES, address="stranger-0") == [403] * FAILURES  # it was forgotten
    assert wrong(admission, FAILURES, address=f"stranger-{MOST_ADDRESSES}") == [403] * (FAILURES - 1) + [429]


# -- what clients are told ---


def still(found: House) -> House:
    """A hub whose time stands still, in which nothing comes back."""
    found.hub.monotonic = lambda: 0.0
    return found


def narrow(**config: Any) -> House:
    """A hub with one token, which may ask three times."""
    return still(House(keyring=KEYRING, config=replace(Api(), requests_per_s=1.0, **config)).prime())


def test_a_client_that_asks_too_often_is_told_when_it_may_again() -> None:
    found = narrow()
    assert [found.ask("GET", HOSTS, READ).status_code for _ in range(3)] == [200] * 3
    result = found.ask("GET", HOSTS, READ)
    assert result.status_code == 429
    assert result.headers["Retry-After"] == "1"
    contract.error(result.json)
    assert result.json["code"] == "too_many_requests"
    assert found.ask("GET", "/api/v1/health").status_code == 200


def test_wrong_tokens_are_refused_with_429_and_the_log_has_the_address(caplog: pytest.LogCaptureFixture) -> None:
    found = narrow()
    assert [found.ask("GET", HOSTS, BAD).status_code for _ in range(FAILURES)] == [403] * FAILURES
    with caplog.at_level(logging.WARNING, "guardia.api"):
        results = [found.ask("GET", HOSTS, BAD) for _ in range(5)]
    assert {result.status_code for result in results} == {429}
    assert results[0].headers["Retry-After"] == "6"
    assert results[0].json["code"] == "too_many_failures"
    [line] = [record.getMessage() for record in caplog.records]
    assert line == "127.0.0.1 showed 10 wrong tokens within a minute; it is told to wait"
    assert "gd_wrong" not in caplog.text


def test_the_page_that_a_token_opens_counts_too() -> None:
    found = narrow()
    statuses = [found.ask("GET", "/?token=gd_wrong").status_code for _ in range(FAILURES + 1)]
    assert statuses == [403] * FAILURES + [429]


def test_a_stream_too_many_is_closed_with_4429() -> None:
    with serving(narrow()) as served:
        seen = [_closed(served.url("/api/v1/stream?token=gd_wrong")) for _ in range(FAILURES + 1)]
    assert seen == [4401] * FAILURES + [4429]


def _closed(url: str) -> int:
    with connect(url) as client, pytest.raises(ConnectionClosed) as closed:
        client.recv(timeout=30)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


TOKEN = Token("viewer", digest_of("gd_reader"), "read", prefix="gd_reader")
SHOWN = b"Host: localhost\r\nAuthorization: Bearer gd_reader\r\n"


def test_both_ways_of_a_series_share_what_a_token_may_ask() -> None:
    config = replace(Api(), requests_per_s=1.0)
    with serving(still(house(config=config, keyring=Keyring((TOKEN,))))) as served:
        short, long, taken = both(served, request(lines=SHOWN))
        assert taken
        assert short == long
        both(served, request(lines=SHOWN))
        short, long, taken = both(served, request(lines=SHOWN))
        assert not taken
        assert short == long
        assert short.startswith(b"HTTP/1.1 429 ")
