"""One copy of a program, and what it asks of the operating system."""

from __future__ import annotations

import logging
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bus.process import Lock, affordable, is_left_behind, untouched

HOLDER = """
import sys
from pathlib import Path
from bus.process import Lock
lock = Lock(Path(sys.argv[1]))
assert lock.take() is None
print("held", flush=True)
sys.stdin.read()
"""
HUNG = """
import sys, time
from pathlib import Path
from bus.process import call_itself, harden, stacks_into
stacks_into(Path(sys.argv[1]))
harden(supervised=False)
call_itself("store-writer")
def waits_for_nobody():
    print("ready", flush=True)
    time.sleep(60)
waits_for_nobody()
"""


def test_how_a_child_ended_is_known_though_whoever_started_us_ignores_his_own() -> None:
    told = (
        "import subprocess, sys; from bus.process import harden; harden(supervised=False); "
        "sys.exit(subprocess.call(['/bin/sh', '-c', 'exit 3']))"
    )
    ignoring = (
        "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); "
        "os.execv(sys.executable, [sys.executable, '-c', sys.argv[1]])"
    )
    assert subprocess.run([sys.executable, "-c", ignoring, told], timeout=60, check=False).returncode == 3


LEFT = """
import os, sys, time
if os.fork():
    os._exit(0)
parent = os.getppid()
while os.getppid() == parent and parent != 1:
    time.sleep(0.005)
from bus.process import harden, is_left_behind
if not is_left_behind(os.getppid()):
    print("taken over by somebody else", flush=True)
harden(supervised=True)
print("goes on", flush=True)
"""


def test_who_is_left_behind_by_a_supervisord_that_died_at_once_ends() -> None:
    told = subprocess.run([sys.executable, "-c", LEFT], timeout=60, check=False, stdout=subprocess.PIPE, text=True)
    assert told.stdout in ("", "taken over by somebody else\ngoes on\n")


@pytest.mark.parametrize(
    ("parent", "command", "name", "left"),
    [
        (1, "/sbin/init", "init", True),
        (1, "/usr/bin/python3\0/usr/bin/supervisord\0-n", "supervisord", False),
        (1, "/opt/guardia/.venv/bin/python3\0/opt/guardia/.venv/bin/supervisord", "python3", False),
        (812, "/lib/systemd/systemd\0--user", "systemd", True),
        (812, "/opt/guardia/.venv/bin/python3\0/opt/guardia/.venv/bin/supervisord", "python3", False),
        (812, "/bin/sh\0-c\0guardia collector | tee log", "sh", False),
    ],
)
def test_a_parent_that_took_over_is_told_from_a_supervisord(
    parent: int, command: str, name: str, left: bool, tmp_path: Path
) -> None:
    (tmp_path / str(parent)).mkdir()
    (tmp_path / str(parent) / "cmdline").write_text(command)
    (tmp_path / str(parent) / "comm").write_text(f"{name}\n")
    assert is_left_behind(parent, tmp_path) is left
    assert not is_left_behind(parent + 1, tmp_path), "of whom nothing can be read nothing is said"


def test_a_second_copy_learns_who_the_first_is(tmp_path: Path) -> None:
    first, second = Lock(tmp_path / "api.lock"), Lock(tmp_path / "api.lock")
    assert first.take() is None
    assert second.take() == os.getpid()

    first.release()
    first.release()

    assert second.take() is None
    second.release()


def test_a_lock_ends_with_its_process_however_that_ends(tmp_path: Path) -> None:
    path = tmp_path / "api.lock"
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdin is not None
    assert holder.stdout is not None
    try:
        assert holder.stdout.readline() == b"held\n"
        lock = Lock(path)
        assert lock.take() == holder.pid
        holder.kill()
        holder.wait(10)
        assert lock.take() is None
        lock.release()
    finally:
        holder.kill()
        holder.wait(10)
        holder.stdin.close()
        holder.stdout.close()


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"nobody", b"12345678901234567890"])
def test_whatever_stands_in_the_file_the_lock_is_taken_and_the_number_is_ours(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "api.lock"
    path.write_bytes(content)
    lock = Lock(path)
    assert lock.take() is None
    assert path.read_text() == f"{os.getpid()}\n"
    path.write_bytes(content)
    assert Lock(path).take() in (0, 12345678901234567890)
    lock.release()


def test_a_hung_process_leaves_its_stack_and_no_core(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", HUNG, tmp_path / "stack"], stdout=subprocess.PIPE, cwd=Path.cwd())
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"ready\n"
        assert Path(f"/proc/{process.pid}/comm").read_text() == "gd-store-writer\n"
        process.send_signal(signal.SIGUSR1)
        end = time.monotonic() + 30
        while "waits_for_nobody" not in (tmp_path / "stack").read_text() and time.monotonic() < end:
            time.sleep(0.01)
        assert process.poll() is None, "SIGUSR1 does not end it"
        process.send_signal(signal.SIGABRT)
        assert process.wait(10) == -signal.SIGABRT
        assert (tmp_path / "stack").read_text().count("waits_for_nobody") == 2
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()


GIVING = """
import sqlite3, ssl, zlib  # libraries whose pages are given back
from bus.process import give_back, one_heap
def resident():
    for line in open("/proc/self/smaps_rollup"):
        if line.startswith("Rss:"):
            return int(line.split()[1])
one_heap()
waste = [bytes(50) for _ in range(200_000)]
del waste
before = resident()
give_back()
after = resident()
assert sqlite3.connect(":memory:").execute("select 6 * 7").fetchone() == (42,)
assert zlib.decompress(zlib.compress(b"web-1")) == b"web-1"
ssl.create_default_context()
print(before, after)
"""


def test_what_only_the_start_needed_is_given_back_and_nothing_is_lost() -> None:
    done = subprocess.run([sys.executable, "-c", GIVING], capture_output=True, text=True, check=True)
    before, after = map(int, done.stdout.split())
    assert after < before - 2000


def test_only_what_the_linker_left_alone_is_given_back() -> None:
    smaps = (
        "1000-2000 r-xp 00000000 fe:00 7    /usr/lib/libc.so.6\nRss: 4 kB\nAnonymous:             0 kB\n"
        "2000-3000 r--p 00000000 fe:00 7    /usr/lib/libc.so.6\nAnonymous:             4 kB\n"
        "3000-4000 rw-p 00000000 fe:00 7    /usr/lib/libc.so.6\nAnonymous:             0 kB\n"
        "4000-5000 r--p 00000000 00:00 0\nAnonymous:             0 kB\n"
    )
    assert list(untouched(smaps.splitlines(keepends=True))) == [(0x1000, 0x2000)]


PIECES = """
import resource, sys
from bus.process import keep_heap, trim_heap
keep_heap(32 * 2**20)
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
piece = b"x" * 2**22
del piece
before = faults()
for _ in range(20):
    piece = b"x" * 2**22
    del piece
again = faults() - before
trim_heap()
before = faults()
piece = b"x" * 2**22
print(again, faults() - before)
"""


def test_a_heap_that_is_kept_is_not_asked_for_anew_until_it_is_trimmed() -> None:
    found = subprocess.run([sys.executable, "-c", PIECES], capture_output=True, check=True, text=True)
    again, trimmed = map(int, found.stdout.split())
    assert again < 1024  # of twenty times as many pages
    assert trimmed >= 512


LARGE = """
import os
from pathlib import Path
from bus.process import keep_heap, large_pages, trim_heap
def told(of_it):
    maps = Path("/proc/self/smaps").read_text().split("[heap]")[1:]
    return sum(1 for one in maps if of_it in one.partition("VmFlags:")[2].partition(chr(10))[0].split())
statm, shown = os.open("/proc/self/statm", os.O_RDONLY), bytearray(128)
def resident():  # takes nothing of the heap, which would come in a large page itself
    return int(shown[:os.preadv(statm, [shown], 0)].split()[1]) * 4096
keep_heap(32 * 2**20)
before = resident()
large_pages(24 * 2**20)
taken, asked = resident() - before, told("hg")
piece = b"x" * (16 * 2**20)
del piece
trim_heap()
large_pages(24 * 2**20)
print(asked, taken, told("hg"))
"""


@pytest.mark.skipif(not Path("/sys/kernel/mm/transparent_hugepage").exists(), reason="a kernel without large pages")
def test_the_heap_is_to_grow_in_large_pages_and_takes_none_before_it_does() -> None:
    found = subprocess.run([sys.executable, "-c", LARGE], capture_output=True, check=True, text=True)
    asked, taken, again = map(int, found.stdout.split())
    assert asked >= 1
    assert taken < 2**20, "of 24 MiB that are asked for"
    assert again >= 1


CYCLES = """
import gc
from bus.process import collect_seldom
collect_seldom()
before = gc.get_stats()[0]["collections"]
kept = [[] for _ in range(40_000)]
print(gc.isenabled(), gc.get_freeze_count() > 0, gc.get_stats()[0]["collections"] - before)
kept += [[] for _ in range(40_000)]
print(gc.get_stats()[0]["collections"] - before)
"""


def test_cycles_are_looked_for_seldom_and_not_never() -> None:
    found = subprocess.run([sys.executable, "-c", CYCLES], capture_output=True, check=True, text=True)
    assert found.stdout.split() == ["True", "True", "0", "1"]


def test_short_turns_are_taken_where_there_are_any() -> None:
    program = (
        "import sys\n"
        "from bus.process import take_short_turns\n"
        "print(take_short_turns(200_000))\n"
        "print(open('/proc/self/sched').read() if sys.argv[1:] else '')\n"
    )
    looked = ["look"] if Path("/proc/self/sched").exists() else []
    ran = subprocess.run([sys.executable, "-c", program, *looked], capture_output=True, text=True, check=True)
    taken, _, shown = ran.stdout.partition("\n")
    slices = [line.split()[-1] for line in shown.splitlines() if line.startswith("se.slice")]
    release = tuple(int(part) for part in os.uname().release.split(".")[:2])
    if taken == "True" and slices and release >= (6, 12):
        assert slices == ["200000"]


def test_there_are_as_many_as_there_are_open_files_for_which_are_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    log, before = logging.getLogger("process.test"), resource.getrlimit(resource.RLIMIT_NOFILE)
    told = "only %d connections are possible"
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (200, before[1]))
        assert affordable(50, told, log, spare=100, each=3) == 50
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 250
        assert affordable(20, told, log, spare=100) == 20
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 250, "what there is already is not given back"
        assert affordable(50, told, log, spare=100, beyond=150) == 50
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 300
        assert affordable(50, told, log, spare=100, beyond=before[1]) == 50, "what is beyond is not counted on"
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == before[1]
        assert caplog.text == ""
        most = (before[1] - 100) // 2
        assert affordable(before[1], told, log, spare=100, each=2) == most
        assert f"only {most} connections are possible, since the system lets this process open" in caplog.text
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
