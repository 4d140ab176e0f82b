"""Interim answers of HTTP are skipped, so many and no more."""

from __future__ import annotations

import socket
from http.client import HTTPConnection

import pytest

from bus.interim import MOST, MOST_BYTES, FinalResponse, Unanswered

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Connection(HTTPConnection):
    """A connection whose other end has said everything already."""

    response_class = FinalResponse

    def __init__(self, said: bytes) -> None:
        super().__init__("shop.example")
        self.sock, self.other = socket.socketpair()
        self.other.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * len(said))
        self.other.sendall(said)
        self.other.shutdown(socket.SHUT_WR)

    def status(self) -> int:
        """Of the answer."""
        try:
            self.request("GET", "/")
            return self.getresponse().status
        finally:
            self.other.close()
            self.close()


def interim(status: int, head: bytes = b"Link: </a.css>; rel=preload\r\n") -> bytes:
    """An answer that is none yet."""
    return b"HTTP/1.1 %d Wait\r\n%s\r\n" % (status, head)


@pytest.mark.parametrize(
    ("before", "status"),
    [
        (b"", 200),
        (interim(100, b""), 200),
        (interim(103), 200),
        (interim(100) + interim(102) + interim(103) + interim(199), 200),
        (interim(103) * MOST, 200),
        (interim(101), 101),
    ],
)
def test_the_first_answer_that_is_one_is_the_answer(before: bytes, status: int) -> None:
    assert Connection(before + OK).status() == status


@pytest.mark.parametrize(
    "before", [interim(103) * (MOST + 1), interim(100) * (MOST + 1), interim(103, b"X: %s\r\n" % (b"x" * MOST_BYTES))]
)
def test_interim_answers_without_end_are_given_up(before: bytes) -> None:
    with pytest.raises(Unanswered):
        Connection(before + OK).status()
