"""``guardia heartbeat``: a job on the hub's own host reports that it ran, or how it failed.

guardia heartbeat NAME [--failed TEXT] [--config FILE]

Exit codes: 0 the report is on the hub's disk; 111 it is not: try again; 100 there is no such service.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import zmq

from bus import home, rooms
from bus.arguments import CONFIG, Parser
from bus.asking import asked
from bus.config import ConfigError
from bus.exits import TRY_AGAIN, WRONG
from bus.faults import did_you_mean
from bus.messages import Heartbeat
from bus.producer import Producer
from bus.program import ROADS
from bus.questions import Range, Unanswered
from bus.sockets import Push
from bus.standing import absent

SECONDS = 10.0
PAUSE = 0.05


def main(argv: Sequence[str]) -> int:
    """Report, and wait until the store has it."""
    parser = Parser(prog="guardia heartbeat", description="Report that a job ran.")
    parser.add_argument("name", help="the service, which is checked by heartbeat")
    parser.add_argument("--failed", metavar="TEXT", help="it failed, and why")
    parser.add_argument("--config", metavar="FILE", help=CONFIG)
    given = parser.parse_args(argv)
    path = home.config_path(given.config, os.environ)
    try:
        services = rooms.load(path, needs=())["services"]
    except ConfigError as error:
        print(error, file=sys.stderr)
        return WRONG
    jobs = [one.name for one in services if one.url.startswith("heartbeat:")]
    if given.name not in jobs:
        near = did_you_mean(given.name, jobs) or f"[[services]] of {path} has to list it"
        print(f"guardia heartbeat: no service {given.name!r} is checked by heartbeat; {near}", file=sys.stderr)
        return WRONG
    told = Heartbeat("up") if given.failed is None else Heartbeat("down", legible(given.failed)[:400])
    folder = home.home_path(path, os.environ)
    door = folder / "run" / ROADS["side_door"]
    if not door.exists():
        print(f"guardia heartbeat: {door} is not there, so {absent('collector', folder)}", file=sys.stderr)
        return TRY_AGAIN
    at, until = time.time_ns(), time.monotonic() + SECONDS
    with zmq.Context() as context:
        push = Push(context)
        push.connect(f"ipc://{door}")
        push.raw.poll(int(SECONDS * 1000), zmq.POLLOUT)
        taken = Producer(push, "guardia.heartbeat").tell(told, at=at, subject=given.name)
        stored = taken and _stored(folder, given.name, at, until)
        push.close()
    if not stored:
        print(f"guardia heartbeat: the report of {given.name} is not stored: try again", file=sys.stderr)
        return TRY_AGAIN
    return 0


def legible(text: str) -> str:
    """What a job says that failed, also where some of its bytes are no UTF-8: that it failed has to be told."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _stored(folder: Path, name: str, at: int, until: float) -> bool:
    while time.monotonic() < until:
        with suppress(Unanswered):
            if asked(folder, Range("heartbeat", name, at, at, 1)).records:
                return True
        time.sleep(PAUSE)
    return False
