"""Whether two hosts speak under one name. Pure.

Each start of a producer says HELLO with its host's boot id and its live epoch. After a restart the old epoch
falls silent, but for what the spool still holds of it, which the new start offers. When the live epochs of two
boots both go on after each has seen the other begin, two hosts use one identity.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bus.control import Hello
from bus.delivery.stream import Stream

LIVE_SECONDS = 60.0
SETTLE_SECONDS = 5.0
"""What was under way when the other boot said HELLO may still arrive for so long."""
TELL_SECONDS = 600.0
MAX_BOOTS = 8


@dataclass(frozen=True, slots=True)
class TwoHosts:
    """Two hosts use the identity ``source``."""

    source: str
    boots: tuple[str, str]
    epochs: tuple[int, int]


@dataclass(slots=True)
class _Boot:
    epoch: int
    since: float
    greeted: float
    passed_on: int = 0
    """The highest number of the epoch that another boot offers: up to there it is that one which tells."""


@dataclass(slots=True)
class Boots:
    """The boots that spoke under one name lately."""

    _boots: dict[str, _Boot] = field(default_factory=dict)
    _told: float = float("-inf")

    @property
    def several(self) -> bool:
        """Whether more than one boot spoke."""
        return len(self._boots) > 1

    def greeted(self, hello: Hello, now: float) -> None:
        """A boot said HELLO; its newest epoch is its live one."""
        live = hello.offers[-1].epoch
        offered = {offer.epoch: offer.last for offer in hello.offers}
        for name, boot in self._boots.items():
            if name != hello.boot:
                boot.passed_on = max(boot.passed_on, offered.get(boot.epoch, 0))
        known = self._boots.get(hello.boot)
        if known is None:
            self._boots[hello.boot] = _Boot(live, now, now)
            if len(self._boots) > MAX_BOOTS:
                del self._boots[min(self._boots, key=lambda boot: self._boots[boot].greeted)]
        elif known.epoch == live:
            known.greeted = now
        else:
            known.epoch, known.greeted, known.passed_on = live, now, 0

    def judge(self, source: str, streams: Mapping[int, Stream], now: float) -> TwoHosts | None:
        """Whether two boots are alive at once; said at most once in ten minutes."""
        if len(self._boots) < 2 or now - self._told < TELL_SECONDS:
            return None

        def heard(boot: _Boot) -> float:
            stream = streams.get(boot.epoch)
            if stream is None or stream.highest <= boot.passed_on:
                return boot.greeted
            return max(boot.greeted, stream.seen)

        (name, newest), (other, second) = sorted(self._boots.items(), key=lambda item: heard(item[1]), reverse=True)[:2]
        both_began = max(newest.since, second.since)
        if now - heard(second) < LIVE_SECONDS and heard(second) > both_began + SETTLE_SECONDS:
            self._told = now
            return TwoHosts(source, (name, other), (newest.epoch, second.epoch))
        return None
