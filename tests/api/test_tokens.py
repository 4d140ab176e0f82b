"""The file of tokens."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import pytest

from api.auth import Admitted, Keyring, Refused
from api.tokens import TokensFault, Watched, add, load, path_of, revoke, save
from tests.api.given import NOON


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return path_of(tmp_path)


def test_without_a_file_no_token_was_ever_made(path: Path) -> None:
    assert load(path) == Keyring(None)


def test_a_new_token_is_known_by_its_digest_alone(path: Path) -> None:
    text = add(path, "viewer", "read", NOON, None)

    assert re.fullmatch(r"gd_[A-Za-z0-9]{32}", text)
    assert text not in path.read_text()
    assert load(path).judge(text, NOON) == Admitted("viewer", "read")


def test_only_the_owner_may_read_the_file(path: Path) -> None:
    add(path, "viewer", "read", NOON, None)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_file_that_others_may_read_is_refused_with_the_remedy(path: Path) -> None:
    add(path, "viewer", "read", NOON, None)
    path.chmod(0o644)
    with pytest.raises(TokensFault, match=f"chmod 600 {re.escape(str(path))}"):
        load(path)


@pytest.mark.parametrize("text", ["", "{}", '{"tokens": 1}', '{"tokens": [{"name": "x"}]}', "\xff", "[" * 5000])
def test_a_damaged_file_lets_nobody_in(path: Path, text: str) -> None:
    save(path, ())
    path.write_text(text)
    with pytest.raises(TokensFault, match="damaged"):
        load(path)


def test_a_file_that_cannot_be_reached_lets_nobody_in(path: Path) -> None:
    path.parent.parent.mkdir(exist_ok=True)
    path.parent.touch()
    with pytest.raises(TokensFault, match=r"tokens\.json: not a directory"):
        Watched(path).keyring()


def test_an_expiry_outlives_the_file(path: Path) -> None:
    text = add(path, "viewer", "read", NOON, NOON + 1_000_000_000)
    assert isinstance(load(path).judge(text, NOON), Admitted)
    assert isinstance(load(path).judge(text, NOON + 1_000_000_000), Refused)


def test_names_are_used_once_and_are_plain(path: Path) -> None:
    add(path, "viewer", "read", NOON, None)
    with pytest.raises(TokensFault, match="there is a token viewer already"):
        add(path, "viewer", "read", NOON, None)
    with pytest.raises(TokensFault, match="is no name"):
        add(path, "vie wer", "read", NOON, None)
    with pytest.raises(TokensFault, match="is no scope: read, ack, admin"):
        add(path, "other", "write", NOON, None)


def test_a_revoked_token_is_forgotten_and_the_others_stay(path: Path) -> None:
    one, two = add(path, "one", "read", NOON, None), add(path, "two", "admin", NOON, None)
    assert revoke(path, "one") == 1
    assert isinstance(load(path).judge(one, NOON), Refused)
    assert isinstance(load(path).judge(two, NOON), Admitted)
    with pytest.raises(TokensFault, match="there is no token 'one'; there are: two"):
        revoke(path, "one")


def test_revoking_the_last_token_closes_instead_of_opening(path: Path) -> None:
    add(path, "one", "read", NOON, None)
    assert revoke(path, "one") == 0
    assert isinstance(load(path).judge(None, NOON), Refused)


def test_a_token_that_exists_elsewhere_can_be_taken_over_without_showing_it(path: Path) -> None:
    add(path, "old", "read", NOON, None, "hunter2")
    assert isinstance(load(path).judge("hunter2", NOON), Admitted)
    assert "hunter2" not in path.read_text()


@pytest.mark.parametrize("text", ["gr\u00fcn", "a\nb", "x" * 4097])
def test_what_no_header_can_hold_is_no_token(path: Path, text: str) -> None:
    with pytest.raises(TokensFault, match="that is no token"):
        add(path, "old", "read", NOON, None, text)
    assert load(path).tokens is None


def test_a_change_is_seen_at_the_next_request(path: Path) -> None:
    watched = Watched(path)
    assert isinstance(watched.keyring().judge(None, NOON), Admitted)
    text = add(path, "one", "read", NOON, None)
    assert isinstance(watched.keyring().judge(None, NOON), Refused)
    assert isinstance(watched.keyring().judge(text, NOON), Admitted)
    revoke(path, "one")
    assert isinstance(watched.keyring().judge(text, NOON), Refused)


def test_the_file_is_not_read_again_while_it_stays(path: Path) -> None:
    add(path, "one", "read", NOON, None)
    watched = Watched(path)
    assert watched.keyring() is watched.keyring()


def test_a_file_that_becomes_unreadable_lets_nobody_in(path: Path) -> None:
    add(path, "one", "read", NOON, None)
    watched = Watched(path)
    watched.keyring()
    path.write_text("{")
    os.chmod(path, 0o600)
    for _ in range(2):
        with pytest.raises(TokensFault):
            watched.keyring()


def test_where_tokens_are_needed_a_missing_file_lets_nobody_in(path: Path) -> None:
    add(path, "one", "read", NOON, None)
    watched = Watched(path, needed=True)
    path.unlink()
    assert isinstance(watched.keyring().judge(None, NOON), Refused)
