"""What strangers and clients of the stream may say to it without costing the worker anything."""

from __future__ import annotations

import logging
import socket
import tracemalloc

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.api.house import KEYRING, House
from tests.api.resources.slowly import raw_client
from tests.api.served import PATIENCE, serving

NESTED = "[" * 60_000
BOMB = b"\xdc\xff\x00" * 21_800
"""Lists within lists that say that they have 65,280 items each: 70 MB before msgpack sees that they do not."""


def frame(code: int, data: bytes, *, whole: bool = True) -> bytes:
    """A client's frame, masked by nothing."""
    assert len(data) < 126
    return bytes((0x80 * whole | code, 0x80 | len(data))) + bytes(4) + data


@pytest.mark.parametrize("message", [NESTED, BOMB])
def test_whatever_a_stranger_says_first_is_no_error_of_ours_and_takes_no_memory(
    message: str | bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(House(keyring=KEYRING).prime()) as served, connect(served.url("/api/v1/stream")) as client:
        tracemalloc.start()
        try:
            client.send(message)
            with pytest.raises(ConnectionClosed) as closed:
                client.recv(timeout=PATIENCE)
            assert tracemalloc.get_traced_memory()[1] < 20_000_000
        finally:
            tracemalloc.stop()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4401
    assert [one.getMessage() for one in caplog.records if one.levelno >= logging.ERROR] == []


def test_answers_to_pings_that_nobody_reads_do_not_gather_and_the_newest_comes() -> None:
    with serving(House().prime()) as served, raw_client(served) as client:
        served.until(lambda: bool(served.house.hub.fanout.clients))
        (connection,) = served.connections
        # More than both kernels keep between them, or nothing would be left unread.
        for number in range(400):
            client.sendall(frame(9, b"%0100d" % number) * 500)
        client.sendall(frame(9, b"last"))
        unread = served.on_loop(connection.unread)
        assert 0 < unread < 500_000
        client.settimeout(PATIENCE)
        data = b""
        while not data.endswith(b"\x8a\x04last"):
            data = data[-10:] + client.recv(65_536)


def test_a_message_of_parts_without_end_is_ended() -> None:
    with serving(House().prime()) as served, raw_client(served) as client:
        served.until(lambda: bool(served.house.hub.fanout.clients))
        client.sendall(frame(1, b"x", whole=False) + frame(0, b"", whole=False) * 2000)
        client.settimeout(PATIENCE)
        data = b""
        while b"a message of more than 1000 parts" not in data:
            piece = client.recv(65_536)
            assert piece, data
            data += piece
        assert (1009).to_bytes(2, "big") in data
        client.shutdown(socket.SHUT_WR)
