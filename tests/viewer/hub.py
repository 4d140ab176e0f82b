"""A small hub for the viewer's tests: a real server of HTTP and WebSocket that invents its hosts.

``python -m tests.viewer.hub --hosts 50 --port 8080`` runs it by hand.
"""

from __future__ import annotations

import argparse
import json
import logging
import ssl
import threading
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import Server, ServerConnection, serve

from tests.ports import free_port
from tests.system.supervised import until
from tests.viewer import burning
from tests.viewer.fleet import InventedHost, events, fleet, rfc, wobble


class Hub:
    """Answers like the API; what it knows can be changed while it runs."""

    def __init__(
        self,
        hosts: dict[str, InventedHost] | None = None,
        *,
        token: str | None = None,
        port: int = 0,
        rate: float = 0.0,
        clock: Callable[[], float] = time.time,
        canned: bool = False,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._canned: dict[str, str] | None = {} if canned else None
        self._list: tuple[float, bytes] = (0.0, b"")
        self.hosts = hosts if hosts is not None else fleet(1)
        self.services: dict[str, str] = {}
        self.token = token
        self.asked: list[str] = []
        self.delay = 0.0
        self.most_incidents = 60
        self.instead: dict[str, Callable[[dict[str, list[str]]], dict[str, Any]]] = {}
        """What is told at some paths in place of what is invented."""
        self.lacking: dict[str, str] = {}
        """Paths that are answered 503, each with why."""
        self.noise: Callable[[], bytes] | None = None
        """What is answered to every question in place of JSON; the stream goes on."""
        self.alarming = True
        """Whether it knows of alarms, and tells of itself."""
        self.clock = clock
        self._rate = rate
        self._over = threading.Event()
        self._connections: set[ServerConnection] = set()
        logging.getLogger("websockets").setLevel(logging.CRITICAL)
        self._scheme = "https" if tls else "http"
        self._server: Server = serve(
            self._stream, "127.0.0.1", port or free_port(), process_request=self._http, compression=None, ssl=tls
        )
        self.port: int = self._server.socket.getsockname()[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        if rate:
            threading.Thread(target=self._live, daemon=True).start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{self._scheme}://127.0.0.1:{self.port}"

    @property
    def listeners(self) -> int:
        """Streams that are open."""
        return len(self._connections)

    def close(self) -> None:
        """Go away, as when it is killed."""
        self._over.set()
        for connection in list(self._connections):
            connection.close(1001)
        self._server.shutdown()

    def tell(self, *events: dict[str, Any] | str) -> None:
        """Send events to everybody who listens; waits for the first, who may have only just asked for the stream."""
        until(lambda: self.listeners > 0, 30, "a viewer listens")
        self._send(*events)

    def _send(self, *events: dict[str, Any] | str) -> None:
        for event in events:
            text = event if isinstance(event, str) else json.dumps(event)
            for connection in list(self._connections):
                try:
                    connection.send(text)
                except ConnectionClosed:
                    self._connections.discard(connection)

    def sample(self, at: float | None = None) -> None:
        """Send every host's reading of one time."""
        for event in events(self.hosts, self.clock() if at is None else at, values=True):
            self.tell(event)

    def _live(self) -> None:
        """Send readings second by second: all hosts', or where the rate is less than that, in turns."""
        turn = 0
        names = list(self.hosts)
        each = max(1, min(len(names), int(self._rate)))
        while not self._over.wait(max(0.0, 1.0 - time.time() % 1.0)):
            at = self.clock()
            began = time.monotonic()
            for place in range(each):
                ahead = 0.9 * place / each - (time.monotonic() - began)
                if ahead > 0.002 and self._over.wait(ahead):
                    return
                text = self._event(names[(turn + place) % len(names)], at)
                if text:
                    self._send(text)
            turn = (turn + each) % len(names)

    def _event(self, name: str, at: float) -> str:
        """A host's reading as a message; a hub that is canned works each out once, and then changes the time."""
        if self._canned is None:
            return next((json.dumps(event) for event in events({name: self.hosts[name]}, at, values=True)), "")
        if name not in self._canned:
            found = next(iter(events({name: self.hosts[name]}, at, values=True)), None)
            self._canned[name] = json.dumps({**found, "timestamp": "@AT@"}) if found else ""
        return self._canned[name].replace("@AT@", rfc(at))

    def _stream(self, connection: ServerConnection) -> None:
        self._connections.add(connection)
        try:
            for _ in connection:
                pass
        except ConnectionClosed:
            pass
        finally:
            self._connections.discard(connection)

    def _http(self, connection: ServerConnection, request: Request) -> Response | None:
        parts = urlsplit(request.path)
        self.asked.append(request.path)
        self._over.wait(self.delay)
        said = request.headers.get("Authorization", "")
        if self.token is not None and said != f"Bearer {self.token}":
            status = 403 if said.startswith("Bearer ") else 401
            return _answer(status, {"error": "no", "code": "token"}, self.clock())
        if parts.path == "/api/v1/stream":
            return None
        if self.noise is not None:
            return _reply(200, self.noise(), self.clock())
        if self._canned is not None and parts.path == "/api/v1/servers":
            if self.clock() - self._list[0] > 60:
                self._list = (self.clock(), json.dumps(self._answer("/servers", {})[1]).encode())
            return _reply(200, self._list[1], self.clock())
        status, body = self._answer(parts.path.removeprefix("/api/v1"), parse_qs(parts.query))
        return _answer(status, body, self.clock())

    def _answer(self, path: str, query: dict[str, list[str]]) -> tuple[int, dict[str, Any]]:
        now = self.clock()
        if path in self.lacking:
            return 503, {"error": self.lacking[path], "code": "unavailable"}
        if path in self.instead:
            return 200, self.instead[path](query)
        match [unquote(part) for part in path.strip("/").split("/")]:
            case ["servers"]:
                return 200, {"servers": [host.info(now) for host in self.hosts.values()], "count": len(self.hosts)}
            case ["servers", name] if name in self.hosts:
                return 200, self.hosts[name].detail(now)
            case ["servers", name, "series"] if name in self.hosts:
                start, end = float(query["start"][0]), float(query["end"][0])
                return 200, self.hosts[name].series(query["metric"], start, end, int(query["points"][0]), now)
            case ["services"]:
                rows = [self._service(name, state, now) for name, state in self.services.items()]
                return 200, {"services": rows, "count": len(rows)}
            case ["services", name, "checks"] if name in self.services:
                start, end = float(query["start"][0]), min(now, float(query["end"][0]))
                checks = self._checks(name, start, end)
                return 200, {
                    "service_name": name,
                    "start": rfc(start),
                    "end": rfc(end),
                    "count": len(checks),
                    "checks": checks,
                }
            case ["services", name, "uptime"]:
                return 200, {
                    "service_name": name,
                    "uptime_percentage": 97.5,
                    "total_checks": 40,
                    "successful_checks": 39,
                }
            case [word]:
                return self._own(word, query, now)
        return 404, {"error": f"there is nothing at {path}", "code": "not_found"}

    def _own(self, word: str, query: dict[str, list[str]], now: float) -> tuple[int, dict[str, Any]]:
        """What it tells of alarms and of itself."""
        hosts = self.hosts
        subject, rule = query.get("subject", [""])[0], query.get("rule", [""])[0]
        found: dict[str, Callable[[], dict[str, Any]]] = {
            "alerts": lambda: {"alerts": burning.alarms(hosts, now)},
            "silences": lambda: {"silences": burning.silences(now)},
            "incidents": lambda: burning.page(burning.incidents(hosts, now, self.most_incidents), query),
            "why": lambda: burning.why(subject, rule, now),
            "rules": lambda: {"rules": [{"name": "cpu-busy", "when": "cpu.percent > 90", "for_seconds": 300.0}]},
            "health": burning.health,
            "stats": lambda: burning.stats(hosts, len(self.services)),
            "rooms": lambda: burning.rooms(hosts, now),
            "gaps": lambda: burning.gaps(hosts, now),
            "labels": lambda: burning.labels(hosts),
        }
        if word not in found or not self.alarming:
            return 404, {"error": f"there is nothing at /{word}", "code": "not_found"}
        return 200, found[word]()

    def _service(self, name: str, state: str, now: float) -> dict[str, Any]:
        return {
            "name": name,
            "url": f"https://{name}.example/health",
            "monitoring_status": "active",
            "health_status": state,
            "last_check": rfc(now - 3),
            "last_status": state if state in ("up", "down", "degraded") else None,
            "response_time_ms": int(200 * wobble(name, now, 60)),
        }

    def _checks(self, name: str, start: float, end: float) -> list[dict[str, Any]]:
        found = []
        step = max(10, int((end - start) / 300))
        at = (start // step + 1) * step
        while at < end:
            bad = wobble(f"{name}bad", at, 300) > 0.85
            found.append(
                {
                    "service_name": name,
                    "timestamp": rfc(at),
                    "url": f"https://{name}.example/health",
                    "status": "down" if bad else "up",
                    "response_time_ms": None if bad else int(40 + 200 * wobble(name, at, 60)),
                    "http_status_code": None if bad else 200,
                    "error_message": "connection refused" if bad else None,
                    "ssl_expiry_days": 41,
                }
            )
            at += step
        return found


def _answer(status: int, body: dict[str, Any], now: float) -> Response:
    return _reply(status, json.dumps(body).encode(), now)


def _reply(status: int, text: bytes, now: float) -> Response:
    headers = Headers(
        {
            "Content-Type": "application/json",
            "Content-Length": str(len(text)),
            "Date": formatdate(now, usegmt=True),
            "Connection": "close",
        }
    )
    return Response(status, "OK" if status == 200 else "Error", headers, text)


def main() -> None:
    """Run a hub by hand."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--hosts", type=int, default=3)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--rate", type=float, default=500.0, help="events a second, at most")
    parser.add_argument("--gap", type=float, default=0.0, help="seconds without readings, two minutes ago")
    parser.add_argument("--canned", action="store_true", help="work out each host once: cheap, for measuring viewers")
    parser.add_argument("--token")
    given = parser.parse_args()
    now = time.time()
    hosts = fleet(given.hosts, now)
    if given.gap:
        for host in hosts.values():
            host.gaps.append((now - 120, now - 120 + given.gap))
    hub = Hub(hosts, token=given.token, port=given.port, rate=given.rate, canned=given.canned)
    hub.services = {"shop": "up", "search": "degraded", "mail": "down"}
    print(hub.url, flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        hub.close()


if __name__ == "__main__":
    main()
