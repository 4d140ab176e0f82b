"""uvicorn's WebSockets, whose frames are made once for all clients.

Such a connection is a ``Sink``: frames are written as they are, what is unread can be asked, and a client that takes
nothing is told why and cut off, where closing politely would wait for it for ever. What opens no stream is told so in
the shape of all errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.http11 import Request

from api.errors import GRACE_SECONDS, SINK, refusal, request_id, short_reason
from api.shapes import ErrorShape
from api.waiting import Waiting
from bus.harmless import safe

MOST_PARTS = 1000
"""Frames in which a client of the stream may send one message."""


class Frames(WebSocketsSansIOProtocol):
    """One WebSocket connection, which is also a ``Sink``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._holder = ""
        self._waiting: Waiting[Any] = Waiting()
        self._owed = b""
        """The answer to the newest ping of a client that does not take what was sent before."""

    def be_waited_for(self, waiting: Waiting[Any], holder: str) -> None:
        """Make room if need be, among those ``waiting``, until the client is known and welcome."""
        self._waiting, self._holder = waiting, holder
        waiting.add(self, holder)

    def welcome(self) -> None:
        """Its client is known, and may stay for as long as he likes."""
        self._waiting.leave(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._waiting.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        # websockets takes fewer headers, shorter lines and no body. What it says of them uvicorn does not send: such a
        # client would wait for ever, and keep its place among the connections.
        if self.conn.handshake_exc is not None and not (self.handshake_initiated or self.close_sent):
            text = "a stream begins without a body, with at most 128 headers and no line over 8 kB"
            self.refuse(400, {"error": text, "code": "bad_request"})

    def handle_connect(self, event: Request) -> None:
        response = self.conn.accept(event)  # uvicorn asks for it once more, and would send what is wrong as plain text
        if response.status_code == 101:
            super().handle_connect(event)
            return
        self.handshake_initiated = True
        text = f"this opens no stream: {safe(str(self.conn.handshake_exc))}"
        asked = event.headers.get_all("X-Request-ID")
        headers = {"X-Request-ID": request_id(asked[0] if asked else "")}
        if response.status_code == 405:
            self.refuse(405, {"error": text, "code": "method_not_allowed"}, {"Allow": "GET", **headers})
        else:
            self.refuse(response.status_code, {"error": text, "code": "bad_request"}, headers)

    def send_500_response(self) -> None:
        if not self.handshake_complete:
            self.refuse(500, {"error": "internal error, or the hub stops", "code": "internal"})

    def refuse(self, status: int, shape: ErrorShape, headers: Mapping[str, str] = MappingProxyType({})) -> None:
        """Answer as a request is answered, and hang up: no stream was opened."""
        self.handshake_complete = self.close_sent = True
        self.disconnected = True  # whoever is about to accept it learns that nobody is there any more
        self.transport.write(refusal(status, shape, headers))
        self.transport.close()

    def handle_ping(self) -> None:
        answers = b"".join(self.conn.data_to_send())
        if self.writable.is_set():
            self.transport.write(answers)
        elif answers:
            self._owed = answers  # in place of those before (RFC 6455, 5.5.3), which would gather without end

    def resume_writing(self) -> None:
        super().resume_writing()
        owed, self._owed = self._owed, b""
        if owed:
            self.write(owed)

    def handle_cont(self, event: Frame) -> None:
        if len(self.frames) < MOST_PARTS:
            super().handle_cont(event)
        else:  # empty ones are not counted among the bytes of a message
            self.drop(1009, f"a message of more than {MOST_PARTS} parts")

    async def run_asgi(self) -> None:
        self.scope["extensions"][SINK] = {"sink": self}
        await super().run_asgi()

    def write(self, frames: bytes) -> None:
        """Send frames as they are: without compression a server's frame is the same for every client."""
        if not (self.close_sent or self.disconnected or self.transport.is_closing()):
            self.transport.write(frames)

    def unread(self) -> int:
        """Bytes waiting for the client beyond what the kernel took."""
        return self.transport.get_write_buffer_size()

    def drop(self, code: int, reason: str) -> None:
        """Say why behind what is unread, and cut the connection off soon whether it is read or not."""
        if self.close_sent or self.disconnected or self.transport.is_closing():
            return
        self.stop_keepalive()
        self._waiting.add(self, self._holder)
        reason = short_reason(reason)
        self.conn.send_close(code, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()  # the client's own closing is yet to come
        self.close_timer = self.loop.call_later(GRACE_SECONDS, self.transport.abort)

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self.loop.call_later(GRACE_SECONDS, self.transport.abort)

    def shutdown(self) -> None:
        super().shutdown()
        self.loop.call_later(GRACE_SECONDS, self.transport.abort)
