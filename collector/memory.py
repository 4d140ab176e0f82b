"""Ends the collector before it takes the machine's memory: it keeps nothing, and whoever waits sends again.

libzmq bounds a queue by messages, and the parts of one message that does not end by nothing at all. Before it comes
to the end, the connection by which most came lately is ended: an honest agent is back at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from bus.program import TryAgain
from bus.vitals import resident_bytes
from collector.hangup import hang_up, received_bytes
from collector.machine import machine_bytes
from collector.monitor import Monitor
from collector.refusals import Refusals

MACHINE_SHARE = 0.5
"""More than this of the machine's memory is never meant for it, whatever the settings say."""
SUSPECT_SHARE = 0.5
"""From this share of the limit on, connections are looked at."""
GROWTH = 33_554_432
"""Bytes by which the process grows from then on until the connection that brought most is ended."""


class Memory:
    """Looks at the process's memory; ``monitors`` tells the connections of the public roads."""

    def __init__(
        self,
        most: int,
        monitors: Callable[[], Iterable[Monitor]],
        refusals: Refusals,
        *,
        resident: Callable[[], int] = resident_bytes,
        machine: int | None = None,
    ) -> None:
        """``most`` bytes are meant for the process; the machine has ``machine``, None: as it says."""
        self._most = min(most, int(MACHINE_SHARE * (machine_bytes() if machine is None else machine)))
        self._monitors = monitors
        self._refusals = refusals
        self._resident = resident
        self._noted: tuple[int, dict[int, int]] | None = None
        """The process's bytes when it became suspect, and what each connection had brought by then."""

    def look(self) -> None:
        """Called several times a second; raises ``TryAgain`` when the limit is passed."""
        found = self._resident()
        if found > self._most:
            raise TryAgain(f"{found // 1_000_000} MB of memory, at most {self._most // 1_000_000} MB are meant for it")
        if found <= SUSPECT_SHARE * self._most:
            self._noted = None
        elif self._noted is None or found < self._noted[0]:
            self._noted = (found, self._received())
        elif found > self._noted[0] + GROWTH:
            self._end_the_busiest(self._noted[1])
            self._noted = (found, self._received())

    def _received(self) -> dict[int, int]:
        return {fd: received_bytes(fd, monitor.port) for monitor in self._monitors() for fd in monitor.fds}

    def _end_the_busiest(self, before: dict[int, int]) -> None:
        found = [(received_bytes(fd, m.port) - before.get(fd, 0), fd, m) for m in self._monitors() for fd in m.fds]
        brought, fd, monitor = max(found, key=lambda one: one[0], default=(0, -1, None))
        if monitor is not None and brought > GROWTH // 2:
            text = f"brought {brought // 1_000_000} MB while memory was short"
            self._refusals.count("memory", monitor.address_of(fd), text)
            hang_up(fd, monitor.port)
