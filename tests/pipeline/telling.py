"""A producer with a spool, as a process: ``python -m tests.pipeline.telling NAME PER_SECOND JOURNAL``.

It tells samples and writes a line for each into the journal once the sample is durable: epoch, number and a value
that no other message has. The journal survives a kill of the process: it is the promise that the store is held to.
"""

from __future__ import annotations

import os
import sys
import time

from bus.delivery.states import Flag
from bus.program import Program, run
from bus.tables import Bus
from bus.voice import deliverer

TURN_SECONDS = 0.01
SLOW_TURN_SECONDS = 0.05
"""For producers of less than 500 messages a second, of which there may be many."""
MOST_A_TURN = 200


def main(name: str, rate: float, journal: str) -> int:
    """Tell samples until told to stop."""
    life = (time.time_ns() // 1000) % 2**40 * 1000.0

    def build(program: Program[Bus]) -> None:
        program.tells_vitals = False
        program.name = name
        voice = deliverer(program, name, public=True)
        file = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        began, told = time.monotonic(), 0

        def tell() -> None:
            nonlocal told
            count = min(int((time.monotonic() - began) * rate) - told, MOST_A_TURN)
            for _ in range(count):
                told += 1
                voice.sample(("load.1m",), (life + told,), at=time.time_ns())
            live = voice.courier.sender.flows.live
            epoch, first, pending = live.epoch, live.last + 1, voice.courier.pending
            voice.flush()
            if Flag.MEMORY in voice.courier.sender.flags or live.last != first + pending - 1:
                return
            # A layout may be among them; the values stand at the end.
            lines = [f"{epoch:x} {live.last - back} {int(life + told - back)}\n" for back in reversed(range(count))]
            os.write(file, "".join(lines).encode())

        program.loop.every(TURN_SECONDS if rate >= 500 else SLOW_TURN_SECONDS, tell)

    return run("bus", Bus, build, part=name, argv=[])


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], float(sys.argv[2]), sys.argv[3]))
