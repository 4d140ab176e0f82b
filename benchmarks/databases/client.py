"""A client that costs little: whole requests over a kept connection, and the answers' bytes."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Sequence
from http.client import HTTPResponse
from pathlib import Path
from urllib.parse import urlencode

from benchmarks.databases.load import Told


class Line:
    """A connection that stays open."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket = self._connected()

    def _connected(self) -> socket.socket:
        made = socket.create_connection(("127.0.0.1", self._port), 60)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    def sent(self, request: bytes) -> tuple[int, bytes]:
        """Status and body of the answer to a whole request."""
        self._socket.sendall(request)
        answer = HTTPResponse(self._socket)
        answer.begin()
        found = answer.status, answer.read()
        if answer.will_close:
            self._socket.close()
            self._socket = self._connected()
        return found

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


def got(path: str, query: dict[str, object] | None = None) -> bytes:
    """A whole GET."""
    asked = f"?{urlencode({key: str(value) for key, value in query.items()})}" if query else ""
    return f"GET {path}{asked} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


def pushed(port: int, told: Sequence[Told], seconds: float) -> int:
    """Send what there is for at most so long, a connection for each lane; returns how many values were accepted."""
    end = time.perf_counter() + seconds
    done: list[int] = []
    faults: list[str] = []

    def push(lane: int) -> None:
        line = Line(port)
        for one in told:
            if one.lane != lane:
                continue
            if time.perf_counter() > end or faults:
                break
            status, answer = line.sent(one.body)
            if status >= 300:
                faults.append(f"{status} {answer[:300]!r}")
                break
            done.append(one.values)
        line.close()

    threads = [threading.Thread(target=push, args=(lane,)) for lane in {one.lane for one in told}]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise SystemExit(f"port {port}: {faults[0]}")
    return sum(done)


def cpu_seconds(pid: int) -> float:
    """CPU of a process and of all that it started."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own = sum(int(one) for one in fields[11:15]) / 100
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return own + sum(cpu_seconds(int(child)) for task in tasks for child in task.read_text().split())
