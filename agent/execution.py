"""Run one program to its end, for a bounded time and a bounded output, and leave nothing of it behind."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

MOST_OUTPUT = 65_536
"""Bytes of output; a program that prints more is killed."""
_GLANCE = 0.05
"""Seconds between two looks whether the program has ended while something it started holds its output open."""


GRACE = 2.0
"""Seconds that a program which was killed has to end; what waits for a disk that is gone does not."""


class Failed(Exception):
    """The program did not do its work; the text says why."""


class Stuck(Failed):
    """It, or what it started, cannot be ended: that waits in the kernel, or became another user's by ``sudo``."""


class Ended(NamedTuple):
    """How a program ended: its exit code (negative: the signal), and what it printed."""

    code: int
    output: bytes
    complaint: bytes


def killed(group: int) -> None:
    """Kill all processes of a group that may be killed."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


class Executor:
    """Runs programs, each in a session of its own, so that it can be ended with all that it started."""

    def __init__(self, environment: Mapping[str, str], *, grace: float = GRACE, end: Callable[[int], None] = killed):
        """``end`` ends the process group of a number."""
        self._environment = dict(environment)
        self._grace, self._end = grace, end
        self._running: set[int] = set()
        self._stuck: dict[Path, subprocess.Popen[bytes]] = {}
        self._lock = threading.Lock()
        self._closed = False

    def run(self, path: Path, seconds: float) -> Ended:
        """Run ``path`` in a folder of no interest, without arguments; blocks, also for the grace where it is killed.

        Raises ``Failed``. While what ``path`` was before cannot be ended, it is not begun again.
        """
        with self._lock:
            if self._closed:
                raise Failed("the agent is stopping")
            self._stuck = {of: program for of, program in self._stuck.items() if _runs(program)}
            if (before := self._stuck.get(path)) is not None:
                raise Stuck(f"its process group {before.pid} cannot be ended")
        # Without the lock: where the file is on a server that is gone, this takes as long as that is.
        program = self._begun(path)
        with self._lock:
            self._running.add(program.pid)
            if self._closed:
                self._end(program.pid)
        try:
            output, complaint, trouble = _followed(program, time.monotonic() + seconds)
        finally:
            # Until it is waited for, its number is its own: nobody else can be hit.
            with self._lock:
                self._end(program.pid)
                self._running.discard(program.pid)
            for pipe in (program.stdout, program.stderr):
                if pipe is not None:
                    pipe.close()
            stuck = not _ends(program, self._grace)
            if stuck:
                with self._lock:
                    self._stuck[path] = program
        if stuck:
            raise Stuck(f"its process group {program.pid} cannot be ended")
        if trouble:
            raise Failed(f"it took longer than {seconds:g} s" if trouble == "time" else "it printed too much")
        return Ended(program.returncode, output, complaint)

    def _begun(self, path: Path) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(  # noqa: S603 - its owner and mode were looked at
                [str(path)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd="/",
                env=self._environment,
                start_new_session=True,
            )
        except OSError as error:
            if error.errno == errno.ENOENT and path.exists():
                raise Failed("what its first line names to run it (#!) is not there") from None
            if error.errno == errno.ENOEXEC:
                raise Failed("it has no first line that says what runs it, as #!/bin/sh") from None
            raise Failed((error.strerror or str(error)).lower()) from None

    def close(self) -> None:
        """Kill what still runs, and run nothing more."""
        with self._lock:
            self._closed = True
            for pid in self._running:
                self._end(pid)


def _followed(program: subprocess.Popen[bytes], deadline: float) -> tuple[bytes, bytes, str]:
    """(output, complaint, trouble) of ``program``; trouble is empty, "time" or "size"."""
    assert program.stdout is not None
    assert program.stderr is not None
    taken = {program.stdout.fileno(): bytearray(), program.stderr.fileno(): bytearray()}
    poller = select.poll()
    for fd in taken:
        os.set_blocking(fd, False)
        poller.register(fd, select.POLLIN)
    still_open = set(taken)
    trouble, ended = "", False
    while not trouble and not ended:
        left = deadline - time.monotonic()
        if left <= 0:
            trouble = "time"
            break
        if still_open:
            poller.poll(min(left, _GLANCE) * 1000)
        else:
            time.sleep(min(left, 0.002))
        ended = _has_ended(program.pid)  # before the pipes are emptied, so that nothing it printed is missed
        for fd in list(still_open):
            if not _emptied(fd, taken[fd]):
                poller.unregister(fd)
                still_open.discard(fd)
            if len(taken[fd]) > MOST_OUTPUT:
                trouble = "size"
    output, complaint = taken.values()
    return bytes(output), bytes(complaint), trouble


def _emptied(fd: int, into: bytearray) -> bool:
    """Read what is there, a bit more than the limit at most; False when nobody can write there any more."""
    while len(into) <= MOST_OUTPUT:
        try:
            piece = os.read(fd, 16_384)
        except BlockingIOError:
            return True
        if not piece:
            return False
        into += piece
    return True


def _has_ended(pid: int) -> bool:
    """Whether the child ``pid`` has ended; it is not waited for, so that its number stays taken."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None


def _ends(program: subprocess.Popen[bytes], seconds: float) -> bool:
    """Whether the program that was killed, and all that it started, ends within so many seconds."""
    until, pause = time.monotonic() + seconds, 0.001
    while _runs(program):
        if time.monotonic() >= until:
            return False
        time.sleep(pause)
        pause = min(2 * pause, 0.5)
    return True


def _runs(program: subprocess.Popen[bytes]) -> bool:
    return program.poll() is None or any(state not in "ZX" for state in _states(program.pid))


def _states(group: int) -> Iterator[str]:
    """What each process of a group is doing (proc_pid_stat(5)); Z and X have ended, and somebody is to notice it."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return
    except PermissionError:
        pass  # they are another user's
    for name in os.listdir("/proc"):
        with contextlib.suppress(OSError, ValueError):
            text = Path(f"/proc/{int(name)}/stat").read_bytes()
            state, _, its_group = text[text.rindex(b")") + 2 :].split()[:3]
            if int(its_group) == group:
                yield state.decode()
