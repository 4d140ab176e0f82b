"""A client of the short way, and a store that answers a host's series or holds its answers back."""

from __future__ import annotations

import asyncio
import re
import socket
from contextlib import closing
from typing import Any

from bus.questions import SeriesText, SeriesTextAnswer, pack_answer
from tests.api.given import DISK_SERIES, FakeCounter
from tests.api.house import House
from tests.api.served import Served

PATIENCE = 30.0
LONG = b"TE: trailers\r\n"
"""A header that changes nothing but the way."""
METRIC = b"metric=disk[*].percent"
MASKED = re.compile(rb"(date|x-request-id): [^\r]*")


class Counter(FakeCounter):
    """A store that answers a host's series, or holds its answers back until they are ``let``."""

    def __init__(self) -> None:
        super().__init__()
        self.keep_reading()
        self.answer = DISK_SERIES
        self.held = False
        self.refusal: bytes | None = None
        self.waiting: list[asyncio.Future[bytes]] = []

    def series_begun(self, question: SeriesText) -> asyncio.Future[bytes]:
        if self.held or self.refusal is not None:
            answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
            self.waiting.append(answer)
            if self.refusal is not None:
                answer.set_result(self.refusal)
            return answer
        return super().series_begun(question)


def house(**more: Any) -> House:
    return House(counter=Counter(), **more).prime()


def request(query: bytes = METRIC, lines: bytes = b"Host: localhost\r\n", path: bytes = b"web-1/series") -> bytes:
    return b"GET /api/v1/servers/%s?%s HTTP/1.1\r\n%s\r\n" % (path, query, lines)


class Client:
    """A connection that asks one thing after the other."""

    def __init__(self, served: Served) -> None:
        self._road = socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE)
        self._file = self._road.makefile("rb")

    def send(self, data: bytes) -> None:
        self._road.sendall(data)

    def answer(self) -> bytes:
        """The next answer, without the time and its number; nothing when the server has hung up."""
        head = b""
        while (line := self._file.readline()) not in (b"\r\n", b""):
            head += line
        length = re.search(rb"content-length: (\d+)", head)
        return MASKED.sub(rb"\1: ...", head) + self._file.read(int(length[1]) if length else 0)

    def told(self, data: bytes) -> bytes:
        self.send(data)
        return self.answer()

    def close(self) -> None:
        self._file.close()
        self._road.close()


def both(served: Served, data: bytes) -> tuple[bytes, bytes, bool]:
    """What the short and the long way answer, and whether the first was the short one."""
    with closing(Client(served)) as client:
        short = client.told(data)
        connections = served.on_loop(lambda: served.connections)
        taken = bool(connections) and all(one.cycle is None for one in connections)
    with closing(Client(served)) as client:
        long = client.told(data.removesuffix(b"\r\n") + LONG + b"\r\n")
    served.until(lambda: not served.connections)
    return short, long, taken


HOST = b"Host: localhost\r\n"
BROWSER = (
    b'Host: 127.0.0.1:8080\r\nConnection: keep-alive\r\nsec-ch-ua: "Chromium";v="140"\r\nUser-Agent: Mozilla/5.0\r\n'
    b"Accept: */*\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\nReferer: http://127.0.0.1:8080/\r\n"
    b"Accept-Encoding: gzip, deflate\r\nAccept-Language: en\r\nCookie: a=b; theme=dark\r\n"
)


def answered() -> bytes:
    """An answer that the store packed."""
    return pack_answer(SeriesTextAnswer(10**9, "rows", 0.0, 0, 0, b'{"times":[],"series":[]}'))
