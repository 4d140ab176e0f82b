"""A client of the stream that reads when it is told to."""

from __future__ import annotations

import socket

from tests.api.served import PATIENCE, Served


def raw_client(served: Served, query: str = "") -> socket.socket:
    """A WebSocket client that only reads when told to, with a small buffer."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(PATIENCE)
    client.connect(("127.0.0.1", served.port))
    client.sendall(
        f"GET /api/v1/stream{query} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += client.recv(1)
    assert b" 101 " in head
    return client


def rest(client: socket.socket) -> bytes:
    """All that waits for the client until it is cut off: in a few large pieces, else that comes before the last one."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_000_000)
    data = b""
    while chunk := client.recv(1_000_000):
        data += chunk
    return data
