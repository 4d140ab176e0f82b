"""An HTTP(S) receiver on loopback that answers as it is told, and remembers what came and when."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from tests.ports import free_port


@dataclass(frozen=True)
class Request:
    """One request as it came; header names are in small letters."""

    at: float
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Its body."""
        return json.loads(self.body)


@dataclass
class Reply:
    """One answer; ``act`` is called in its place when given, with the handler."""

    status: int = 200
    body: bytes = b"ok"
    headers: dict[str, str] = field(default_factory=dict)
    act: Callable[[BaseHTTPRequestHandler], None] | None = None


class Receiver:
    """Answers 200 unless ``replies`` holds others, which are used up one by one; ``usual`` comes after them."""

    def __init__(self, tls: ssl.SSLContext | None = None, port: int = 0, replies: Iterable[Reply] = ()) -> None:
        self.requests: list[Request] = []
        self.replies = deque(replies)
        self.usual = Reply()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.requests.append(Request(time.monotonic(), self.command, self.path, headers, body))
                reply = receiver.replies.popleft() if receiver.replies else receiver.usual
                if reply.act is not None:
                    reply.act(self)
                    return
                self.send_response(reply.status)
                for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply.body)

            do_POST = do_GET = do_PUT = do_any  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                pass

        self._server = Server(("127.0.0.1", port or free_port()), Handler)
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.scheme = "https" if tls else "http"
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"{self.scheme}://{'localhost' if self.scheme == 'https' else '127.0.0.1'}:{self.port}"

    @property
    def keys(self) -> list[str]:
        """The idempotency keys in the order in which they came."""
        return [one.headers.get("idempotency-key", "") for one in self.requests]

    def close(self) -> None:
        """Take nothing more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def __enter__(self) -> Receiver:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def drip(handler: BaseHTTPRequestHandler) -> None:
    """A header a while, without end."""
    try:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        for number in range(1000):
            handler.wfile.write(f"X-{number}: 1\r\n".encode())
            handler.wfile.flush()
            time.sleep(0.05)
    except OSError:
        handler.close_connection = True


def unending(handler: BaseHTTPRequestHandler) -> None:
    """A good answer whose body never comes to its end."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nok")
    handler.rfile.read(1)


def no_chunks(handler: BaseHTTPRequestHandler) -> None:
    """A good answer whose body is rubbish."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
    handler.close_connection = True


def after_interim(answer: bytes, count: int) -> Callable[[BaseHTTPRequestHandler], None]:
    """So many answers that are none yet, and then this one."""

    def act(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n" * count + answer)
        handler.close_connection = True

    return act


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    """No answer at all."""
    handler.close_connection = True
    handler.connection.close()
