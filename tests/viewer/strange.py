"""A server on loopback that is no hub: it says the same to everybody, all at once or a byte now and then."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator


def answer(body: bytes, status: str = "200 OK", *heads: str) -> bytes:
    """An answer of HTTP with this body, and ``heads`` beside its length."""
    lines = (f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *heads, "", "")
    return "\r\n".join(lines).encode() + body


@contextlib.contextmanager
def strange(said: bytes, *, drips: bool = False) -> Iterator[str]:
    """Its address as a URL, while it is there."""
    listener = socket.create_server(("127.0.0.1", 0))
    ended, clients = threading.Event(), list[socket.socket]()
    thread = threading.Thread(target=_serve, args=(listener, said, drips, ended, clients), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        ended.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for one in clients:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)  # whoever asked may have kept its end
        thread.join()


def _serve(
    listener: socket.socket, said: bytes, drips: bool, ended: threading.Event, clients: list[socket.socket]
) -> None:
    while not ended.is_set():
        try:
            client, _ = listener.accept()
        except OSError:
            return
        clients.append(client)
        with client, contextlib.suppress(OSError):
            client.settimeout(30)
            while client.recv(65_536) and said:
                for piece in [said[place : place + 1] for place in range(len(said))] if drips else [said]:
                    if ended.wait(0.02 if drips else 0):
                        return
                    client.sendall(piece)
                if not said.startswith(b"HTTP/1.1 200"):
                    break
