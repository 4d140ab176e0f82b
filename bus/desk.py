"""Request and response over a unix socket, between programs of one machine: a desk.

Through ZeroMQ each message wakes a thread on either side before anybody reads it. At a desk the two that speak wake
each other alone, which is most of the time of a short answer where the cores are busy.

    offset size  field
         0    4  how long the question or the answer is
         4    8  number of the question, which its answer has too
        12       question or answer, as in ``bus.questions``

all big-endian. Answers come in the order of the questions.
"""

from __future__ import annotations

import os
import socket
import struct
from collections import deque
from collections.abc import Callable
from pathlib import Path

from bus.loop import Loop
from bus.wire import Malformed

HEAD = struct.Struct(">IQ")
MOST_QUESTION = 2**20
MOST_ANSWER = 2**32 - 1
READ = 4096
"""Bytes of questions read at once: some thirty, then others get their turn."""
BACKLOG = 128
PAUSE_SECONDS = 0.5
"""Until the next look for visitors, where the process may open no more files."""


def told(number: int, data: bytes) -> bytes:
    """The bytes of a question or an answer."""
    return HEAD.pack(len(data), number) + data


class Inbox:
    """What comes over a connection, put together to questions or answers of at most so many bytes."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: list[bytes] = []
        self._size = 0
        self._wanted = 0

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """(number, question or answer) of those that are whole with ``data``; raises ``Malformed``."""
        if self._held:
            self._held.append(data)
            self._size += len(data)
            if self._size < self._wanted:
                return []
            data = b"".join(self._held)
            self._held.clear()
        found, at = [], 0
        self._wanted = HEAD.size
        while len(data) - at >= HEAD.size:
            length, number = HEAD.unpack_from(data, at)
            if length > self._most:
                raise Malformed("size", f"{length} bytes at once, at most {self._most}")
            end = at + HEAD.size + length
            if end > len(data):
                self._wanted = end - at
                break
            found.append((number, data[at + HEAD.size : end]))
            at = end
        if at < len(data):
            self._held.append(data[at:])
            self._size = len(data) - at
        return found


class Desk:
    """Where questions are put. Whoever does not read the answer to one is not asked for the next."""

    def __init__(self, loop: Loop, path: Path, answered: Callable[[bytes], bytes]) -> None:
        """Listen at ``path``, also where a dead one listened; raises ``OSError``."""
        self._loop = loop
        self._path = path
        self._answered = answered
        self._visitors: set[_Visitor] = set()
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            self._listener.bind(os.fspath(path))
            path.chmod(0o700)
            self._listener.listen(BACKLOG)
        except OSError:
            self._listener.close()
            raise
        self._listen()

    def _listen(self) -> None:
        if self._listener.fileno() >= 0:
            self._loop.on_readable(self._listener.fileno(), self._come_in)

    def close(self) -> None:
        """Answer nobody any more."""
        self._loop.forget(self._listener.fileno())
        self._listener.close()
        self._path.unlink(missing_ok=True)
        for visitor in list(self._visitors):
            visitor.leave()

    def _come_in(self) -> None:
        try:
            road = self._listener.accept()[0]
        except (BlockingIOError, ConnectionError):
            return  # gone already
        except OSError:
            # No file for one more: who waits goes on waiting, and would be told of again and again meanwhile.
            self._loop.forget(self._listener.fileno())
            self._loop.after(PAUSE_SECONDS, self._listen)
            return
        road.setblocking(False)
        self._visitors.add(_Visitor(self._loop, road, self._answered, self._visitors.discard))


class _Visitor:
    """Somebody at the desk."""

    def __init__(
        self, loop: Loop, road: socket.socket, answered: Callable[[bytes], bytes], gone: Callable[[_Visitor], None]
    ) -> None:
        self._loop = loop
        self._road = road
        self._answered = answered
        self._gone = gone
        self._inbox = Inbox(MOST_QUESTION)
        self._questions: deque[tuple[int, bytes]] = deque()
        self._unsent = memoryview(b"")
        loop.on_readable(road.fileno(), self._read)

    def leave(self) -> None:
        """Hang up; twice is no fault."""
        if self._road.fileno() >= 0:
            self._loop.forget(self._road.fileno())
            self._road.close()
            self._gone(self)

    def _read(self) -> None:
        try:
            data = self._road.recv(READ)
            self._questions.extend(self._inbox.feed(data))
        except BlockingIOError:
            return
        except (OSError, Malformed):
            data = b""
        if data:
            self._serve()
        else:
            self.leave()

    def _serve(self) -> None:
        while self._questions:
            number, question = self._questions.popleft()
            self._unsent = memoryview(told(number, self._answered(question)))
            if not self._sent():
                return

    def _sent(self) -> bool:
        """Send what is not sent; False when that takes longer, and nothing is read meanwhile."""
        try:
            self._unsent = self._unsent[self._road.send(self._unsent) :]
        except BlockingIOError:
            pass
        except OSError:
            self.leave()
            return False
        if self._unsent:
            self._loop.forget(self._road.fileno())
            self._loop.on_writable(self._road.fileno(), self._send_on)
        return not self._unsent

    def _send_on(self) -> None:
        if self._sent():
            self._loop.forget(self._road.fileno())
            self._loop.on_readable(self._road.fileno(), self._read)
            self._serve()
