"""Kill -9 and full disks: what a spool promised is there afterwards, and it goes on by itself."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bus.spool import Spool
from bus.wire import read

ROOT = Path(__file__).parents[2]
LIMIT = 200_000


def _life(path: Path, faults: str = "", *, lines: int = 1000, limit: int = LIMIT) -> list[list[str]]:
    """Let a process spool until it dies of a fault, or is killed after so many lines; returns what it promised."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.bus.spooling", str(path), str(limit)],
        cwd=ROOT,
        env={**os.environ, "GUARDIA_FAULTS": faults},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        told = []
        for line in process.stdout:
            told.append(line.split())
            if len(told) == lines:
                process.kill()
        assert process.wait(60) == -signal.SIGKILL
    return told


def _check(path: Path, lives: list[list[list[str]]]) -> None:
    """Everything promised and not told to be gone is there, whole."""
    promised: dict[int, int] = {}
    base: dict[int, int] = {}
    for line in (line for life in lives for line in life):
        place = promised if line[0] == "kept" else base
        place[int(line[1])] = int(line[2])
    spool = Spool(path, source="web-1", now=time.monotonic(), wall=time.time_ns())
    assert not spool.moved_aside
    assert not spool.journal_fault
    kept = {one.epoch: one for one in spool.kept()}
    for epoch, last in promised.items():
        # The last act before the death may have been done without being told.
        assert kept[epoch].last >= last
        first = kept[epoch].base
        if epoch != max(promised):
            assert kept[epoch].last <= last + 10
        records: list[bytes] = []
        while first + len(records) <= kept[epoch].last:
            found = spool.read(epoch, first + len(records), kept[epoch].last)
            assert found
            records += found
        for number, packed in enumerate(records, first):
            record = read(packed)[0]
            assert record.kind == "sample"
            assert (record.number, record.body.split()[:2]) == (number, [b"%d" % epoch, b"%d" % number])
    used = spool.status().bytes
    assert used <= LIMIT
    spool.close(time.monotonic(), time.time_ns())


@pytest.mark.parametrize(
    "faults",
    [
        *("spool.commit=kill@1", "spool.commit=kill@2", "spool.commit=kill@30", "trim=kill@1", "trim=kill@9"),
        *("journal.make=kill@1", "journal.write=kill@1", "journal.write=kill@90"),
        *("journal.written=kill@1", "journal.written=kill@17", "journal.written=kill@90"),
    ],
)
def test_a_kill_within_a_transaction_leaves_all_that_was_promised(tmp_path: Path, faults: str) -> None:
    _check(tmp_path / "spool", [_life(tmp_path / "spool", faults)])


def test_kills_at_any_moment_leave_all_that_was_promised(tmp_path: Path) -> None:
    chance = random.Random(7)
    lives = [_life(tmp_path / "spool", lines=chance.randint(1, 120)) for _ in range(8)]

    _check(tmp_path / "spool", lives)


@pytest.mark.parametrize(
    "faults",
    [
        "spool.commit=error%60",
        "journal.write=error%60,spool.commit=error%30",
        "journal.written=error%60,spool.commit=error%30",
        "journal.make=error%50,spool.commit=error%30",
    ],
)
def test_writes_that_fail_now_and_then_lose_nothing_that_was_promised(tmp_path: Path, faults: str) -> None:
    lives = [_life(tmp_path / "spool", faults, lines=100) for _ in range(3)]

    assert any(line[0] == "full" for life in lives for line in life)
    _check(tmp_path / "spool", [[line for line in life if line[0] != "full"] for life in lives])


def test_on_a_disk_that_is_really_full_it_says_so_and_what_was_promised_stays(tmp_path: Path) -> None:
    """A tmpfs of 2 MB in a mount namespace of its own; the spool may take more than that."""
    disk, kept = tmp_path / "disk", tmp_path / "kept"
    disk.mkdir()
    script = (
        f"mount -t tmpfs -o size=2m tmpfs {disk} && "
        f"{{ {sys.executable} -m tests.bus.spooling {disk}/spool 100000000 & pid=$!; "
        f"for i in $(seq 1200); do grep -q '^full' {tmp_path}/out && break; sleep 0.05; done; "
        f"kill -9 $pid; wait $pid; cp -r {disk}/spool {kept}; }}"
    )
    namespace = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
    with (tmp_path / "out").open("wb") as out:
        subprocess.run([*namespace, "sh", "-c", script], cwd=ROOT, stdout=out, check=False, timeout=90)
    told = [line.split() for line in (tmp_path / "out").read_text().splitlines()]

    assert any(line[0] == "full" for line in told), "the disk was never full"
    last = max(int(line[2]) for line in told if line[0] == "kept")
    spool = Spool(kept, source="web-1", now=time.monotonic(), wall=time.time_ns())
    assert [one.last for one in spool.kept()] == [last]
    assert len(spool.read(7, last, last)) == 1


READER = """
import sys
from pathlib import Path
from bus.spool import Spool
spool = Spool(Path(sys.argv[1]), source="web-1", now=0.0, wall=10**18)
for one in spool.kept():
    number = one.base
    while number <= one.last and (found := spool.read(one.epoch, number, one.last)):
        number += len(found)
print(spool.moved_aside)
spool.close(0.0, 10**18)
"""


def test_a_page_that_kills_who_reads_it_does_so_once_and_the_spool_goes_on(tmp_path: Path) -> None:
    path, size = tmp_path / "spool", 4096
    _life(path, lines=100, limit=10_000_000)
    whole = (path / "data.mdb").read_bytes()

    def read() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", READER, str(path)], cwd=ROOT, capture_output=True, text=True, check=False
        )

    assert read().stdout == "\n", "the file was sound"
    killed = False
    for page in range(2, len(whole) // size):
        if whole[page * size + 10 : page * size + 12] == b"\2\0":
            (path / "data.mdb").write_bytes(whole[: page * size] + bytes(size) + whole[(page + 1) * size :])
            killed = read().returncode == -signal.SIGABRT
            if killed:
                break
    assert killed, "no page of this file kills"

    again = read()

    assert again.returncode == 0, again.stderr
    assert ".bad-" in again.stdout
