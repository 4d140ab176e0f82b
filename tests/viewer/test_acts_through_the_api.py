"""Each act from a key press to the alerter's ear, through the real API over a real socket."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from api.auth import Keyring, Token, digest_of
from bus.judging import (
    Acknowledge,
    Acknowledgement,
    AddSilence,
    AlarmList,
    Alarms,
    EndSilence,
    Opening,
    Question,
    SilenceList,
    Silences,
    Why,
)
from bus.messages import Silence
from tests.api.given import NOON
from tests.api.house import full
from tests.api.judging import OPENING, SILENCE, STANDING, FakeJudge
from tests.api.served import serving
from tests.viewer.seat import PROJECT
from tests.viewer.test_program import view

TOKENS = Keyring((Token("anna", digest_of("gd_operator"), "ack"), Token("wall", digest_of("gd_reader"), "read")))


class Judge(FakeJudge):
    """An alerter that does what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.standing = replace(STANDING, acknowledged=None, holds=())
        self.silences: list[Silence] = []
        self.maintenance: tuple[Opening, ...] = ()

    async def answer(self, question: Question) -> Any:
        done = await super().answer(question)
        match question:
            case Alarms():
                return AlarmList((self.standing,))
            case Silences():
                return SilenceList(tuple(self.silences), self.maintenance)
            case Acknowledge(_, owner, note):
                self.standing = replace(self.standing, acknowledged=Acknowledgement(owner, NOON, note))
            case AddSilence(owner, reason, until, matches):
                self.silences.append(replace(SILENCE, owner=owner, reason=reason, until=until, matches=matches))
            case EndSilence():
                self.silences.clear()
        return done

    def acts(self) -> list[Question]:
        """What was to be changed."""
        return [one for one in self.asked if isinstance(one, Acknowledge | AddSilence | EndSilence)]


@pytest.fixture
def hub() -> Iterator[tuple[str, Judge]]:
    house = full()
    house.judge = judge = Judge()
    house.hub.judge = judge
    house.keyring = TOKENS
    with serving(house) as served:
        yield f"http://127.0.0.1:{served.port}", judge


def play(home: Path, url: str, token: str, keys: str, *flags: str) -> str:
    script = home / "keys"
    script.write_text(keys)
    done = view(home, "--url", url, "--script", str(script), "--size", "120x30", *flags, GUARDIA_TOKEN=token)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_an_acknowledgement_reaches_the_alerter_and_is_seen(hub: tuple[str, Judge], tmp_path: Path) -> None:
    url, judge = hub
    keys = "5\nwait text ack by   nobody\na\ntype on my way\nenter\nwait text ack by   anna: on my way\ndump\n"
    shown = play(tmp_path, url, "gd_operator", keys)
    assert "1 acknowledged" in shown
    assert re.search(r"\bdo +https://wiki.example/disk-full\b", shown)
    assert judge.acts() == [Acknowledge("4f2a", "anna", "on my way")]


def test_a_silence_with_its_length_and_reason_is_made_and_ended(hub: tuple[str, Judge], tmp_path: Path) -> None:
    url, judge = hub
    made = "5\nwait text ack by   nobody\ns\ntype 2h\nenter\ntype new disk\nenter\nwait text ■ silence\n"
    ended = "down\nwait text e ends it\ne\nenter\nwait text ended\ndump\n"
    play(tmp_path, url, "gd_operator", made + ended)
    silence, end = judge.acts()
    assert isinstance(silence, AddSilence)
    assert (silence.owner, silence.reason, silence.matches) == ("anna", "new disk", ("web-1", "rule=disk-full"))
    assert silence.until == NOON + 7200 * 10**9
    assert end == EndSilence("s1", "anna")


def test_why_shows_the_alerters_decisions(hub: tuple[str, Judge], tmp_path: Path) -> None:
    url, judge = hub
    keys = "5\nwait text ack by   nobody\nw\nwait text for 10 min\ndump\n"
    shown = play(tmp_path, url, "gd_reader", keys)
    assert "Why disk-full on web-1" in shown
    assert any(isinstance(one, Why) for one in judge.asked)


def test_a_token_that_may_only_read_is_refused_with_a_sentence(hub: tuple[str, Judge], tmp_path: Path) -> None:
    url, judge = hub
    keys = "5\nwait text ack by   nobody\na\nenter\nwait text the token wall has the scope read, not ack\ndump\n"
    assert "scope read, not ack" in play(tmp_path, url, "gd_reader", keys)
    assert judge.acts() == []


def typed(home: Path, url: str, token: str, *words: str) -> subprocess.CompletedProcess[str]:
    kept = {"HOME": str(home), "LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin", "GUARDIA_TOKEN": token}
    command = [sys.executable, "-m", "bus.command", *words, "--hub", url]
    return subprocess.run(command, cwd=PROJECT, env=kept, capture_output=True, text=True, timeout=120, check=False)


def test_acts_that_are_typed_reach_another_machines_alerter(hub: tuple[str, Judge], tmp_path: Path) -> None:
    url, judge = hub

    known = typed(tmp_path, url, "gd_operator", "ack", "4f2a", "--note", "on my way")
    asked = ("silence", "add", "web-1", "rule=disk*", "--for", "2h", "--reason", "new disk", "--owner", "berta")
    made = typed(tmp_path, url, "gd_operator", *asked, "--json")
    judge.maintenance = (OPENING,)
    listed = typed(tmp_path, url, "gd_reader", "silence", "list")
    as_json = typed(tmp_path, url, "gd_reader", "silence", "list", "--json")
    ended = typed(tmp_path, url, "gd_operator", "silence", "end", "s1")

    assert [done.returncode for done in (known, made, listed, as_json, ended)] == [0] * 5, made.stderr + known.stderr
    acknowledged, silence, end = judge.acts()
    assert acknowledged == Acknowledge("4f2a", "anna", "on my way"), "it is the token that says who"
    assert isinstance(silence, AddSilence)
    assert (silence.owner, silence.reason, silence.matches) == ("anna", "new disk", ("web-1", "rule=disk*"))
    assert end == EndSilence("s1", "anna")
    assert json.loads(made.stdout)["id"]
    assert "new disk" in listed.stdout
    assert [one["reason"] for one in json.loads(as_json.stdout)["silences"]] == ["new disk"]
    assert "backups      2026-02-01 01:00:00Z  2026-02-01 03:00:00Z  role=db\n" in listed.stdout
    assert [one["name"] for one in json.loads(as_json.stdout)["maintenance"]] == ["backups"]


def test_silences_that_are_over_are_listed_when_asked_for(hub: tuple[str, Judge], tmp_path: Path) -> None:
    url, judge = hub
    judge.silences = [replace(SILENCE, revoked=True)]
    now, all_of_them = typed(tmp_path, url, "gd_reader", "silence", "list"), ("silence", "list", "--past", "--json")
    past = typed(tmp_path, url, "gd_reader", *all_of_them)
    assert now.stdout == "There are no silences.\n"
    assert [(one["id"], one["revoked"]) for one in json.loads(past.stdout)["silences"]] == [("s1", True)]
    assert [one.past for one in judge.asked if isinstance(one, Silences)] == [False, True]


def test_a_silence_that_is_to_begin_later_is_typed_likewise(hub: tuple[str, Judge], tmp_path: Path) -> None:
    url, judge = hub
    asked = ("silence", "add", "web-1", "--from", "2100-01-01T02:00Z", "--for", "2h", "--reason", "new disk")
    made = typed(tmp_path, url, "gd_operator", *asked)
    begin = 4_102_452_000 * 10**9
    assert (made.returncode, made.stderr) == (0, "")
    assert judge.acts() == [AddSilence("anna", "new disk", begin + 7200 * 10**9, ("web-1",), begin)]


@pytest.mark.parametrize(
    ("token", "words", "code", "said"),
    [
        ("gd_reader", ("ack", "4f2a"), 2, "the token wall has the scope read, not ack"),
        ("gd_operator", ("silence", "add", "x", "--for", "1h", "--reason", " "), 100, "reason: empty"),
        ("gd_nobody", ("silence", "list"), 2, "token"),
    ],
)
def test_what_is_typed_and_not_done_is_told(
    hub: tuple[str, Judge], tmp_path: Path, token: str, words: tuple[str, ...], code: int, said: str
) -> None:
    url, judge = hub
    done = typed(tmp_path, url, token, *words)
    assert (done.returncode, done.stdout, said in done.stderr) == (code, "", True), done.stderr
    assert judge.acts() == []
