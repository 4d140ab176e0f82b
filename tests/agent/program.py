"""A program on this host that answers over HTTP as it is told to, also wrongly."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from agent.config import Scrape

Answer = Callable[[socket.socket], None]


def answer(body: bytes, status: str = "200 OK", *headers: str, length: int | None = None) -> Answer:
    """Answers with this body; ``length`` says another than it has."""
    told = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers]
    return raw(("\r\n".join(told) + "\r\n\r\n").encode() + body)


def raw(text: bytes) -> Answer:
    """Answers with this, and ends."""
    return lambda line: line.sendall(text)


def endless(begin: bytes, piece: bytes, pause: float) -> Answer:
    """Goes on for as long as somebody listens."""

    def go_on(line: socket.socket) -> None:
        line.sendall(begin)
        while not select.select([line], [], [], pause)[0] or line.recv(4096):
            line.sendall(piece)

    return go_on


class Program:
    """Listens on the loopback while the block lasts; ``answer`` may be changed, ``asked`` is what it heard."""

    def __init__(self, answer: Answer, context: ssl.SSLContext | None = None) -> None:
        self.answer, self._context = answer, context
        self.asked: list[str] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.port: int = self._server.getsockname()[1]

    @property
    def scrape(self) -> Scrape:
        """As a configuration would name it."""
        return Scrape("shop", f"http://127.0.0.1:{self.port}", timeout=10.0)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._thread.join(20)
        self._server.close()

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._server.accept()
            except OSError:
                return
            with line, contextlib.suppress(OSError):
                spoken = line if self._context is None else self._context.wrap_socket(line, server_side=True)
                with spoken:
                    heard = b""
                    while b"\r\n\r\n" not in heard:
                        if not (piece := spoken.recv(4096)):
                            break
                        heard += piece
                    self.asked.append(heard.decode("latin-1"))
                    self.answer(spoken)
