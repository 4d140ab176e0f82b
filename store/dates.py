"""How many partitions far from its time a source may have opened. Pure.

Each hour, or day, that records are dated in is a file of its own. A clock that is wrong opens as many as one that is
right: one an hour. Whoever dates records at random opens one with each, and would fill the disk with files.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from bus.messages import BY_CODE
from bus.timing import DAY, HOUR, MINUTE
from store.keys import EARLIEST, dated, period

AHEAD = 10 * MINUTE
"""A record this far in the future, ns, comes from a clock that is wrong."""
PAST = 400 * DAY
"""A record up to so old, ns, is one that waited for the hub; producers keep theirs for a week if nobody says more."""
FREE = 200
"""Far partitions that a source has at once."""
GIVEN_BACK = HOUR // 10
"""ns until it has one more."""
MOST_SOURCES = 10_000
MOST_KNOWN = 1000


@dataclass(slots=True)
class _Far:
    left: float
    at: int
    """When ``left`` was reckoned, ns."""
    known: OrderedDict[tuple[int, int], None] = field(default_factory=OrderedDict)


class Dates:
    """What each source opened far from the time at which its records came."""

    def __init__(self) -> None:
        self._far: OrderedDict[str, _Far] = OrderedDict()

    def may_tell(self, source: str, code: int, at: int, received: int) -> bool:
        """Whether ``source`` may have the partition for a record of kind ``code`` and time ``at``; times in ns."""
        if is_near(at, received):
            return True
        at = dated(at)
        start = at - at % period(BY_CODE[code].name)
        far = self._far.get(source)
        if far is None:
            if len(self._far) >= MOST_SOURCES:
                self._far.popitem(last=False)
            far = self._far[source] = _Far(FREE, received)
        far.left = min(FREE, far.left + max(0, received - far.at) / GIVEN_BACK)
        far.at = received
        if (code, start) in far.known:
            far.known.move_to_end((code, start))
            return True
        if far.left < 1:
            return False
        far.left -= 1
        far.known[code, start] = None
        if len(far.known) > MOST_KNOWN:
            far.known.popitem(last=False)
        return True


def is_near(at: int, received: int) -> bool:
    """Whether a record of ``at``, which came at ``received``, is dated as one may expect."""
    return max(EARLIEST, received - PAST) <= at <= received + AHEAD
