"""Keys in files: whole or not there, nobody else's to read, told apart by phone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bus import keys
from bus.keys import KeysFault


def test_the_secret_half_is_never_shown() -> None:
    pair = keys.new()
    assert pair.secret not in f"{pair} {pair!r}"


def test_the_public_half_follows_from_the_secret_one() -> None:
    pair = keys.new()
    assert keys.of_secret(pair.secret) == pair


def test_a_fingerprint_is_five_groups_that_another_key_does_not_have() -> None:
    one, other = keys.fingerprint(keys.new().public), keys.fingerprint(keys.new().public)
    assert [len(group) for group in one.split()] == [4] * 5
    assert one != other


def test_a_fingerprint_stays_the_same_from_version_to_version() -> None:
    assert keys.fingerprint(keys.as_text(bytes(32))) == "b6c9 298a bcef 1501 6bc2"


@pytest.mark.parametrize("text", ["", "web-1", "x" * 39, "x" * 41, "~" * 40, "ä" * 40, "%" * 40])
def test_what_is_no_key_is_told_from_one(text: str) -> None:
    assert not keys.is_key(text)


def test_a_key_file_is_private_and_comes_back(tmp_path: Path) -> None:
    path, pair = tmp_path / "keys" / "agent.key", keys.new()
    old = os.umask(0)
    try:
        keys.write_pair(path, pair)
    finally:
        os.umask(old)

    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert keys.read_pair(path) == pair
    assert os.listdir(path.parent) == ["agent.key"], "nothing is left behind"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_key_that_others_may_read_is_not_used_and_the_fault_says_what_to_type(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "agent.key"
    keys.write_pair(path, keys.new())
    path.chmod(mode)
    with pytest.raises(KeysFault, match=f"type: chmod 600 {path}"):
        keys.read_pair(path)


def test_a_damaged_key_is_told_and_never_shown(tmp_path: Path) -> None:
    path, pair = tmp_path / "agent.key", keys.new()
    keys.write_private(path, f"secret {pair.secret[:-1]}\n")
    with pytest.raises(KeysFault) as caught:
        keys.read_pair(path)
    assert pair.secret[:-1] not in str(caught.value)


def test_of_two_that_make_the_same_key_the_first_one_holds(tmp_path: Path) -> None:
    path, first = tmp_path / "hub.key", keys.new()
    assert keys.write_pair(path, first, replace=False)
    assert not keys.write_pair(path, keys.new(), replace=False)
    assert keys.read_pair(path) == first
    assert os.listdir(tmp_path) == ["hub.key"]


def test_there_may_be_no_key(tmp_path: Path) -> None:
    assert keys.read_pair(tmp_path / "agent.key") is None
