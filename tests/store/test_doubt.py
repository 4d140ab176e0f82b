"""Damaged files: who dies of one is not followed by others, and what is not damaged goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from psutil import NoSuchProcess, Process

from bus.mapped import NOT_NOW, SOUND
from store.backends import StoreBroken
from store.backends.doubt import Look, Presence, after_the_dead, doubt, is_doubted
from store.backends.lmdb import LmdbBackend
from store.backends.walking import walked
from tests.store.given import DAY, HOUR, NOON, batch, layout, numbers, sample

PAGE = 4096
LEAF = 2
LATE = NOON + 2 * HOUR
READER = """
import sys
from pathlib import Path
from store.backends.lmdb import LmdbBackend
backend = LmdbBackend(Path(sys.argv[1]), write=False)
print([len(backend.rows("sample", f"web-{n}", 0, 2**62)) for n in range(3)])
backend.close()
"""
DEAD = """
import os, signal, sys
from pathlib import Path
from store.backends.doubt import Presence
with Presence(Path(sys.argv[1])).at(Path(sys.argv[2])):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def filled(path: Path) -> Path:
    """A store with an hour of three hosts, and a sample in the hour after; returns the hour's file."""
    backend = LmdbBackend(path, write=True)
    backend.commit(batch([layout(), sample(3601, host="web-0")], received=LATE), LATE)
    for first in range(0, 2000, 100):
        hosts = [sample(first + n, host=f"web-{host}") for n in range(100) for host in range(3)]
        backend.commit(batch(hosts, received=LATE), LATE)
    backend.close()
    return path / "rows" / "sample" / "20260131T12" / "data.mdb"


def read(path: Path) -> subprocess.CompletedProcess[str]:
    """What a reader of its own says of the store."""
    command = [sys.executable, "-c", READER, str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def forgotten(path: Path) -> None:
    """Forget who died, and what is doubted."""
    for note in [*path.glob("rows/*/*.doubt"), *path.glob("at/*")]:
        note.unlink()


def unsettled(path: Path) -> None:
    """Let a long time pass without a writer that settles the doubts."""
    for note in path.glob("rows/*/*.doubt"):
        os.utime(note, (0, 0))


def killing(path: Path, file: Path) -> None:
    """Zero a page of the file so that whoever reads it is killed."""
    whole = file.read_bytes()
    for page in range(2, len(whole) // PAGE):
        begin = page * PAGE
        if int.from_bytes(whole[begin + 10 : begin + 12], "little") != LEAF:
            continue
        file.write_bytes(whole[:begin] + bytes(PAGE) + whole[begin + PAGE :])
        if read(path).returncode == -signal.SIGABRT:
            return
        forgotten(path)
    raise AssertionError("no page of this file kills")


READING = """
import sys
from pathlib import Path
from store.backends.environments import environment
with environment(Path(sys.argv[1]), write=False) as opened, opened.begin():
    print("reads", flush=True)
    sys.stdin.read()
"""


def refreshed(writer: LmdbBackend, seen: Callable[[], bool]) -> None:
    """Let the writer refresh until ``seen``."""
    end = time.monotonic() + 20
    while not seen():
        assert time.monotonic() < end
        writer.refresh()
        time.sleep(0.02)


def test_a_partition_that_killed_its_reader_is_left_out_then_put_aside_and_the_rest_is_answered(tmp_path: Path) -> None:
    killing(tmp_path, filled(tmp_path))

    again = read(tmp_path)
    assert again.returncode == 1, "nobody dies of it twice"
    assert "looked into after a crash, ask again" in again.stderr, "an answer without that hour would be a lie"
    unsettled(tmp_path)
    assert read(tmp_path).stdout == "[1, 0, 0]\n", "without a writer the other hour is answered"

    writer = LmdbBackend(tmp_path, write=True)
    bad = tmp_path / "rows" / "sample"
    refreshed(writer, lambda: bool(list(bad.glob("20260131T12.bad-*"))))
    assert "put aside" in writer.damaged[0]
    found = writer.damage()
    assert [found[what] for what in ("damaged_total", "put_aside", "unremoved")] == [1.0, 1.0, 0.0]
    assert not list(bad.glob("*.doubt"))
    writer.commit(batch([sample(7, host="web-2")], received=LATE), LATE)
    writer.close()
    assert read(tmp_path).stdout == "[1, 0, 1]\n", "the hour begins anew"


def test_a_writer_that_died_at_a_damaged_partition_puts_it_aside_before_it_writes_there(tmp_path: Path) -> None:
    file = filled(tmp_path)
    killing(tmp_path, file)
    forgotten(tmp_path)
    subprocess.run([sys.executable, "-c", DEAD, str(tmp_path), str(file.parent)], check=False)

    writer = LmdbBackend(tmp_path, write=True)
    writer.commit(batch([sample(2001, host="web-1")], received=LATE), LATE)
    rows = writer.rows("sample", "web-1", 0, LATE)
    writer.close()

    assert numbers(rows) == [2001]
    assert [path.name[:16] for path in file.parent.parent.glob("*.bad-*")] == ["20260131T12.bad-"]


def test_a_sound_partition_at_which_somebody_was_killed_is_trusted_again_and_nothing_is_missing(tmp_path: Path) -> None:
    file = filled(tmp_path)
    subprocess.run([sys.executable, "-c", DEAD, str(tmp_path), str(file.parent)], check=False)

    assert "looked into after a crash" in read(tmp_path).stderr, "not read before it was looked into"
    writer = LmdbBackend(tmp_path, write=True)
    refreshed(writer, lambda: not is_doubted(file.parent))
    writer.close()

    assert writer.damaged == []
    assert read(tmp_path).stdout == "[2001, 2000, 2000]\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_a_look_that_somebody_ends_is_no_reason_to_put_a_sound_hour_aside(tmp_path: Path, number: int) -> None:
    file = filled(tmp_path)
    doubt(file.parent)
    writer = LmdbBackend(tmp_path, write=True)

    writer.refresh()
    for child in Process().children():
        with suppress(NoSuchProcess):  # it has ended, or is not ours
            if "store.backends.walking" in child.cmdline():
                child.send_signal(number)  # as who shuts a machine down does, or the kernel for want of memory
    refreshed(writer, lambda: not is_doubted(file.parent))
    writer.close()

    assert writer.damaged == []
    assert read(tmp_path).stdout == "[2001, 2000, 2000]\n"


def test_a_look_that_cannot_begin_is_none_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = filled(tmp_path)
    doubt(file.parent)
    monkeypatch.setenv("PYTHONHOME", "/nowhere")
    look = Look(file.parent)
    assert look.verdict(30.0) is None
    look.close()


def test_a_command_that_is_killed_while_it_reads_does_not_make_the_running_hour_grow(tmp_path: Path) -> None:
    file = filled(tmp_path)
    writer = LmdbBackend(tmp_path, write=True)

    def grown(first: int) -> int:
        before = file.stat().st_size
        for second in range(first, first + 200):
            writer.commit(batch([sample(second, host=f"web-{n}") for n in range(9)], received=LATE), LATE)
        return file.stat().st_size - before

    usual = grown(2000)
    command = [sys.executable, "-c", READING, str(file.parent)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == b"reads\n"
        reader.kill()
    writer.refresh()

    assert grown(2200) < 2 * usual
    assert writer.damage()["dead_readers_total"] == 1
    writer.close()


def test_who_lives_is_not_taken_for_dead(tmp_path: Path) -> None:
    partition = tmp_path / "rows" / "sample" / "20260131T12"
    partition.mkdir(parents=True)
    presence = Presence(tmp_path)
    with presence.at(partition):
        assert after_the_dead(tmp_path) == []
    presence.close()

    assert after_the_dead(tmp_path) == []
    assert list((tmp_path / "at").iterdir()) == []


def test_who_died_at_nothing_leaves_no_doubt(tmp_path: Path) -> None:
    partition = tmp_path / "rows" / "sample" / "20260131T12"
    partition.mkdir(parents=True)
    script = DEAD.replace("    os.kill", "    pass\nos.kill")
    subprocess.run([sys.executable, "-c", script, str(tmp_path), str(partition)], check=False)

    assert after_the_dead(tmp_path) == []
    assert not is_doubted(partition)


@pytest.mark.parametrize("fill", [b"\0", b"\xff"])
def test_no_page_kills_a_reader_that_a_walk_has_found_sound(tmp_path: Path, fill: bytes) -> None:
    file = filled(tmp_path)
    whole = file.read_bytes()
    assert walked(file.parent) == SOUND
    leaves = [page for page in range(2, len(whole) // PAGE) if whole[page * PAGE + 10 : page * PAGE + 12] == b"\2\0"]
    codes = set()
    for page in leaves[::5]:
        file.write_bytes(whole[: page * PAGE] + fill * PAGE + whole[(page + 1) * PAGE :])
        command = [sys.executable, "-m", "store.backends.walking", str(file.parent)]
        code = subprocess.run(command, capture_output=True, check=False).returncode
        codes.add(code)
        assert read(tmp_path).returncode == 0 or code not in (SOUND, NOT_NOW), f"page {page}"
        forgotten(tmp_path)
    assert codes - {SOUND}, "nothing was damaged"


def test_a_damaged_state_is_said_in_a_sentence_and_kills_nobody_twice(tmp_path: Path) -> None:
    filled(tmp_path)
    state = tmp_path / "state" / "data.mdb"
    content = state.read_bytes()
    state.write_bytes(content[: 2 * PAGE] + bytes(len(content) - 2 * PAGE))
    doubt(tmp_path / "state")

    for _ in range(2):
        with pytest.raises(StoreBroken, match="is damaged; guardia store restore"):
            LmdbBackend(tmp_path, write=True)
    state.write_bytes(content)
    LmdbBackend(tmp_path, write=True).close()
    assert read(tmp_path).stdout == "[2001, 2000, 2000]\n"


def test_what_was_put_aside_goes_when_its_time_is_over(tmp_path: Path) -> None:
    file = filled(tmp_path)
    aside = file.parent.rename(file.parent.with_name("20260131T12.bad-1"))
    writer = LmdbBackend(tmp_path, write=True)

    writer.retain({"sample": DAY}, NOON + HOUR)
    assert aside.exists()
    writer.retain({"sample": DAY}, NOON + 2 * DAY)

    assert not aside.exists()
    writer.close()


def test_a_partition_that_was_half_dropped_is_dropped_by_the_next_writer(tmp_path: Path) -> None:
    file = filled(tmp_path)
    gone = file.parent.rename(file.parent.with_name("20260131T12.gone"))

    LmdbBackend(tmp_path, write=True).close()

    assert not gone.exists()


def test_a_flipped_byte_costs_the_record_in_which_it_is_and_is_said(tmp_path: Path) -> None:
    file = filled(tmp_path)
    data = bytearray(file.read_bytes())
    place = data.rindex(b"web-1\x92")  # within a record: the name and the start of the body
    data[place + 12] ^= 1
    file.write_bytes(data)

    reader = LmdbBackend(tmp_path, write=False)
    rows = reader.rows("sample", "web-1", 0, LATE)
    reader.close()

    assert len(rows) == 1999
    assert "checksum" in reader.damaged[0]
    assert not is_doubted(file.parent), "one record is no reason to leave out an hour"
