"""Whether the hub itself hears, and how long what comes waits for what a collector told before it was heard. Pure."""

from __future__ import annotations

import math

MOST_LIVES = 64
SETTLED = 1.0
"""So long after a collector came, in seconds, what it told others before it told us is on the disk."""


class Hearing:
    """Whether the hub itself hears: what is silent while it does not is not silent. Times in ns."""

    __slots__ = ("blind", "deaf_since", "lives", "since")

    def __init__(self, since: int) -> None:
        self.since = since
        """Since when the alerter listens."""
        self.lives: list[tuple[int, int]] = []
        """Since when each of its lives listens, the oldest first, and how long nobody had listened before."""
        self.blind = False
        self.deaf_since = 0
        """When it heard for the last time before it was blind; 0: it never was."""

    def begins(self, since: int, away: int) -> None:
        """It listens since then; for ``away`` nobody did. Since a life that is still to come the clock was set back."""
        self.since, self.blind = since, False
        self.lives = [*(life for life in self.lives if life[0] <= since), (since, away)][-MOST_LIVES:]

    def counted_from(self, heard: int) -> int:
        """From when on the silence counts of whom an earlier life heard last: from the next one on, not between lives.

        For one that was never heard ``heard`` is since when it is expected.

        Not from this one on: an alerter that ends again and again would find nobody's silence.
        """
        if heard >= self.since:
            return 0
        later = [life for life in self.lives if life[0] > heard]
        return min(later[0][0] + sum(away for _, away in later[1:]), self.since) if later else self.since

    def ends(self, at: int) -> None:
        """It hears nothing since ``at``."""
        if not self.blind:
            self.blind, self.deaf_since = True, at

    def returns(self, now: int) -> int:
        """It hears again; for how long it did not."""
        deaf = max(0, now - self.deaf_since) if self.blind else 0
        self.blind = False
        return deaf

    def jumped(self, by: int, now: int) -> None:
        """The clock was set by ``by`` to ``now``."""
        self.since, self.lives = min(self.since, now), []
        self.deaf_since = min(self.deaf_since + by, now) if self.deaf_since else 0


class Comings:
    """When the store is asked for what collectors told before they were heard; times in s by a clock that is never set.

    What comes waits until the store has told what was before it. Where collectors come again and again it waits for
    half of the time at most: for as long as it waited last it is judged as it comes, and then the store is asked.
    """

    def __init__(self) -> None:
        self._first: float | None = None
        """When the first of those came that were not asked for; None: there is none."""
        self._newest = 0.0
        self._from = self._newest_from = 0
        """When the last record was received (ns) that was judged before the first came, and before the newest did."""
        self._began: float | None = None
        """Since when all waits for the store, while it is asked."""
        self._free = -math.inf
        """Until then nothing waits."""

    @property
    def expected(self) -> bool:
        """Whether the store is going to be asked."""
        return self._first is not None

    def came(self, now: float, judged: int) -> None:
        """A collector came when what was received until ``judged`` (ns) had been judged."""
        self._newest, self._newest_from = now, judged
        if self._first is None:
            self._first, self._from = now, judged

    def waits(self, now: float) -> bool:
        """Whether what comes waits."""
        return self._first is not None and now >= self._free

    def due(self, now: float) -> bool:
        """Whether the store can tell now what was told before."""
        return self._first is not None and self.waits(now) and now - self._first >= SETTLED

    def asked(self, now: float, judged: int) -> int:
        """The store is asked, and what comes waits; from when on (ns), which is ``judged`` at the latest."""
        self._began = now if self._first is None else max(self._first, self._free)
        begin = min(self._from or judged, judged)
        self.known(now)
        return begin

    def known(self, now: float) -> None:
        """What is on the disk by now is read."""
        if self._first is not None:
            # What the newest told others may not be there yet: it is asked for once more.
            self._first = None if now - self._newest >= SETTLED else self._newest
            self._from = self._newest_from

    def told(self, now: float) -> None:
        """The store has told it, or does not."""
        if self._began is not None:
            self._free, self._began = now + (now - self._began), None
