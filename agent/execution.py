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
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

MOST_OUTPUT = 65_536
"""Bytes of output; a program that prints more is killed."""
_GLANCE = 0.05
"""Seconds between two looks whether the program has ended while something it started holds its output open."""


class Failed(Exception):
    """The program did not do its work; the text says why."""


class Ended(NamedTuple):
    """How a program ended: its exit code (negative: the signal), and what it printed."""

    code: int
    output: bytes
    complaint: bytes


class Executor:
    """Runs programs, each in a session of its own, so that it can be ended with all that it started."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = dict(environment)
        self._running: set[int] = set()
        self._lock = threading.Lock()
        self._closed = False

    def run(self, path: Path, seconds: float) -> Ended:
        """Run ``path`` in a folder of no interest, without arguments; blocks. Raises ``Failed``."""
        with self._lock:
            if self._closed:
                raise Failed("the agent is stopping")
            program = self._begun(path)
            self._running.add(program.pid)
        try:
            output, complaint, trouble = _followed(program, time.monotonic() + seconds)
        finally:
            # Until it is waited for, its number is its own: nobody else can be hit.
            with self._lock:
                _kill(program.pid)
                self._running.discard(program.pid)
            program.wait()
            for pipe in (program.stdout, program.stderr):
                if pipe is not None:
                    pipe.close()
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
                _kill(pid)


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


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
