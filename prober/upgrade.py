"""One conversation over WebSocket (RFC 6455). The only file of the room that knows ``websockets``.

The library knows handshake and frames and reads no socket itself, so that the connection stays ours, with its deadline,
its allowed addresses and its TLS.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus, PayloadTooBig, SecurityError
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.uri import parse_uri

from bus.harmless import printable
from bus.reasons import causes_of
from prober import words
from prober.outcome import Failed
from prober.probe import Probe

MOST_BYTES = 1024 * 1024
"""What is read of messages, at most, and the longest that usual clients take."""
SHOWN = 80
ENDED = frozenset((Opcode.TEXT, Opcode.BINARY, Opcode.CONT))


class Refused(Failed):
    """It answered, and did not want to speak WebSocket; ``code`` is the HTTP status."""

    def __init__(self, code: int) -> None:
        super().__init__(f"answered {code}, expected 101 and WebSocket", settled=True)
        self.code = code


def talked(
    line: socket.socket,
    url: str,
    headers: Mapping[str, str],
    subprotocols: Sequence[str],
    say: str,
    wanted: re.Pattern[str] | None,
    probe: Probe,
) -> int:
    """Shake hands, say ``say`` if there is anything, and hear messages until one matches ``wanted``, if that is there.

    The bytes of the messages. Raises ``Failed`` or ``OSError``.
    """
    speech = ClientProtocol(parse_uri(url), subprotocols=list(subprotocols) or None, max_size=MOST_BYTES)  # type: ignore[arg-type]
    request = speech.connect()
    for name, text in headers.items():
        if name in request.headers:
            del request.headers[name]  # or there would be two
        request.headers[name] = text
    speech.send_request(request)
    _send(line, speech, probe)
    probe.ask()
    heard = _Heard(wanted)
    while speech.state is State.CONNECTING:
        _receive(line, speech, probe)
        if speech.handshake_exc is not None:
            raise _refusal(speech.handshake_exc)
    if subprotocols and speech.subprotocol is None:
        raise Failed(f"it took none of the subprotocols {', '.join(subprotocols)}")
    if say:
        speech.send_text(say.encode())
        _send(line, speech, probe)
        probe.ask()
    while wanted is not None and not heard.take(speech.events_received()):
        if speech.state is not State.OPEN and not probe.deadline.passed:
            raise Failed(f"{_end(speech)}{heard.said()}", settled=True)
        try:
            if speech.state is State.OPEN:
                _receive(line, speech, probe)
        except OSError:
            if not probe.deadline.passed:
                raise
        if probe.deadline.passed:
            # It may have said something wrong, which tells more than that it said no more.
            raise Failed(heard.late(probe), settled=True)
    if speech.state is State.OPEN:
        speech.send_close(CloseCode.NORMAL_CLOSURE)
        with suppress(OSError):  # it has said what it should, and may have gone
            _send(line, speech, probe)
    return heard.size


class _Heard:
    """The messages so far, of which one is wanted."""

    def __init__(self, wanted: re.Pattern[str] | None) -> None:
        self._wanted = wanted
        self._parts = bytearray()
        self.text = ""
        """The last whole message."""
        self.size = 0

    def take(self, events: Sequence[Frame | Response | object]) -> bool:
        """Whether a message in these is the one."""
        for event in events:
            if not isinstance(event, Frame) or event.opcode not in ENDED:
                continue
            self._parts += event.data
            self.size += len(event.data)
            if self.size > MOST_BYTES:
                raise Failed(f"its first {words.count(MOST_BYTES)} do not match /{self._pattern}/", settled=True)
            if event.fin:
                self.text = self._parts.decode("utf-8", "replace")
                self._parts.clear()
                if self._wanted is not None and self._wanted.search(self.text):
                    return True
        return False

    def said(self) -> str:
        """What the last message was, as a sentence goes on."""
        if not self.text:
            return f", expected a message that matches /{self._pattern}/"
        return f'; it had said "{_shown(self.text)}", which does not match /{self._pattern}/'

    def late(self, probe: Probe) -> str:
        """What is told when the time is over."""
        return f"it said no more within {probe.deadline.seconds:g} s{self.said()}" if self.text else probe.late()

    @property
    def _pattern(self) -> str:
        return self._wanted.pattern if self._wanted is not None else ""


def _send(line: socket.socket, speech: ClientProtocol, probe: Probe) -> None:
    for data in speech.data_to_send():
        if data:
            line.settimeout(probe.deadline.left())
            line.sendall(data)


def _receive(line: socket.socket, speech: ClientProtocol, probe: Probe) -> None:
    line.settimeout(probe.deadline.left())
    data = line.recv(65_536)
    if data:
        speech.receive_data(data)
    else:
        speech.receive_eof()
    # What answers a ping or a goodbye. Who is gone by then may have said what is wanted.
    with suppress(BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):
        _send(line, speech, probe)


def _refusal(error: Exception) -> Failed:
    if isinstance(error, InvalidStatus):
        return Refused(error.response.status_code)
    # A head or a body that is longer than anybody's: the library says what.
    limit = next((f": {one}" for one in causes_of(error) if isinstance(one, SecurityError)), "")
    return Failed(f"its answer is no handshake of WebSocket{limit}")


def _end(speech: ClientProtocol) -> str:
    """Why a conversation ended, as it said or as we had to say."""
    if isinstance(speech.parser_exc, PayloadTooBig):
        return f"it said a message of more than {words.count(MOST_BYTES)}"
    if speech.parser_exc is not None and not isinstance(speech.parser_exc, EOFError):
        return "what it said is no WebSocket"
    close = speech.close_rcvd
    if close is None:
        return "it closed the connection"
    return f"it closed with {close.code}{f' ({_shown(close.reason)})' if close.reason else ''}"


def _shown(text: str) -> str:
    return printable(" ".join(text[:SHOWN].split()))
