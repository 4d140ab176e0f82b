"""When a spool's file is looked into before it is used, and what becomes of one that is moved aside."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from bus.delivery.retention import NoRoom
from bus.spool import Spool, doubt
from bus.spool.doubt import AtIt, locked, move_aside
from bus.spool.entry import PAGE
from tests.bus.spooling import message
from tests.descriptors import opened

ROOT = Path(__file__).parents[2]
WALL = 1_700_000_000 * 10**9
LEAF = 2


def _killed(path: Path, faults: str) -> None:
    """Let a process spool until a fault kills it."""
    died = subprocess.run(
        [sys.executable, "-m", "tests.bus.spooling", str(path), "1000000"],
        cwd=ROOT,
        env={**os.environ, "GUARDIA_FAULTS": faults},
        stdout=subprocess.DEVNULL,
        check=False,
    )
    assert died.returncode == -signal.SIGKILL


def _damage(data: Path, words: bytes) -> None:
    """Spoil the pages that hold these words: the file can be opened, and not read to its end."""
    content = bytearray(data.read_bytes())
    for at in range(2 * PAGE, len(content), PAGE):
        if content[at + 10] == LEAF and words in content[at : at + PAGE]:
            content[at + 12 : at + 14] = b"\xff\x0f"
    data.write_bytes(content)


@pytest.mark.parametrize(("faults", "looks"), [("spool.commit=kill@3", True), ("journal.write=kill@40", False)])
def test_a_file_is_looked_into_when_its_user_died_while_at_it(tmp_path: Path, faults: str, looks: bool) -> None:
    path = tmp_path / "spool"
    _killed(path, faults)
    _damage(path / "data.mdb", b"7 40 ")

    spool = Spool(path, source="web-1", now=0.0, wall=WALL)

    assert bool(spool.moved_aside) == looks
    spool.close(0.0, WALL)


def test_a_look_that_cannot_begin_is_no_reason_to_put_a_sound_file_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "spool"
    _killed(path, "spool.commit=kill@3")
    with monkeypatch.context() as starved:
        starved.setenv("PYTHONHOME", "/nowhere")  # Python ends with 1, as without memory or with no file to open
        Spool(path, source="web-1", now=0.0, wall=WALL).close(0.0, WALL)

    spool = Spool(path, source="web-1", now=0.0, wall=WALL)

    assert spool.moved_aside == ""
    assert spool.status().messages > 0
    assert [one.name for one in tmp_path.glob("*.bad-*")] == []
    spool.close(0.0, WALL)


@pytest.mark.parametrize("damaged", [False, True])
def test_a_look_that_takes_long_holds_nobody_up_and_is_no_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damaged: bool
) -> None:
    path = tmp_path / "spool"
    _killed(path, "spool.commit=kill@3")
    if damaged:
        _damage(path / "data.mdb", b"7 40 ")
    monkeypatch.setattr(doubt, "PATIENCE", 0.0)

    spool = Spool(path, source="web-1", now=0.0, wall=WALL)
    assert (spool.kept(), spool.moved_aside) == ([], "")
    with pytest.raises(NoRoom, match="all of it is read first"):
        spool.append(8, 1, [message(1, 8)], 0.0, WALL)
    while not spool.kept():
        with suppress(NoRoom):
            spool.append(8, 1, [message(1, 8)], 0.0, WALL)

    assert [one.epoch for one in spool.kept()] == [7, 8]
    assert bool(spool.moved_aside) == damaged
    assert spool.read(8, 1, 1) == [message(1, 8)]
    spool.close(0.0, WALL)


def test_who_closes_a_spool_ends_the_look_into_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "spool"
    _killed(path, "spool.commit=kill@3")
    monkeypatch.setattr(doubt, "PATIENCE", 0.0)
    spool = Spool(path, source="web-1", now=0.0, wall=WALL)
    looking = spool._look._child
    assert looking is not None

    spool.close(0.0, WALL)

    assert looking.returncode == -signal.SIGKILL, "it was ended, and waited for"
    monkeypatch.undo()
    again = Spool(path, source="web-1", now=0.0, wall=WALL)
    assert [one.epoch for one in again.kept()] == [7]
    again.close(0.0, WALL)


def test_who_finds_it_in_use_leaves_no_descriptor_behind(tmp_path: Path) -> None:
    held, died = locked(tmp_path / "spool.lock")
    with pytest.raises(BlockingIOError):
        locked(tmp_path / "spool.lock")

    assert not died
    assert opened(tmp_path) == [str(tmp_path / "spool.lock")]
    assert stat.S_IMODE(os.fstat(held).st_mode) == 0o600
    os.close(held)


def test_a_disk_that_does_not_take_the_word_keeps_nobody_from_the_file(tmp_path: Path) -> None:
    (tmp_path / "spool.lock").touch()
    lock = os.open(tmp_path / "spool.lock", os.O_RDONLY)
    with AtIt(lock):
        was_in = True

    assert was_in
    os.close(lock)


@pytest.mark.parametrize("order", [(1, 2, 3, 4), (4, 3, 2, 1), (2, 4, 1, 3)])
def test_of_those_moved_aside_the_two_newest_are_kept(tmp_path: Path, order: tuple[int, ...]) -> None:
    for second in order:
        (tmp_path / f"spool.bad-{second}").mkdir()
    (tmp_path / "spool").mkdir()

    assert move_aside(tmp_path / "spool", 5 * 10**9) == tmp_path / "spool.bad-5"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["spool.bad-4", "spool.bad-5"]


def test_two_of_one_second_are_both_kept(tmp_path: Path) -> None:
    for _ in range(2):
        (tmp_path / "spool").mkdir()
        move_aside(tmp_path / "spool", 5 * 10**9)

    assert sorted(one.name for one in tmp_path.iterdir()) == ["spool.bad-5", "spool.bad-5+"]


def test_what_was_moved_aside_just_now_is_kept_though_the_clock_was_set_back(tmp_path: Path) -> None:
    for second in (7, 8):
        (tmp_path / f"spool.bad-{second}").mkdir()
    (tmp_path / "spool").mkdir()

    assert move_aside(tmp_path / "spool", 5 * 10**9).exists()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["spool.bad-5", "spool.bad-8"]
