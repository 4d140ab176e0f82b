"""An enrolled agent that invents names without end: ``python -m tests.pipeline.inventing HOME HOW``, until it is ended.

HOW is ``metrics`` (each layout holds names that nobody heard of), ``orders`` (a few names in ever another order) or
``services`` (each check is of another one). It numbers what it says and tells nothing twice, a hundred messages a
second: it is not the flood that is to be withstood.
"""

from __future__ import annotations

import itertools
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import zmq

from bus.joining import membership
from bus.messages import Check, Layout, Message, Sample
from bus.sockets import Push
from bus.wire import pack, record

NAMES = 100
"""In a layout."""
TURN_SECONDS = 0.01
EPOCH = 7


def inventions(how: str) -> Iterator[tuple[Message, str | None]]:
    """What it says, without end, and about whom; None: about itself."""
    chance = random.Random(1)
    names = [f"invented.x{place}" for place in range(NAMES)]
    for turn in itertools.count(1):
        if how == "services":
            yield Check("up"), f"service-{turn}"
        else:
            if how == "orders":
                chance.shuffle(names)
            else:
                names = [f"invented.x{turn}_{place}" for place in range(NAMES)]
            layout = Layout(tuple(names))
            yield layout, None
            yield Sample(layout.id, (1.0,) * NAMES), None


def main(home: Path, how: str) -> None:
    """Push one message a turn."""
    member = membership(home)
    assert member is not None
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    push = Push(context)
    push.show_key(member.own, member.hub)
    push.connect(member.door)
    for number, (message, subject) in enumerate(inventions(how), 1):
        now = time.time_ns()
        told = record(message, source=member.name, subject=subject, at=now, epoch=EPOCH, number=number, sent=now)
        push.raw.send(pack(told))
        time.sleep(TURN_SECONDS)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
