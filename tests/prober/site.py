"""A web site that answers as it is told: right, wrong, slow, silent, byte by byte, without end."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from socket import socket

Speak = Callable[[socket, "Request"], None]


@dataclass
class Request:
    """What was asked; header names are in small letters."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""


@dataclass
class Site:
    """Serves ``speak`` for a path, and keeps what it was asked."""

    pages: dict[str, Speak] = field(default_factory=dict)
    asked: list[Request] = field(default_factory=list)

    def __call__(self, connection: socket) -> None:
        """One connection with one request."""
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(65_536)
            if not more:
                return
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        while len(body) < int(headers.get("content-length", 0)):
            body += connection.recv(65_536)
        method, path, _ = first.split(" ")
        request = Request(method, path, headers, body)
        self.asked.append(request)
        self.pages.get(path.partition("?")[0], self.pages.get("", ok))(connection, request)


def answer(status: str = "200 OK", body: bytes = b"all is ok", **headers: str) -> Speak:
    """A whole answer; ``Content_Type`` is written for ``Content-Type``."""

    def speak(connection: socket, request: Request) -> None:
        given = {"Content-Length": str(len(body)), **{name.replace("_", "-"): value for name, value in headers.items()}}
        lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in given.items() if value)]
        connection.sendall("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n")
        if request.method != "HEAD":
            connection.sendall(body)

    return speak


ok = answer()


def says(data: bytes) -> Speak:
    """These very bytes."""
    return lambda connection, request: connection.sendall(data)


def late(seconds: float, speak: Speak = ok) -> Speak:
    """The same, later."""

    def wait(connection: socket, request: Request) -> None:
        time.sleep(seconds)
        speak(connection, request)

    return wait


def drips(before: bytes, part: bytes) -> Speak:
    """Some bytes at once, then a part now and then for half a minute."""

    def speak(connection: socket, request: Request) -> None:
        connection.sendall(before)
        for _ in range(600):
            connection.sendall(part)
            time.sleep(0.05)

    return speak


def floods(before: bytes) -> Speak:
    """A body without end, as fast as it is taken."""

    def speak(connection: socket, request: Request) -> None:
        connection.sendall(before)
        with suppress(OSError):
            while True:
                connection.sendall(b"x" * 65_536)

    return speak


def mute(connection: socket, request: Request) -> None:
    """Nothing is said."""
    connection.settimeout(30)
    while connection.recv(4096):
        pass


def hangs_up(connection: socket, request: Request) -> None:
    """The connection is closed without a word."""


def to(place: str, status: str = "302 Found", **headers: str) -> Speak:
    """A redirect."""
    return answer(status, b"elsewhere", Location=place, **headers)
