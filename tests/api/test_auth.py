"""Who is asking, and may they."""

from __future__ import annotations

import pytest

from api.auth import Admitted, Keyring, Refused, Scope, Token, bearer, digest_of, same_origin
from tests.api.given import NOON

READER = Token("viewer", digest_of("gd_reader"), "read")
KEYRING = Keyring((READER, Token("boss", digest_of("gd_boss"), "admin", expires_at=NOON)))


def test_without_any_token_made_everybody_is_let_in() -> None:
    assert isinstance(Keyring(None).judge(None, NOON), Admitted)


def test_a_right_token_is_let_in_under_its_name() -> None:
    assert KEYRING.judge("gd_reader", NOON) == Admitted("viewer", "read", guessable=True)
    ours = Keyring((Token("viewer", digest_of("gd_reader"), "read", "gd_reader"),))
    assert ours.judge("gd_reader", NOON) == Admitted("viewer", "read")


def test_no_token_is_401_and_a_wrong_one_403() -> None:
    missing, wrong = KEYRING.judge(None, NOON), KEYRING.judge("gd_wrong", NOON)
    assert isinstance(missing, Refused)
    assert missing.status == 401
    assert isinstance(wrong, Refused)
    assert wrong.status == 403


def test_an_expired_token_is_refused_from_that_instant_on() -> None:
    assert isinstance(KEYRING.judge("gd_boss", NOON - 1), Admitted)
    refused = KEYRING.judge("gd_boss", NOON)
    assert isinstance(refused, Refused)
    assert refused.code == "expired_token"


@pytest.mark.parametrize(
    ("has", "needs", "may"),
    [
        ("read", "read", True),
        ("read", "ack", False),
        ("read", "admin", False),
        ("ack", "read", True),
        ("ack", "ack", True),
        ("ack", "admin", False),
        ("admin", "read", True),
        ("admin", "ack", True),
        ("admin", "admin", True),
    ],
)
def test_a_scope_includes_those_below_it(has: Scope, needs: Scope, may: bool) -> None:
    keyring = Keyring((Token("one", digest_of("gd_one"), has),))
    verdict = keyring.judge("gd_one", NOON, needs)
    assert isinstance(verdict, Admitted) == may


def test_a_file_without_tokens_lets_nobody_in() -> None:
    assert isinstance(Keyring(()).judge(None, NOON), Refused)
    assert isinstance(Keyring(()).judge("gd_reader", NOON), Refused)


def test_only_the_bearer_scheme_carries_a_token() -> None:
    assert bearer("Bearer gd_one") == "gd_one"
    assert bearer("bearer gd_one") == "gd_one"
    assert bearer("Basic dXNlcjpwYXNz") is None
    assert bearer("gd_one") is None
    assert bearer("Bearer ") is None
    assert bearer(None) is None


def test_a_page_of_another_origin_may_not_open_the_stream_unless_allowed() -> None:
    assert same_origin(None, "hub:8080", ())
    assert same_origin("http://hub:8080", "hub:8080", ())
    assert not same_origin("http://evil.example", "hub:8080", ())
    assert not same_origin("http://hub:9090", "hub:8080", ())
    assert not same_origin("null", "hub:8080", ())
    assert same_origin("http://status.example", "hub:8080", ("http://status.example",))
    assert same_origin("http://evil.example", "hub:8080", None)
