"""Pings in a network of their own, whose kernel answers as it is told: ``python -m tests.prober.checks.pings ACT``."""

from __future__ import annotations

import fcntl
import json
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from prober.checks.icmp import Icmp
from tests.prober.targets import tried

GROUPS = Path("/proc/sys/net/ipv4/ping_group_range")
IGNORE = Path("/proc/sys/net/ipv4/icmp_echo_ignore_all")
COUNTS = Path("/proc/net/snmp")
SIOCSIFFLAGS, IFF_UP, IFF_RUNNING = 0x8914, 0x1, 0x40


def up() -> None:
    """A new network's loopback is down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        fcntl.ioctl(one, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP | IFF_RUNNING))


def echoes() -> int:
    """How many requests this network's kernel has seen."""
    names, numbers = (line.split() for line in COUNTS.read_text().splitlines() if line.startswith("Icmp:"))
    return int(numbers[names.index("InEchos")])


def ignored_after(count: int) -> None:
    """Answer no more once so many requests have come."""
    while echoes() < count:
        time.sleep(0.002)
    IGNORE.write_text("1")


def allowed() -> None:
    """Ping sockets may be made by everybody."""
    GROUPS.write_text("0 0")


def forbidden() -> None:
    """They may be made by nobody, as the kernel has it at first."""
    GROUPS.write_text("1 0")


def lossy() -> None:
    """Some packets are lost."""
    allowed()
    threading.Thread(target=ignored_after, args=(3,), daemon=True).start()


def silent() -> None:
    """All packets are lost."""
    allowed()
    IGNORE.write_text("1")


ACTS: dict[str, tuple[Callable[[], None], Icmp]] = {
    "allowed": (allowed, Icmp(name="gw", url="icmp://127.0.0.1", spacing=0.01, patience=1.0)),
    "six": (allowed, Icmp(name="gw", url="icmp://[::1]", spacing=0.01)),
    "forbidden": (forbidden, Icmp(name="gw", url="icmp://127.0.0.1", spacing=0.01, patience=1.0)),
    "lossy": (lossy, Icmp(name="gw", url="icmp://127.0.0.1", count=20, spacing=0.05, patience=0.3)),
    "silent": (silent, Icmp(name="gw", url="icmp://127.0.0.1", spacing=0.01, patience=1.0)),
    "hurried": (allowed, Icmp(name="gw", url="icmp://127.0.0.1", count=30, spacing=0.1)),
    "hurried in vain": (silent, Icmp(name="gw", url="icmp://127.0.0.1", count=30, spacing=0.1)),
    "nowhere": (allowed, Icmp(name="gw", url="icmp://192.0.2.1", spacing=0.01)),
}


def main(act: str) -> None:
    """Print what the check finds, as JSON."""
    up()
    prepare, check = ACTS[act]
    prepare()
    found = tried(check, 2.0, allowed=("0.0.0.0/0", "::/0"))
    told = {"status": found.status, "reason": found.reason, "metrics": dict(found.metrics), "ms": found.response_ms}
    sys.stdout.write(json.dumps({**told, "reached": found.reached}))


if __name__ == "__main__":
    main(sys.argv[1])
