"""One run of an operator's command: bounded in its time, in what is heard of it and in what it leaves running."""

from __future__ import annotations

import atexit
import contextlib
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bus.config import Objection
from bus.harmless import safe

MOST_HEARD = 16_384
"""Bytes of what it says that are kept, the first ones."""
PIECE = 65_536
GLANCE = 0.05
"""Seconds between two looks whether it has ended, while something it started holds its pipes."""
REST = 0.01
"""Seconds between two pieces of a flood: what says more than is kept goes on at 6 MB/s, and costs us little."""
UNKILLABLE = 1.0
ROUNDS = 5
"""So often those are looked for that began while others were being ended."""


_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ")
"""What it gets of our own environment; secrets may be in the rest."""


def inherited() -> dict[str, str]:
    """The part of our own environment that a command gets."""
    return {name: os.environ[name] for name in _INHERITED if name in os.environ}


def objections(command: Sequence[str], environment: Iterable[str]) -> Iterator[Objection]:
    """What cannot be run: a program is found by its path, not by luck."""
    if not command or not Path(command[0]).is_absolute():
        yield Objection("command", "no absolute path" if command else "nothing", "a path such as /usr/bin/logger")
    if any("\0" in part for part in command):
        yield Objection("command", "a NUL character, which no program can be given", "a program and its arguments")
    for name in environment:
        if not name or "=" in name or "\0" in name:
            yield Objection("environment", f'"{safe(name)}"', "names of variables without =, such as TEAM")


@dataclass(frozen=True, slots=True)
class Ran:
    """How it went: the exit code (negative: the signal; None: it was not done in time) and how its words began."""

    code: int | None
    said: bytes


def ran(
    command: Sequence[str], environment: Mapping[str, str], told: bytes, seconds: float, *, prints: bool = False
) -> Ran:
    """Run it with ``told`` on its standard input; blocks for ``seconds`` at most. Raises ``OSError``.

    What it says is its standard error; if it ``prints``, its standard output with it. What is said beyond
    ``MOST_HEARD`` is read and dropped. It is done when it ends itself. What it started has until its time is over and
    is ended then, unless it left its session; nothing of one that is not done in time goes on. All of it is ended when
    this program ends, which could look after it no longer.
    """
    deadline = time.monotonic() + seconds
    begun: list[subprocess.Popen[bytes]] = []
    beginning = threading.Lock()

    def end() -> None:
        atexit.unregister(end)
        if beginning.acquire(timeout=UNKILLABLE):
            beginning.release()
        for one in begun:
            _ended(one)

    # Before it is begun: what it does may be seen, and end this program, before the next line here.
    atexit.register(end)
    try:
        with beginning:
            child = subprocess.Popen(  # noqa: S603, the operator wrote it
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE if prints else subprocess.DEVNULL,
                stderr=subprocess.STDOUT if prints else subprocess.PIPE,
                env=environment,
                cwd="/",
                start_new_session=True,
            )
            begun.append(child)
    except BaseException:
        atexit.unregister(end)
        raise
    try:
        said, done = _followed(child, told, deadline)
    except BaseException:
        end()
        raise
    finally:
        _close(child)
    if not done:
        end()
        return Ran(None, said)
    if _was_last(child.pid) or not _session(child.pid):
        atexit.unregister(end)
        return Ran(child.wait(), said)
    # Until it is waited for, its number is its own: nobody else can be hit.
    late = threading.Timer(max(0.0, deadline - time.monotonic()), end)
    late.daemon = True
    late.start()
    return Ran(_code(child.pid), said)


def _followed(child: subprocess.Popen[bytes], told: bytes, deadline: float) -> tuple[bytes, bool]:
    """How its words began, and whether it was done in time."""
    said = child.stderr or child.stdout
    assert child.stdin is not None
    assert said is not None
    into, out = child.stdin.fileno(), said.fileno()
    poller = select.poll()
    for fd, events in ((into, select.POLLOUT), (out, select.POLLIN)):
        os.set_blocking(fd, False)
        poller.register(fd, events)
    unsaid, heard, listening, drops = memoryview(told), bytearray(), True, False
    while (left := deadline - time.monotonic()) > 0:
        if drops:
            time.sleep(min(left, REST))
        ready = dict(poller.poll(min(left, GLANCE if listening else REST) * 1000))
        done = _has_ended(child.pid)  # before its pipe is emptied, so that nothing it said is missed
        if into in ready:
            unsaid = _written(into, unsaid)
            if not unsaid:
                poller.unregister(into)
                child.stdin.close()
        if listening:
            piece = _read(out)
            drops = bool(piece) and len(heard) >= MOST_HEARD
            heard += (piece or b"")[: MOST_HEARD - len(heard)]
            if piece == b"":
                listening = False
                poller.unregister(out)
        if done:
            return bytes(heard), True
    return bytes(heard), _has_ended(child.pid)


def _written(fd: int, words: memoryview) -> memoryview:
    """What is left to be written; nothing where nobody reads it."""
    try:
        return words[os.write(fd, words) :]
    except BlockingIOError:
        return words
    except BrokenPipeError:
        return words[:0]


def _read(fd: int) -> bytes | None:
    """What is there, a piece at most; None where there is nothing now, empty where nobody can say anything more."""
    try:
        return os.read(fd, PIECE)
    except BlockingIOError:
        return None


def _has_ended(pid: int) -> bool:
    """Whether it has ended; it is not waited for, so that its number stays taken."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None


def _code(pid: int) -> int:
    """The exit code of one that has ended and is not waited for."""
    found = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert found is not None
    return found.si_status if found.si_code == os.CLD_EXITED else -found.si_status


def _ended(child: subprocess.Popen[bytes]) -> None:
    """End it with its session and all that descends from it."""
    for _ in range(ROUNDS):
        family = _session(child.pid)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        for one in family:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(one, signal.SIGKILL)
        if not family:
            break
    with contextlib.suppress(subprocess.TimeoutExpired):  # another user's, or in the kernel's hands: it is left to them
        child.wait(UNKILLABLE)


def _was_last(leader: int) -> bool:
    """Whether nobody is left of the session of ``leader``, which has ended.

    That is so of nearly all, and what ``_session`` reads of thousands of processes takes ten times as long.
    """
    for name in os.listdir("/proc"):
        if name.isdigit() and (pid := int(name)) != leader:
            try:
                if os.getsid(pid) == leader:
                    return False
            except ProcessLookupError:
                continue
            except PermissionError:
                return False
    return True


def _session(leader: int) -> set[int]:
    """Who is alive of the session of ``leader`` and of what descends from it, without itself."""
    parents: dict[int, int] = {}
    found = {leader}
    for pid, parent, session in _processes():
        parents[pid] = parent
        if session == leader:
            found.add(pid)
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found & set(parents) - {leader}


def _processes() -> Iterator[tuple[int, int, int]]:
    """(process, its parent, its session) of all that are alive, as /proc/PID/stat has them (proc(5))."""
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:
                state, parent, _, session, *_ = file.read().rpartition(b")")[2].split()
                if state not in (b"Z", b"X"):
                    yield int(name), int(parent), int(session)


def _close(child: subprocess.Popen[bytes]) -> None:
    for pipe in (child.stdin, child.stdout, child.stderr):
        if pipe is not None:
            with contextlib.suppress(OSError):  # it did not read all that it was told
                pipe.close()
