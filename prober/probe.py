"""What one attempt of a check works with: its time, its way out, its stopwatch."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bus.deadline import Deadline
from prober.names import Address
from prober.reach import Reach
from prober.words import count

WORDS = {
    "dns": "looking its name up",
    "connect": "connecting",
    "tls": "agreeing on TLS",
    "first_byte": "waiting for its answer",
    "read": "reading its answer",
}
"""What is done in each phase, as the words of a timeout say it."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a job said of itself at ``at`` (ns): ``up``, or ``down`` with what went wrong."""

    at: int
    status: str = "up"
    text: str = ""


@dataclass
class Probe:
    """One attempt. Phases are timed by ``with probe.phase("connect"):``; several of one name add up."""

    deadline: Deadline
    reach: Reach
    now: int = field(default_factory=time.time_ns)
    """The wall clock in ns, to judge certificates and reports by."""
    report: Report | None = None
    """The last report of a job; None: nothing was ever heard of it."""
    watched_since: int = 0
    """When the service was first seen in the configuration, in ns."""
    phases: dict[str, float] = field(default_factory=dict)
    doing: str = ""
    """The phase that is under way, or was when the attempt ended."""
    reached: bool = False
    """Whether the target itself answered anything; ``connect`` sets it, a check without connections does itself."""
    family: str = "any"
    """Which addresses are tried: ``any``, ``4`` or ``6``."""
    began: float = field(default_factory=time.monotonic)
    heard: int = 0
    """Bytes that the target said since ``asked``."""
    asked: float | None = None
    """When the question was sent that is waited on; the first byte of its answer ends the phase ``first_byte``."""

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time what is done inside under ``name`` (``dns``, ``connect``, ``tls``, ``first_byte`` or another)."""
        outer, self.doing = self.doing, name
        start = time.monotonic()
        try:
            yield
        finally:
            key = f"{name}_ms"
            self.phases[key] = self.phases.get(key, 0.0) + (time.monotonic() - start) * 1000
        self.doing = outer

    def ask(self) -> None:
        """A question has been sent: what is heard from now on is its answer."""
        self.heard, self.asked, self.doing = 0, time.monotonic(), "first_byte"

    def hear(self, count: int) -> None:
        """So many bytes came."""
        if count and self.asked is not None:
            waited = (time.monotonic() - self.asked) * 1000
            self.phases["first_byte_ms"] = self.phases.get("first_byte_ms", 0.0) + waited
            self.asked, self.doing = None, "read"
        self.heard += count

    def addresses(self, host: str, port: int) -> list[Address]:
        """The addresses of ``host`` that may be reached; raises ``Failed``."""
        with self.phase("dns"):
            return self.reach.addresses(host, port, self.deadline, self.family)

    def connect(self, host: str, port: int) -> socket.socket:
        """A TCP connection that the deadline ends; raises ``Failed`` or ``OSError``. Close it."""
        addresses = self.addresses(host, port)
        with self.phase("connect"):
            made = self.reach.dial(addresses, self.deadline)
        self.reached = True
        return made

    def elapsed_ms(self) -> float:
        """Milliseconds since the attempt began."""
        return (time.monotonic() - self.began) * 1000

    def late(self) -> str:
        """The words for an attempt that took too long."""
        doing = f" while {WORDS[self.doing]}" if self.doing in WORDS else ""
        if self.heard:
            doing = f": {count(self.heard)} so far"
        return f"no answer within {self.deadline.seconds:g} s{doing}"
