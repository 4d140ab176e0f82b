"""The line to paste: it comes back whole or is told to be mangled; what an agent keeps of it."""

from __future__ import annotations

import base64
import time
from _blake2 import blake2b
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus import enrolled, joining, keys
from bus.joining import Join, Membership, from_line, in_time, to_line
from bus.keys import KeysFault, as_bytes

NOON = 1_769_860_800 * 10**9
HUB, OWN = keys.new(), keys.new()
JOIN = Join("web-1", "tcp://hub.example:5560", "tcp://hub.example:5561", HUB.public, OWN.public, OWN.secret)
OF_ITS_OWN = Join(JOIN.name, JOIN.door, JOIN.receipts, JOIN.hub, OWN.public)
LINE = to_line(JOIN)


@pytest.mark.parametrize("join", [JOIN, OF_ITS_OWN])
def test_a_line_comes_back(join: Join) -> None:
    assert from_line(to_line(join)) == join


def test_a_line_is_one_word_for_every_shell() -> None:
    assert LINE.replace("_", "").replace("-", "").isalnum()


def test_a_line_that_a_terminal_broke_and_indented_is_understood() -> None:
    assert from_line(f"  {LINE[:70]}\r\n   {LINE[70:]}\n") == JOIN


@given(st.integers(len(joining.PREFIX), len(LINE) - 1), st.sampled_from("aB0-_"))
def test_one_wrong_character_is_told(place: int, wrong: str) -> None:
    mangled = LINE[:place] + wrong + LINE[place + 1 :]
    try:
        found = from_line(mangled)
    except KeysFault as fault:
        told = str(fault)
    else:
        assert found == JOIN, "only bits that carry nothing may differ"
        return
    assert told == joining.MANGLED


@pytest.mark.parametrize("cut", range(len(joining.PREFIX), len(LINE), 7))
def test_a_line_that_was_cut_is_told(cut: int) -> None:
    with pytest.raises(KeysFault, match="copy all of it"):
        from_line(LINE[:cut])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "begin with guardia1_"),
        ("ssh-ed25519 AAAA", "begin with guardia1_"),
        ("guardia2_abc", "version 2"),
        (joining.PREFIX + "a" * 3000, "mangled"),
        (joining.PREFIX + "ä", "mangled"),
    ],
)
def test_what_is_no_line_is_told(text: str, said: str) -> None:
    with pytest.raises(KeysFault, match=said):
        from_line(text)


def forged(**changed: Any) -> str:
    parts: dict[str, Any] = {
        "version": 1,
        "name": JOIN.name,
        "door": JOIN.door,
        "receipts": JOIN.receipts,
        "hub": as_bytes(HUB.public),
        "secret": as_bytes(OWN.secret),
        "public": as_bytes(OWN.public),
    }
    data = msgpack.packb(list((parts | changed).values()))
    return joining.PREFIX + base64.urlsafe_b64encode(data + blake2b(data, digest_size=4).digest()).decode().rstrip("=")


@pytest.mark.parametrize(
    "changed",
    [
        {"version": 2},
        {"name": "web 1"},
        {"name": "guardia.agent"},
        {"name": 7},
        {"door": "ipc:///etc/passwd"},
        {"receipts": "tcp://hub.example:0"},
        {"hub": b"short"},
        {"secret": b"short"},
        {"public": as_bytes(HUB.public)},
    ],
)
def test_a_line_that_somebody_forged_is_refused(changed: dict[str, Any]) -> None:
    assert from_line(forged()) == JOIN
    with pytest.raises(KeysFault):
        from_line(forged(**changed))


def test_what_is_kept_is_private_and_comes_back_at_every_start(tmp_path: Path) -> None:
    assert joining.membership(tmp_path) is None
    joining.keep(tmp_path, JOIN)
    assert joining.membership(tmp_path) == Membership("web-1", JOIN.door, JOIN.receipts, HUB.public, OWN)
    assert {file.stat().st_mode & 0o777 for file in (tmp_path / "keys").iterdir()} == {0o600}


def test_a_line_without_a_secret_is_for_whoever_made_that_key(tmp_path: Path) -> None:
    own = joining.request(tmp_path)
    assert joining.request(tmp_path) == own, "asking again does not make another"
    with pytest.raises(KeysFault, match="guardia agent --request"):
        joining.keep(tmp_path, OF_ITS_OWN)
    assert joining.membership(tmp_path) is None

    joining.keep(tmp_path, Join(JOIN.name, JOIN.door, JOIN.receipts, JOIN.hub, own.public))
    member = joining.membership(tmp_path)
    assert member is not None
    assert member.own == own


def test_a_line_that_is_pasted_on_a_hub_makes_nobody_else_of_it(tmp_path: Path) -> None:
    enrolled.hub_key(tmp_path)
    with pytest.raises(KeysFault, match=r"this is a hub itself, .* that is to be web-1 \(where .*hub\.key is of a hub"):
        joining.keep(tmp_path, JOIN)
    assert joining.membership(tmp_path) is None


def test_a_key_that_was_lost_is_told(tmp_path: Path) -> None:
    joining.keep(tmp_path, JOIN)
    (tmp_path / "keys" / "agent.key").unlink()
    with pytest.raises(KeysFault, match="enrolled again"):
        joining.membership(tmp_path)


@pytest.mark.parametrize("text", ["[]", "5", "{}", '{"name": "web-1"}', "[" * 5000])
def test_a_hub_that_cannot_be_read_is_told(tmp_path: Path, text: str) -> None:
    joining.keep(tmp_path, JOIN)
    (tmp_path / "keys" / "hub.json").write_text(text)
    with pytest.raises(KeysFault, match=r"hub\.json is damaged: have this host enrolled again"):
        joining.membership(tmp_path)


def test_the_time_until_which_a_line_is_good_travels_with_it() -> None:
    hasty = replace(JOIN, until=NOON)
    assert from_line(to_line(hasty)) == hasty
    in_time(hasty, NOON)
    in_time(JOIN, 2**62)


def test_a_line_that_is_too_old_is_told_with_the_clock_by_which_it_is() -> None:
    with pytest.raises(KeysFault) as fault:
        in_time(replace(JOIN, until=NOON), NOON + 90_000 * 10**9)
    end, here = (time.strftime("%Y-%m-%d %H:%M", time.localtime(at)) for at in (NOON // 10**9, NOON // 10**9 + 90_000))
    assert f"valid until {end}, and by this machine's clock it is {here}" in str(fault.value)
    assert str(fault.value).endswith("guardia enroll web-1 --again")


def test_a_line_of_the_first_version_has_no_end() -> None:
    data = msgpack.packb(
        [1, JOIN.name, JOIN.door, JOIN.receipts, as_bytes(JOIN.hub), as_bytes(OWN.secret), as_bytes(OWN.public)]
    )
    line = joining.PREFIX + base64.urlsafe_b64encode(data + blake2b(data, digest_size=4).digest()).decode().rstrip("=")
    assert from_line(line) == JOIN
