"""Hosts for a drill, many in a process: ``python -m bus.drill.hosts PROCESS PER_SECOND JOURNAL NAME...``.

Each host tells samples, and writes a line into the journal once a sample is durable in its spool: the host, the epoch,
the number and a value that no other sample of that host has. The journal survives a kill of the process: it is the
promise that the store is held to.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence

from bus.delivering import Deliverer
from bus.delivery.states import Flag
from bus.program import Program, run
from bus.tables import Bus
from bus.voice import deliverer

TURN_SECONDS = 0.02
METRIC = "drill.value"
MOST_A_TURN = 200


class Host:
    """One host: what it told, and what of that is durable."""

    def __init__(self, deliverer: Deliverer, rate: float) -> None:
        self._deliverer = deliverer
        self._rate = rate
        # Lives of one host are told apart by when they began; microseconds are exact in a double.
        self._value = float(time.time_ns() // 1000)
        self._began, self._told, self._at = time.monotonic(), 0, 0

    def turn(self) -> str:
        """Tell what is due; the journal's lines for what is on the disk now."""
        due = min(int((time.monotonic() - self._began) * self._rate) - self._told, MOST_A_TURN)
        values = []
        for _ in range(due):
            self._told += 1
            self._value += 1.0
            self._at = max(time.time_ns(), self._at + 1)
            self._deliverer.sample((METRIC,), (self._value,), at=self._at)
            values.append(int(self._value))
        sender, pending = self._deliverer.courier.sender, self._deliverer.courier.pending
        live = sender.flows.live
        epoch, first = live.epoch, live.last + 1
        self._deliverer.flush()
        if Flag.MEMORY in sender.flags or live.last != first + pending - 1:
            return ""
        # A layout may be among them; the samples stand at the end.
        numbers = range(live.last - len(values) + 1, live.last + 1)
        source = self._deliverer.source
        return "".join(f"{source} {epoch:x} {number} {value}\n" for number, value in zip(numbers, values, strict=True))


def main(process: str, rate: float, journal: str, names: Sequence[str]) -> int:
    """Tell samples until told to stop."""

    def build(program: Program[Bus]) -> None:
        program.tells_vitals = False
        hosts = [Host(deliverer(program, name, public=True), rate) for name in names]
        file = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

        def turn() -> None:
            for host in hosts:
                os.write(file, host.turn().encode())

        program.loop.every(TURN_SECONDS, turn)

    return run("bus", Bus, build, part=process, argv=[])


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], float(sys.argv[2]), sys.argv[3], sys.argv[4:]))
