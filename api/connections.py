"""uvicorn's connections, with the limits a monitor needs when strangers hold on to them.

An answer's head and body go out together, and what charts ask goes a short way (``api.short``). Three things are
added. A request must have come in whole within a deadline, or forty dripping connections keep everybody out. Who takes
nothing of an answer loses his place in the end; who takes it slowly does not. There is a number of connections above
which somebody who is waited for makes room for each new one (``api.waiting``), or where there is nobody, the new one is
told so and closed. What becomes a WebSocket goes on in ``api.frames``.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from api.errors import GRACE_SECONDS, refusal
from api.frames import Frames
from api.short import SHORT, Going, Short, Told
from api.waiting import Waiting, holder

HEAD_BYTES = 32_768
VERSIONS = ("1.1", "1.0")
UNREAD_SECONDS = 60.0
"""Who takes nothing of what waits for him for so long, and at most twice as long, is hung up on."""
UNREAD_BYTES = 268_435_456
"""With more unread of the answers of one worker, who has left his unread for longest is hung up on."""
_ACKED = slice(120, 128)
"""Of ``struct tcp_info`` (linux/tcp.h): tcpi_bytes_acked."""


def acknowledged(transport: asyncio.Transport) -> int:
    """The bytes that the other side's kernel took so far."""
    line = transport.get_extra_info("socket")
    return int.from_bytes(line.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _ACKED.stop)[_ACKED], sys.byteorder)


class Answer:
    """The way of one answer to the client: its head goes with the first of its body, in one call of the system.

    Told apart, the two are two packets, and wake the client twice.
    """

    __slots__ = ("_answered", "_cycle", "_head", "_held", "_transport")

    def __init__(self, cycle: RequestResponseCycle, transport: asyncio.Transport, answered: Callable[[], None]) -> None:
        """``answered`` is called when all of it was told."""
        self._answered = answered
        self._cycle = cycle
        self._transport = transport
        self._head = b""
        self._held = False

    def write(self, data: bytes) -> None:
        """Send the data, or keep them if they are the head; nothing when the client is gone."""
        if self._transport.is_closing():
            return
        if self._cycle.response_started and not self._held:
            self._head, self._held = data, True
            return
        if self._head:
            data, self._head = self._head + data, b""
        self._transport.write(data)

    def flush(self) -> None:
        """Send the head of an answer that has no body."""
        if self._head:
            self.write(b"")

    def end(self) -> None:
        """All of it was told."""
        self.flush()
        # Else the two hold one another, and all that was asked, until somebody looks for such cycles.
        self._cycle.transport, self._cycle.on_response = self._transport, self._answered
        self._answered()

    def close(self) -> None:
        """Send what is kept, and hang up."""
        self.flush()
        self._transport.close()

    def is_closing(self) -> bool:
        """Whether it is hung up."""
        return self._transport.is_closing()


class Http(HttpToolsProtocol):
    """One HTTP connection. ``limits`` makes the class for a server from its settings."""

    most = 1000
    read_seconds = 10.0
    unread_seconds = UNREAD_SECONDS
    unread_bytes = UNREAD_BYTES
    waiting = Waiting[Any]()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._left_at = 0.0
        """When the client began to leave something unread, by the loop's clock."""
        self._holder = ""
        self._over = False
        """Whether it is closed, or a WebSocket's by now, though an answer may still be under way."""
        self._deadline: asyncio.TimerHandle | None = None
        self._watching: asyncio.TimerHandle | None = None
        self._head = 0
        self._spoken = True
        """Whether the request is of a version that is spoken here."""
        self._short: Short | None = self.app_state.get(SHORT)
        self._going: Going | None = None
        """The question that goes the short way."""
        self._begun = False
        """Whether the parser is amid a request."""
        self._last = False
        """Whether the connection ends after the answer to it."""
        self._later: list[bytes] = []
        """What came meanwhile."""

    @classmethod
    def limits(
        cls,
        *,
        most: int,
        read_seconds: float,
        unread_seconds: float = UNREAD_SECONDS,
        unread_bytes: int = UNREAD_BYTES,
    ) -> type[Http]:
        """The class with these limits: connections of one worker, seconds to send a request, and to take something;
        bytes that all of the worker's clients may leave unread together.
        """
        named = {"most": most, "read_seconds": read_seconds, "unread_seconds": unread_seconds}
        of_its_own = {"unread_bytes": unread_bytes, "waiting": Waiting[Any]()}
        return type("LimitedHttp", (cls,), named | of_its_own)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch(-1)
        if len(self.connections) > self.most and not self._found_room():
            self._refuse(503, "too many connections, try again later", "overloaded")
        else:
            self._holder = holder(self.client[0]) if self.client else ""
            self._arm()
            self._settle()

    def _found_room(self) -> bool:
        """Whether somebody who is waited for made room; it is enough for one."""
        first = self.waiting.first()
        if first is None:
            return False
        self.waiting.leave(first)
        first.transport.abort()
        return True

    def _settle(self) -> None:
        """Be waited for, or not any more."""
        if self._over:
            return
        answered = self._going is None and (self.cycle is None or self.cycle.response_complete)
        if answered or self._begun or self.flow.write_paused:
            self.waiting.add(self, self._holder)
        else:
            self.waiting.leave(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._over = True
        self.waiting.leave(self)
        self._going, self._later = None, []
        self._disarm()
        self._unwatch()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._left_at = self.loop.time()
        late = [one for one in self.connections if isinstance(one, Http) and one.flow.write_paused]
        unread = sum(one.transport.get_write_buffer_size() for one in late)
        for one in sorted(late, key=lambda one: one._left_at):
            if unread <= self.unread_bytes:
                break
            unread -= one.transport.get_write_buffer_size()
            one.transport.abort()
        self._settle()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._settle()

    def data_received(self, data: bytes) -> None:
        if self._going is not None:
            self.flow.pause_reading()
            self._later.append(data)
        elif self.timeout_keep_alive_task is not None and not data.strip(b"\r\n"):
            pass  # empty lines before a request are none (RFC 9112, 2.2): the connection goes on being idle
        elif self._short is None or not self._is_free() or (begun := self._short.begun(data)) is None:
            super().data_received(data)
        else:
            self._unset_keepalive_if_required()
            self._disarm()
            self.waiting.leave(self)
            if isinstance(begun, Going):
                self._going = begun
                begun.answer.add_done_callback(self._come)
            else:
                self._tell(begun)

    def shutdown(self) -> None:
        if self._going is not None:
            self._last = True
        else:
            super().shutdown()

    def _is_free(self) -> bool:
        """Whether nothing of a request or an answer is under way."""
        answered = self.cycle is None or self.cycle.response_complete
        return answered and not (self._begun or self.flow.write_paused or self.transport.is_closing())

    def _come(self, answer: asyncio.Future[bytes]) -> None:
        """Tell the answer of the short way, and go on with what came meanwhile."""
        going, self._going = self._going, None
        if going is None or answer.cancelled() or self.transport.is_closing():
            self.transport.close()
            return
        assert self._short is not None
        self._tell(self._short.told(going))
        if self._later and not self._last:
            data = b"".join(self._later)
            self._later.clear()
            self.flow.resume_reading()
            self.data_received(data)

    def _tell(self, told: Told) -> None:
        usual = [b"%s: %s\r\n" % pair for pair in self.server_state.default_headers]
        end = b"connection: close\r\n\r\n" if self._last else b"\r\n"
        self.transport.write(b"".join((STATUS_LINE[told.status], *usual, told.lines, end, told.body)))
        self.server_state.total_requests += 1
        self._settle()
        if self._last:
            self.transport.close()
            return
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._begun = True
        self._settle()
        self._head = 0
        if self._deadline is None:
            self._arm()

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._count(len(name) + len(value))

    def on_headers_complete(self) -> None:
        if self.parser.get_http_version() not in VERSIONS:
            self._spoken = False
            raise ValueError("another version")  # as below
        before = self.cycle
        super().on_headers_complete()
        if self.cycle is not before:
            answer = Answer(self.cycle, self.transport, self.on_response_complete)
            self.cycle.transport = answer  # type: ignore[assignment]
            self.cycle.on_response = answer.end

    def on_message_complete(self) -> None:
        self._begun = False
        self._disarm()
        super().on_message_complete()
        self._settle()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._settle()

    def handle_websocket_upgrade(self) -> None:
        self._disarm()
        self._unwatch()
        self._over = True
        self.waiting.leave(self)
        super().handle_websocket_upgrade()
        stream = self.transport.get_protocol()
        assert isinstance(stream, Frames)
        stream.be_waited_for(self.waiting, self._holder)

    def send_400_response(self, msg: str) -> None:
        if self._spoken:
            self._refuse(400, "this is no HTTP request, or its head is too large", "bad_request")
        else:
            self._refuse(505, "HTTP/1.1 and HTTP/1.0 are spoken here", "bad_request")

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self.loop.call_later(GRACE_SECONDS, self.transport.abort)

    def _count(self, size: int) -> None:
        self._head += size
        if self._head > HEAD_BYTES:
            raise ValueError("head too large")  # httptools turns it into a parser error: 400

    def _arm(self) -> None:
        self._deadline = self.loop.call_later(self.read_seconds, self.transport.abort)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _watch(self, before: int) -> None:
        """Hang up on a client that took nothing of what waits for it since it had taken ``before`` bytes."""
        taken = acknowledged(self.transport)
        if taken == before and self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            self._watching = self.loop.call_later(self.unread_seconds, self._watch, taken)

    def _unwatch(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            self._watching = None

    def _refuse(self, status: int, text: str, code: str) -> None:
        self._disarm()
        self.transport.write(refusal(status, {"error": text, "code": code}))
        self.transport.close()
