"""Ends the collector before it takes the machine's memory: it keeps nothing, and whoever waits sends again.

libzmq bounds a queue by messages, and the parts of one message that does not end by nothing at all. Before it comes
to the end, the connection by which most came lately is ended: an honest agent is back at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from bus.program import TryAgain
from bus.vitals import resident_bytes
from collector.hangup import hang_up, received_bytes
from collector.monitor import Monitor
from collector.refusals import Refusals

SUSPECT_SHARE = 0.5
"""From this share of the limit on, whoever sends most is ended."""
LEAST_BYTES = 8_388_608
"""What a connection must have brought since the last look to be worth ending."""


class Memory:
    """Looks at the process's memory; ``monitors`` tells the connections of the public roads."""

    def __init__(
        self,
        most: int,
        monitors: Callable[[], Iterable[Monitor]],
        refusals: Refusals,
        *,
        resident: Callable[[], int] = resident_bytes,
    ) -> None:
        self._most = most
        self._monitors = monitors
        self._refusals = refusals
        self._resident = resident
        self._received: dict[int, int] = {}

    def look(self) -> None:
        """Called each second; raises ``TryAgain`` when the limit is passed."""
        found = self._resident()
        if found > self._most:
            raise TryAgain(f"{found // 1_000_000} MB of memory, at most {self._most // 1_000_000} MB are meant for it")
        if found > SUSPECT_SHARE * self._most:
            self._end_the_busiest()
        else:
            self._received.clear()

    def _end_the_busiest(self) -> None:
        before, self._received = self._received, {}
        busiest, most = None, LEAST_BYTES
        for monitor in self._monitors():
            for fd in monitor.fds:
                received = self._received[fd] = received_bytes(fd, monitor.port)
                came = received - before.get(fd, received)
                if came > most:
                    busiest, most = (fd, monitor), came
        if busiest is not None:
            fd, monitor = busiest
            self._refusals.count(
                "memory", monitor.address_of(fd), f"{most // 1_000_000} MB in a second while memory was short"
            )
            hang_up(fd, monitor.port)
