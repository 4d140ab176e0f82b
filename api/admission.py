"""How often a token may ask, and how often an address may be wrong. Pure; ``now`` is monotonic, in seconds.

Each worker counts for itself: two workers let twice as much through.
"""

from __future__ import annotations

import math
from collections import OrderedDict

from api.auth import Admitted, Refused, Verdict
from bus.bucket import Bucket

BURST_SECONDS = 3.0
"""So many seconds' requests may come at once: a page of charts asks for all of them when it opens."""
FAILURES = 10
"""Wrong tokens of one address in a minute, after which it has to wait."""
MINUTE = 60.0
MOST_ADDRESSES = 4096
"""Addresses that are remembered for their wrong tokens; the one that was wrong longest ago is forgotten first."""


class _Address:
    """What one address may still do wrong."""

    __slots__ = ("left", "told_at")

    def __init__(self, now: float) -> None:
        self.left = Bucket(FAILURES / MINUTE, now, seconds=MINUTE)
        self.told_at = -math.inf


class Admission:
    """What is left to each token and to each address. ``rate`` is requests a second of one token; 0 for any number."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._requests: dict[str, Bucket] = {}
        self._addresses: OrderedDict[str, _Address] = OrderedDict()

    def allows(self, verdict: Admitted, now: float) -> bool:
        """Whether it is let in wherever it comes from; it is one request, if so."""
        return not (verdict.guessable and self._addresses) and self._has_left(verdict.name, now)

    def judge(self, verdict: Verdict, address: str, now: float) -> Verdict:
        """What becomes of ``verdict`` on a request from ``address``, with all that was asked before."""
        if isinstance(verdict, Refused):
            return self._was_wrong(verdict, address, now) if verdict.code == "wrong_token" else verdict
        if verdict.guessable and self._must_wait(address, now):
            return _too_wrong(address)
        if self._has_left(verdict.name, now):
            return verdict
        text = f"the token {verdict.name} asks more than {self._rate:g} times a second"
        return Refused(429, "too_many_requests", text, wait=1)

    def _has_left(self, name: str, now: float) -> bool:
        if not self._rate or not name:
            return True
        bucket = self._requests.get(name)
        if bucket is None:
            bucket = self._requests[name] = Bucket(self._rate, now, seconds=BURST_SECONDS)
        if not bucket.open(now):
            return False
        bucket.spend(1)
        return True

    def _must_wait(self, address: str, now: float) -> bool:
        known = self._addresses.get(address)
        return known is not None and not known.left.open(now)

    def _was_wrong(self, verdict: Refused, address: str, now: float) -> Refused:
        if self._must_wait(address, now):
            known = self._addresses[address]
            notable = now - known.told_at >= MINUTE
            if notable:
                known.told_at = now
            return _too_wrong(address, notable=notable)
        if address not in self._addresses:
            self._addresses[address] = _Address(now)
        self._addresses[address].left.spend(1)
        self._addresses.move_to_end(address)
        while len(self._addresses) > MOST_ADDRESSES:
            self._addresses.popitem(last=False)
        return verdict


def _too_wrong(address: str, *, notable: bool = False) -> Refused:
    text = f"{address} showed {FAILURES} wrong tokens within a minute"
    return Refused(429, "too_many_failures", text, wait=math.ceil(MINUTE / FAILURES), notable=notable)
