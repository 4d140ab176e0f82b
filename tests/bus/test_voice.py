"""A voice that is kept on disk: what becomes of it when its host is joined under another name."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bus import joining, keys
from bus.joining import Join
from bus.messages import Loss
from bus.program import Program, TryAgain
from bus.records import Settings
from bus.tables import Bus
from bus.voice import deliverer, look_at_keys
from bus.ways import Ways

NOON = 1_780_000_000 * 10**9


def join(name: str) -> Join:
    """A line that an agent was given."""
    own = keys.new()
    return Join(name, "tcp://127.0.0.1:1", "tcp://127.0.0.1:2", keys.new().public, own.public, own.secret)


@contextmanager
def living(tmp_path: Path, name: str = "agent") -> Iterator[Program[Any]]:
    """One life of an agent, or of another program."""
    (tmp_path / "run").mkdir(exist_ok=True)
    settings = Settings(tmp_path / "agent.toml", {"agent": object(), "bus": Bus()})
    found: Program[Any] = Program(name, "agent", settings, tmp_path, logging.getLogger("guardia"))
    yield found
    found.loop.end()
    found.context.destroy(linger=0)


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program[Any]]:
    with living(tmp_path) as found:
        yield found


def test_what_waits_under_a_former_name_is_told_when_the_host_gets_another(
    program: Program[Any], caplog: pytest.LogCaptureFixture
) -> None:
    joining.keep(program.home, join("web-1"))
    ways = Ways(program.home, program.bus, ("", ""), "web-1")
    voice = deliverer(program, "web-1", public=True)
    look_at_keys(program, ways, voice)
    voice.tell(Loss(stream="web-1", epoch=1, first=1, last=1, reason="dropped"), at=NOON)
    voice.flush()

    joining.keep(program.home, join("web-2"))
    with pytest.raises(TryAgain, match="this host was enrolled as web-2"):
        look_at_keys(program, ways, voice)
    assert f"1 messages of web-1 wait in {program.home}/spool/web-1" in caplog.text


def test_what_waits_under_a_name_that_was_changed_while_nothing_ran_is_told_at_the_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with living(tmp_path) as before:
        for name in ("web-1", "web-2", "guardia.prober"):
            voice = deliverer(before, name)
            if name != "web-2":
                voice.tell(Loss(stream=name, epoch=1, first=1, last=1, reason="dropped"), at=NOON)
            voice.flush()
    with living(tmp_path) as after:
        deliverer(after, "web-3", public=True)

    told = [one.message for one in caplog.records if "nobody sends them" in one.message]
    assert len(told) == 1, told
    assert told[0].startswith(f"1 messages of web-1 wait in {tmp_path}/spool/web-1: nobody sends them now;")


def test_who_shares_a_home_with_others_leaves_their_spools_to_them(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """They may be about to open them, as after a start of the machine."""
    with living(tmp_path, "web-1") as before:
        voice = deliverer(before, "web-1", public=True)
        voice.tell(Loss(stream="web-1", epoch=1, first=1, last=1, reason="dropped"), at=NOON)
        voice.flush()
    with living(tmp_path, "web-2") as after:
        deliverer(after, "web-2", public=True)

    assert "nobody sends them" not in caplog.text


def test_with_other_keys_for_its_name_it_goes_on(program: Program[Any], caplog: pytest.LogCaptureFixture) -> None:
    joining.keep(program.home, join("web-1"))
    ways = Ways(program.home, program.bus, ("", ""), "web-1")
    voice = deliverer(program, "web-1", public=True)
    joining.keep(program.home, join("web-1"))
    caplog.set_level(logging.INFO)
    look_at_keys(program, ways, voice)
    assert "the keys changed: connecting to the hub anew" in caplog.text

    joining.keep(program.home, join("web-1"))
    (program.home / "keys" / "agent.key").chmod(0o644)
    look_at_keys(program, ways, voice)
    assert "the keys are not used: " in caplog.text


def test_a_host_that_calls_itself_otherwise_than_it_was_enrolled_says_nothing(program: Program[Any]) -> None:
    joining.keep(program.home, join("web-1"))
    with pytest.raises(TryAgain, match="this host was enrolled as web-1 and calls itself web-2"):
        deliverer(program, "web-2", public=True)


def test_a_spool_that_another_process_has_is_told(program: Program[Any]) -> None:
    deliverer(program, "web-1")
    with pytest.raises(TryAgain, match="spool/web-1 is in use by another process"):
        deliverer(program, "web-1")
