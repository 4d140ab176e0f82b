"""An enrolled agent that says as much as it can: ``python -m tests.pipeline.flooding HOME HOW``, until it is ended.

HOW is ``samples`` (well formed, numbered, one a frame), ``large`` (frames of nearly a megabyte), ``epochs`` (each
message begins one), or ``hellos``.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import zmq

from bus.control import Hello, pack_hello
from bus.joining import membership
from bus.messages import Sample
from bus.sockets import Hear, Push
from bus.wire import pack, record


def frames(name: str, how: str) -> Iterator[bytes]:
    """What it says, without end."""
    if how == "hellos":
        for nonce in itertools.count(1):
            yield pack_hello(Hello(name, "boot", 1, time.time_ns(), nonce, 1, ()))
    each = 3_000 if how == "large" else 1
    for first in itertools.count(1, each):
        at = time.time_ns()
        told = (
            record(
                Sample(1, (1.0,)),
                source=name,
                at=at + number,
                epoch=number if how == "epochs" else 7,
                number=1 if how == "epochs" else number,
            )
            for number in range(first, first + each)
        )
        yield b"".join(map(pack, told))


def main(home: Path, how: str) -> None:
    """Push as fast as the door takes it."""
    member = membership(home)
    assert member is not None
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    road = Hear(context) if how == "hellos" else Push(context)
    road.show_key(member.own, member.hub)
    road.connect(member.receipts if how == "hellos" else member.door)
    # The same few frames again and again: making them must not be what slows it down.
    made = list(itertools.islice(frames(member.name, how), 20 if how == "large" else 20_000))
    while True:
        for frame in made:
            road.raw.send(frame)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
