"""An HTTP server that answers at once, and writes down when it was asked for what.

    python -m benchmarks.target FILE

prints its port. A line of FILE is the path's number and the time (monotonic, which all processes of a machine share).
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from typing import TextIO

import uvloop

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nok"


class Answering(asyncio.Protocol):
    """One connection."""

    def __init__(self, notes: TextIO) -> None:
        self._notes = notes
        self._heard = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody came."""
        self._transport = transport  # type: ignore[assignment] # uvloop's is no asyncio.Transport by name

    def data_received(self, data: bytes) -> None:
        """Answer once the head is whole."""
        self._heard += data
        if b"\r\n\r\n" in self._heard and self._transport is not None:
            number = self._heard.split(b" ", 2)[1][1:].decode()
            self._notes.write(f"{number} {time.monotonic():.6f}\n")
            self._transport.write(ANSWER)
            self._transport.close()


async def serve(path: str) -> None:
    """Answer until killed."""
    with open(path, "w", buffering=1) as notes:
        server = await asyncio.get_running_loop().create_server(lambda: Answering(notes), "127.0.0.1", 0, backlog=4096)
        sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
        sys.stdout.flush()
        await server.serve_forever()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(serve(sys.argv[1]))
