"""One call of gRPC's health protocol. The only file of the room that knows ``h2``.

A call of gRPC is one request over HTTP/2, of which ``h2`` knows the frames, and the two messages of this one are a
text and a number: so the connection stays ours, with its deadline, its allowed addresses and its TLS, and no second
network library with threads of its own is needed. Sources: *gRPC over HTTP2* and *GRPC Health Checking Protocol* in
the documentation of gRPC; the encoding of Protocol Buffers.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterable, Sequence
from contextlib import suppress
from urllib.parse import unquote

import h2.config
import h2.connection
import h2.events
import h2.exceptions

from bus.harmless import printable
from prober.outcome import Failed
from prober.probe import Probe

PATH = "/grpc.health.v1.Health/Check"
MOST_BYTES = 65_536
"""Of an answer whose message has two bytes."""
CODES = {
    1: "CANCELLED", 2: "UNKNOWN", 3: "INVALID_ARGUMENT", 4: "DEADLINE_EXCEEDED", 5: "NOT_FOUND", 6: "ALREADY_EXISTS",
    7: "PERMISSION_DENIED", 8: "RESOURCE_EXHAUSTED", 9: "FAILED_PRECONDITION", 10: "ABORTED", 11: "OUT_OF_RANGE",
    12: "UNIMPLEMENTED", 13: "INTERNAL", 14: "UNAVAILABLE", 15: "DATA_LOSS", 16: "UNAUTHENTICATED",
}  # fmt: skip
SHOWN = 80
_HEAD_BYTES, _GOAWAY = 9, 7
"""Of a frame of HTTP/2: three bytes of length, its type, flags, four bytes of stream (RFC 9113, 4.1)."""


def asked(
    line: socket.socket, scheme: str, authority: str, service: str, metadata: Sequence[tuple[str, str]], probe: Probe
) -> int:
    """The serving status of ``service``, the server's own if it is empty; raises ``Failed`` or ``OSError``."""
    speech = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
    answer, goodbyes = _Answer(), _Goodbyes()
    try:
        speech.initiate_connection()
        stream = speech.get_next_available_stream_id()
        milliseconds = max(1, int(probe.deadline.left() * 1000))
        head = [
            (":method", "POST"),
            (":scheme", scheme),
            (":path", PATH),
            (":authority", authority),
            ("te", "trailers"),
            ("content-type", "application/grpc"),
            ("user-agent", "guardia"),
            ("grpc-timeout", f"{milliseconds}m"),
        ]
        speech.send_headers(stream, [*head, *metadata])
        speech.send_data(stream, framed(request(service)), end_stream=True)
        line.settimeout(probe.deadline.left())
        line.sendall(speech.data_to_send())
        probe.ask()
        while not answer.ended:
            line.settimeout(probe.deadline.left())
            data = line.recv(65_536)
            if not data:
                raise Failed(
                    "it broke the call off" if goodbyes.heard else "it closed the connection without an answer"
                )
            if data.startswith(b"HTTP/"):
                raise Failed("its answer is no HTTP/2")
            answer.take(speech.receive_data(goodbyes.without(data, stream)), speech)
            if not answer.ended:
                # What breaks while we speak may have been answered already.
                with suppress(BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):
                    line.sendall(speech.data_to_send())
    except (h2.exceptions.H2Error, UnicodeDecodeError):
        raise Failed("its answer is no HTTP/2") from None
    return answer.state()


class _Answer:
    """What came of the answer so far."""

    def __init__(self) -> None:
        self.ended = False
        self._body = b""
        self._head: dict[str, str] = {}

    def take(self, events: Iterable[h2.events.Event], speech: h2.connection.H2Connection) -> None:
        """Further events of the connection."""
        for event in events:
            match event:
                case h2.events.ResponseReceived() | h2.events.TrailersReceived():
                    self._head |= {str(name): str(value) for name, value in event.headers or ()}
                case h2.events.DataReceived():
                    self._body += event.data or b""
                    if len(self._body) > MOST_BYTES:
                        raise Failed(f"its answer is longer than {MOST_BYTES} bytes")
                    speech.acknowledge_received_data(event.flow_controlled_length or 0, event.stream_id or 0)
                case h2.events.StreamEnded():
                    self.ended = True
                case h2.events.StreamReset() | h2.events.ConnectionTerminated() if not self.ended:
                    raise Failed("it broke the call off")

    def state(self) -> int:
        """The serving status, of an answer that has ended."""
        status = self._head.get(":status", "")
        if status != "200":
            raise Failed(f"answered {status or 'nothing'} over HTTP/2, expected 200")
        code = self._head.get("grpc-status", "")
        if code != "0":
            name = CODES.get(int(code)) if code.isascii() and code.isdigit() and len(code) < 4 else None
            text = printable(unquote(self._head.get("grpc-message", "")))
            raise Failed(f"the call failed: {name or 'no grpc-status'}{f' ({text[:SHOWN]})' if text else ''}")
        try:
            return response(unframed(self._body))
        except (ValueError, IndexError):
            raise Failed("its answer is no HealthCheckResponse") from None


class _Goodbyes:
    """Takes out of what comes the frames by which a server says that it is about to end, but goes on with our call.

    A server says so while it shuts down, or with the last request that it takes on a connection; its answer may come
    afterwards (RFC 9113, 6.8), and ``h2`` takes nothing any more once it has heard of it.
    """

    def __init__(self) -> None:
        self.heard = False
        """Whether there was one."""
        self._held = b""
        """The beginning of a frame of which it is not known yet what it is."""
        self._passing = 0
        """Bytes of the frame under way that are still to come."""

    def without(self, data: bytes, stream: int) -> bytes:
        """``data`` but for such frames; ``stream`` is that of our call."""
        data, at, kept = self._held + data, 0, bytearray()
        while at < len(data):
            if not self._passing:
                size = _HEAD_BYTES + int.from_bytes(data[at : at + 3], "big")
                if len(data) - at < _HEAD_BYTES:
                    break
                if data[at + 3] == _GOAWAY and size <= MOST_BYTES:
                    if len(data) - at < size:
                        break
                    if self._is_one(data[at + _HEAD_BYTES : at + size], stream):
                        self.heard = True
                        at += size
                        continue
                self._passing = size
            piece = data[at : at + self._passing]
            kept += piece
            at += len(piece)
            self._passing -= len(piece)
        self._held = data[at:]
        return bytes(kept)

    @staticmethod
    def _is_one(frame: bytes, stream: int) -> bool:
        """``frame`` is the last stream that is served, of 31 bits, and a code, which is 0 where nothing is wrong."""
        last = int.from_bytes(frame[:4], "big") & 0x7FFF_FFFF
        return len(frame) >= 8 and last >= stream and not any(frame[4:8])


def framed(message: bytes) -> bytes:
    """A message as gRPC sends it: not compressed, its length, itself."""
    return b"\0" + len(message).to_bytes(4, "big") + message


def unframed(data: bytes) -> bytes:
    """The one message in ``data``; raises ``ValueError``."""
    if len(data) < 5 or data[0] != 0 or len(data) != 5 + int.from_bytes(data[1:5], "big"):
        raise ValueError("no message")
    return data[5:]


def request(service: str) -> bytes:
    """``HealthCheckRequest``: field 1 is the service's name."""
    name = service.encode()
    return b"\x0a" + varint(len(name)) + name if name else b""


def response(message: bytes) -> int:
    """The status in a ``HealthCheckResponse``, its field 1; raises ``ValueError`` or ``IndexError``."""
    status, at = 0, 0
    while at < len(message):
        key, at = _number(message, at)
        if key & 7 == 0:
            value, at = _number(message, at)
            status = value if key >> 3 == 1 else status
        elif key & 7 == 2:
            size, at = _number(message, at)
            at += size
        else:
            at += {1: 8, 5: 4}.get(key & 7, len(message))
    if at != len(message):
        raise ValueError("a field that ends beyond the message")
    return status


def varint(number: int) -> bytes:
    """A number in Protocol Buffers: seven bits a byte, the lowest first."""
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def _number(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at
        if shift > 63:
            raise ValueError("a number of more than 64 bits")
