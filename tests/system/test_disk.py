"""A disk that is full or read-only when a program starts, or becomes so."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.namespaces import WHY_NOT, can_unshare, unshared
from tests.ports import free_ports

PROGRAMS = ("collector", "agent", "store-writer", "store-reader", "store-sealer", "alerter", "prober", "api")
STRANGE = ("Traceback", "a fault of Guardia's own", "Unhandled exception", "Exception in worker", "Shutting down")
PROJECT = Path(__file__).resolve().parents[2]

EACH = 30.0
"""Seconds that one start takes at most, on a slow machine."""

pytestmark = [pytest.mark.skipif(not can_unshare("mount"), reason=WHY_NOT), pytest.mark.timeout(1200)]


@pytest.fixture
def folder() -> Iterator[Path]:
    # The paths of ipc sockets are short: pytest's own folders are too deep.
    made = Path(tempfile.mkdtemp(prefix="guardia-"))
    yield made
    shutil.rmtree(made)


def _told(one: dict[str, object]) -> bool:
    """Whether what a program said is lines of its own, and no fault of a library's."""
    program = str(one["program"]).partition("-")[0]
    lines = str(one["text"]).splitlines()
    ours = all(line.startswith(("at=", program)) for line in lines)
    return ours and not any(words in line for line in lines for words in STRANGE)


def _started(folder: Path, disks: list[tuple[str, str]], words: str = "") -> list[dict[str, object]]:
    """Start each program with its home on a tmpfs of these options; one that has started has to say ``words``."""
    door, receipts, api = free_ports(3)
    (folder / "guardia.toml").write_text(
        f'[bus]\ndoor = "tcp://127.0.0.1:{door}"\nreceipts = "tcp://127.0.0.1:{receipts}"\n'
        f'[api]\nport = {api}\nworkers = 1\n[agent]\nname = "web-1"\n[store]\nfree_bytes = 0\n'
    )
    done = subprocess.run(
        [*unshared("mount"), sys.executable, "-m", "tests.system.starting", folder],
        cwd=PROJECT,
        input="".join(f"{program} {options} {words}\n" for program, options in disks),
        capture_output=True,
        text=True,
        timeout=60.0 + EACH * len(disks),
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_program_that_cannot_make_its_files_says_which_and_is_tried_again(folder: Path) -> None:
    """A disk of so many files: each one that a program makes is the first that finds no room."""
    disks = [("collector", f"nr_inodes={files}") for files in range(1, 12)]
    disks += [(program, f"nr_inodes={files}") for program in ("agent", "store-writer") for files in (4, 7, 8, 9)]
    disks += [(program, f"nr_inodes={files}") for program in ("alerter", "prober") for files in (7, 8, 11)]
    disks += [
        (program, f"nr_inodes={files}") for program in ("api", "store-reader", "store-sealer") for files in (2, 5)
    ]
    disks += [("api", f"nr_inodes={files}") for files in (7, 8)]

    found = _started(folder, disks)

    assert [one for one in found if one["code"] != 111] == []
    assert [one for one in found if "no space left on device" not in str(one["text"]).lower()] == []
    assert [one for one in found if not _told(one)] == []


@pytest.mark.parametrize(
    ("state", "code", "words"),
    [
        ("full", 111, ".lock: no space left on device, trying again in 5 s"),
        ("read-only", 111, "read-only file system, trying again in 5 s"),
    ],
)
def test_a_home_that_nothing_can_be_written_to_is_told_in_a_line(
    folder: Path, state: str, code: int, words: str
) -> None:
    found = _started(folder, [(program, state) for program in PROGRAMS])

    assert [one for one in found if one["code"] != code or words not in str(one["text"])] == []
    assert [one for one in found if not _told(one)] == []
    assert [one for one in found if len(str(one["text"]).splitlines()) != 1] == []


def test_a_program_that_finds_no_room_for_what_it_keeps_says_so_and_does_not_die_of_it(folder: Path) -> None:
    """A disk of so many blocks: files can be made, and not be filled. LMDB's maps would be SIGBUS there."""
    sizes = ("4k", "8k", "16k", "36k", "44k")
    words = "the spool cannot be written"
    agents = _started(folder, [("agent", f"size={size}") for size in sizes], words)
    writers = _started(folder, [("store-writer", f"size={size}") for size in sizes])

    assert [one for one in agents if one["code"] != 0 or words not in str(one["text"])] == []
    assert [one for one in writers if one["code"] != 111 or "cannot open the store" not in str(one["text"])] == []


def test_nobody_dies_of_a_disk_without_room_for_its_memory(folder: Path) -> None:
    sizes = ("4k", "16k", "24k", "44k", "64k")
    found = _started(folder, [(program, f"size={size}") for program in ("alerter", "prober") for size in sizes])
    found += _started(folder, [("api", "size=4k")])

    assert [one for one in found if one["code"] not in (0, 111)] == []
    told = [str(one["text"]) for one in found]
    assert [text for text in told if "Traceback" in text or "a fault of Guardia's own" in text] == []


READ_ONLY = """
%s -m collector > said & pid=$!
until [ -e var/run/collector.beat ]; do kill -0 $pid || exit 3; sleep 0.05; done
mount --bind var/run var/run && mount -o remount,bind,ro var/run || exit 4
until grep -q 'without a beat' said; do kill -0 $pid || exit 5; sleep 0.05; done
%s -m collector; echo "code $?"
umount var/run; touch well
until [ var/run/collector.beat -nt well ]; do kill -0 $pid || exit 6; sleep 0.05; done
kill $pid; wait $pid; echo "code $?"; cat said
"""
"""A collector whose run folder becomes read-only and well again, and one that is started meanwhile."""


FULL = """
mkdir var && mount -t tmpfs -o size=64k none var || exit 3
%s -m collector & pid=$!
until [ -e var/run/collector.callers.json ]; do kill -0 $pid || exit 4; sleep 0.05; done
head -c 100k /dev/zero > var/ballast
until [ -e var/run/collector.callers.new ]; do kill -0 $pid || exit 5; sleep 0.05; done
rm var/ballast
while [ -e var/run/collector.callers.new ]; do kill -0 $pid || exit 6; sleep 0.05; done
kill $pid; wait $pid; echo "code $?"
"""
"""A collector that finds no room for whom it let in, and then does; it is one process all the time."""


def test_a_collector_on_a_full_disk_goes_on_and_leaves_who_called_once_there_is_room(folder: Path) -> None:
    door, receipts, _ = free_ports(3)
    (folder / "guardia.toml").write_text(
        f'[bus]\ndoor = "tcp://127.0.0.1:{door}"\nreceipts = "tcp://127.0.0.1:{receipts}"\nkeys = true\n'
        "[collector]\nreport_seconds = 1\n"
    )

    done = _obeyed(folder, FULL % sys.executable)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "code 0" in done.stdout
    assert "trying again" not in done.stdout


def _obeyed(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a mount namespace, in the folder of the configuration."""
    return subprocess.run(
        [*unshared("mount"), "sh", "-c", script],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PROJECT), "GUARDIA_CONFIG": str(folder / "guardia.toml")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_a_program_whose_disk_becomes_read_only_says_so_and_goes_on_and_one_that_starts_is_tried_again(
    folder: Path,
) -> None:
    door, receipts, _ = free_ports(3)
    (folder / "guardia.toml").write_text(
        f'[bus]\ndoor = "tcp://127.0.0.1:{door}"\nreceipts = "tcp://127.0.0.1:{receipts}"\nbeat_seconds = "100ms"\n'
    )
    done = _obeyed(folder, READ_ONLY % ((sys.executable,) * 2))

    assert done.returncode == 0, done.stderr
    assert re.findall(r"code (\d+)", done.stdout) == ["111", "0"]
    (went_on,) = (line for line in done.stdout.splitlines() if "read-only" in line)
    (started,) = (line for line in done.stderr.splitlines() if "read-only" in line)
    assert "var/run" in started
    assert started.endswith("read-only file system, trying again in 5 s")
    assert "goes on without a beat" in went_on
    assert "collector.beat: read-only file system" in went_on
    assert "Traceback" not in done.stdout + done.stderr


GONE = """
%s -m bus.command %s > said & pid=$!
until [ -e var/run/%s.beat ]; do kill -0 $pid || exit 3; sleep 0.05; done
rm -r var/run; wait $pid; echo "code $?"; cat said
"""
"""A program whose run folder somebody removes."""


@pytest.mark.parametrize("program", ["collector", "api"])
def test_a_program_whose_files_somebody_removed_says_so_and_is_tried_again(folder: Path, program: str) -> None:
    door, receipts, api = free_ports(3)
    (folder / "guardia.toml").write_text(
        f'[bus]\ndoor = "tcp://127.0.0.1:{door}"\nreceipts = "tcp://127.0.0.1:{receipts}"\n'
        f"[api]\nport = {api}\nworkers = 1\n"
    )
    done = _obeyed(folder, GONE % (sys.executable, program, program))

    assert done.returncode == 0, done.stderr
    assert "code 111" in done.stdout
    assert f"{folder}/var/run is gone, trying again in 5 s" in done.stdout
    assert [words for words in STRANGE if words in done.stdout + done.stderr] == []
