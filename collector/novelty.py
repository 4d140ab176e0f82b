"""What one sender names for the first time, and how much of that it may. Pure.

A name that is new here is a series more for the store, the alerter and the api, which outlives its sender by days. So
of new ones there is an allowance: a day's at once, and a day's with each day. What was told within the last day costs
nothing. ``now`` is monotonic, in seconds.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Hashable, Iterable
from heapq import merge

from bus.bucket import Bucket

DAY_SECONDS = 86_400.0
REMEMBERED = 4
"""So many days' allowances are remembered of what is told again and again."""
_BITS = 2**32 - 1
_ONE = 1 - 1e-9
"""A token, as far as sums of fractions make one."""
_FEW = 16
"""More names than these are taken over together."""


class Novelty:
    """The names that a sender told within a day or two, as hashes of four bytes: ten thousand senders have some.

    Of two names with one hash the second costs nothing, which is one in a hundred thousand. The hashes are Python's,
    which nobody outside can reckon.
    """

    __slots__ = ("_before", "_bucket", "_lately", "_most", "_since")

    def __init__(self, most: int, now: float) -> None:
        """``most`` names may be new within a day."""
        self._most = most
        self._bucket = Bucket(most / DAY_SECONDS, now, seconds=DAY_SECONDS)
        self._lately = array("I")
        self._before = array("I")
        """In ascending order: what was told since ``_since``, and in the time before."""
        self._since = now

    def take(self, names: Iterable[Hashable], now: float) -> bool:
        """Whether these may be told; if so the new ones are paid for. Many of them may make a debt."""
        if now - self._since >= DAY_SECONDS or len(self._lately) >= REMEMBERED * self._most:
            self._before, self._lately, self._since = self._lately, array("I"), now
        fresh = [one for one in {hash(name) & _BITS for name in names} if not _holds(self._lately, one)]
        if not fresh:
            return True
        new = sum(not _holds(self._before, one) for one in fresh)
        if new:
            self._bucket.open(now)
            if self._bucket.tokens < _ONE:
                return False
            self._bucket.spend(new)
        if len(fresh) > _FEW:
            self._lately = array("I", merge(self._lately, sorted(fresh)))
        else:
            for one in fresh:
                self._lately.insert(bisect_left(self._lately, one), one)
        return True

    def is_paid(self, now: float) -> bool:
        """Whether all that it named is paid for: it may be forgotten, and has no more to spend after it."""
        self._bucket.open(now)
        return self._bucket.is_full


def _holds(hashes: array[int], one: int) -> bool:
    place = bisect_left(hashes, one)
    return place < len(hashes) and hashes[place] == one
