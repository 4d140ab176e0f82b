"""WebSocket: does a server take the upgrade, and does it say what it should?"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from bus import __version__
from bus.config import Objection, Secret, setting
from bus.headers import header
from prober.checks.securing import Securing, opened
from prober.outcome import Outcome
from prober.probe import Probe

PORTS = {"ws": 80, "wss": 443}


@dataclass(frozen=True, kw_only=True)
class Websocket(Securing):
    """A WebSocket server: it takes the upgrade and, if you wish, says what it should."""

    headers: dict[str, str] = setting({}, help="Headers of the handshake.")
    secret_headers: dict[str, Secret] = setting({}, help="Headers that must not be seen.")
    subprotocols: tuple[str, ...] = setting((), help="Subprotocols that are offered, of which it has to take one.")
    send: str = setting("", help="A text message that is sent first.")
    expect: str = setting("", help="A regular expression that one of its messages has to match somewhere.")

    def objections(self) -> Iterator[Objection]:
        """A host is needed, headers that can be sent, and an expression that can be read."""
        yield from super().objections()
        try:
            parts = self.parts()
            good = bool(parts.hostname) and parts.scheme in PORTS and not parts.fragment
        except ValueError:
            return
        if not good:
            yield Objection("url", f'"{self.url}"', "an address as wss://shop.example/live")
        for name, text in self.headers.items():
            yield from header("headers", name, text)
        for name, secret in self.secret_headers.items():
            yield from header("secret_headers", name, secret.reveal())
        for name in self.subprotocols:
            if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
                yield Objection("subprotocols", f'"{name}"', "a word as graphql-ws")
        try:
            re.compile(self.expect)
        except re.error as error:
            yield Objection("expect", f'"{self.expect}"', f"a regular expression ({error})")

    @property
    def secure(self) -> bool:
        """By its address."""
        return self.parts().scheme == "wss"

    def prepare(self) -> None:
        """Load what speaks WebSocket."""
        from prober import upgrade

        super().prepare()
        del upgrade

    def look(self, probe: Probe) -> Outcome:
        """Shake hands, and hear what it says."""
        from prober import trust
        from prober.lines import counted
        from prober.upgrade import Refused, talked

        parts = self.parts()
        host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]

        def judged(line: socket.socket) -> Outcome:
            try:
                size = talked(line, self.url, self._head, self.subprotocols, self.send, self._wanted, probe)
            except Refused as refused:
                return Outcome("down", str(refused), http_status=refused.code)
            return Outcome("up", http_status=101, metrics={"bytes": float(size)} if self.expect else {})

        if not self.secure:
            with counted(probe.connect(host, port), probe) as line:
                return judged(line)
        with opened(self, probe, host, port, "") as secure:
            seen = trust.seen(secure, verified=self.tls_verify)
            return self.dated(judged(secure), seen, probe)

    @cached_property
    def _wanted(self) -> re.Pattern[str] | None:
        return re.compile(self.expect) if self.expect else None

    @cached_property
    def _head(self) -> dict[str, str]:
        secret = {name: one.reveal() for name, one in self.secret_headers.items()}
        return {"User-Agent": f"guardia/{__version__}", **self.headers, **secret}
