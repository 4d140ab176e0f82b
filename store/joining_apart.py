"""A process apart that joins the hours of a day host by host, beside the sealer: ``python -m store.joining_apart``.

It takes a ``Task`` at a time on its standard input and answers each on its standard output, both pickled behind their
length. It writes no file: what it made is written by the sealer, and what it did not, for whatever reason, the sealer
makes itself. It ends with its input, so also when the sealer dies.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from bus.process import collect_seldom, keep_heap, large_pages
from store.blocks.listing import Names, Place
from store.blocks.pressing import Damaged
from store.blocks.segments import Segment, Writing, part_in
from store.sealing import Pieces, streamed_pieces

HEAP_BYTES = 32 * 2**20
"""So much memory is kept from one host to the next, while there is work."""
LARGE_BYTES = 24 * 2**20
"""So much of it is in large pages, if the kernel has such."""
LEAST = 2**24
"""So many numbers of a day are worth a process, whose start takes a sixth of a second."""
MOST = 2**23
"""Hosts of more numbers are the sealer's own: what is made of them would be in the memory of both."""
AHEAD = 2
"""So many tasks it has, that it does not wait for the next."""
PIPE_BYTES = 2**20
"""So much of what it made may wait until the sealer has time for it."""
PAGE = 4096
ROOT = Path(__file__).resolve().parents[1]
COMMAND = (sys.executable, "-m", "store.joining_apart")
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}
"""Nothing here multiplies matrices: threads for that, which wait for work in a loop first, are a third of a start."""


class Task(NamedTuple):
    """A host of one origin: what its numbers are called, which rollups are wanted, and its parts, in which files."""

    subject: str
    names: Names
    tiers: Sequence[str]
    parts: Sequence[tuple[Path, Place]]


def joined(task: Task, opened: dict[Path, int]) -> Pieces:
    """What is asked for; ``opened`` are files that were read before. Raises ``Damaged`` and ``OSError``."""
    parts = []
    for path, place in task.parts:
        if path not in opened:
            opened[path] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        parts.append(part_in(opened[path], place).all_read())
    return streamed_pieces(task.subject, task.parts[0][1].origin, task.names, parts, task.tiers)


def write(raw: Writing, rollups: Mapping[str, Writing], names: Names, pieces: Pieces) -> None:
    """Write them to the files of a day."""
    raw.add(pieces[0])
    for tier, (place, data) in pieces[1].items():
        rollups[tier].learn(place.layout or 0, names)
        rollups[tier].add((place, data))


class Beside:
    """The sealer's end, which writes what the process made."""

    def __init__(self, raw: Writing, rollups: Mapping[str, Writing], command: Sequence[str] = COMMAND) -> None:
        """Start it; raises ``OSError``. ``rollups`` are by tier."""
        self._raw, self._rollups = raw, rollups
        self._child = subprocess.Popen(  # noqa: S603 - our own
            command,
            cwd=ROOT,
            env={**os.environ, **ONE_THREAD},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._tasks = Connection(os.dup(self._child.stdin.fileno()), readable=False)
        self._made = Connection(os.dup(self._child.stdout.fileno()), writable=False)
        self._child.stdin.close()
        self._child.stdout.close()
        for pipe in (self._tasks, self._made):
            with contextlib.suppress(OSError):  # a user may have only so much of it
                fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        # All tasks that it may have must fit into the pipe, in which each may waste a page or two: whoever waited there
        # until it reads one would wait for ever for a process that waits until what it made is read.
        self._most_task = fcntl.fcntl(self._tasks.fileno(), fcntl.F_GETPIPE_SZ) // AHEAD - 2 * PAGE
        self.hosts = 0
        """So many were joined by it."""
        self._waiting: list[Task] = []
        self._lives = True

    def takes(self, task: Task) -> bool:
        """Whether it has this one from now on."""
        numbers = sum(place.rows * place.values for _, place in task.parts)
        if not self._lives or len(self._waiting) >= AHEAD or numbers > MOST:
            return False
        data = pickle.dumps(tuple(task))
        if len(data) > self._most_task:
            return False
        try:
            self._tasks.send_bytes(data)
        except OSError:
            self._lives = False
            return False
        self._waiting.append(task)
        return True

    def written(self, *, last: bool = False) -> Iterator[str]:
        """Write what was made by now, or, if it was the ``last``, when it is; yields whom it could not join."""
        while self._waiting and (last or not self._lives or self._made.poll()):
            task, made = self._waiting.pop(0), self._received()
            if made is None:
                yield task.subject
                continue
            write(self._raw, self._rollups, task.names, made)
            self.hosts += 1

    def _received(self) -> Pieces | None:
        if self._lives:
            with contextlib.suppress(EOFError, OSError):
                made: Pieces | None = self._made.recv()
                return made
            self._lives = False
        return None

    def close(self) -> None:
        """End it."""
        self._child.kill()
        self._tasks.close()
        self._made.close()
        self._child.wait()


def begun(segments: Sequence[Segment], raw: Writing, rollups: Mapping[str, Writing]) -> Beside | None:
    """One for these hours, if they are worth it and there is a processor for it."""
    if len(os.sched_getaffinity(0)) > 1:
        with contextlib.suppress(OSError):
            if sum(place.rows * place.values for one in segments for place in one.index.parts) >= LEAST:
                return Beside(raw, rollups)
    return None


def main(tasks: Connection, made: Connection) -> None:
    """Join until the input ends."""
    opened: dict[Path, int] = {}
    with contextlib.suppress(EOFError, OSError):
        while True:
            task, found = Task(*tasks.recv()), None
            with contextlib.suppress(Damaged, OSError):
                found = joined(task, opened)
            made.send(found)


if __name__ == "__main__":
    keep_heap(HEAP_BYTES)
    large_pages(LARGE_BYTES)
    collect_seldom()
    main(Connection(0, writable=False), Connection(1, readable=False))
