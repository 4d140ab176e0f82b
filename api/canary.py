"""A message that goes all the way, from the door to the disk and back: while it comes, the hub works.

Each worker tells a numbered sample of ``guardia.canary-<place>`` every ten seconds and asks the store's reader for it
until it is there. The age of the last round trip is the hub's health, whatever its parts say of themselves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from api.counter import Counter
from bus.copies import COPIES
from bus.producer import Producer
from bus.questions import Unanswered
from bus.timing import SECOND

EVERY_SECONDS = 10.0
LIMIT_SECONDS = 60.0
"""After so long without a round trip the hub is down."""
FIRST_LOOK, LONGEST_LOOK = 0.02, 1.0


class Canary:
    """When a message last came all the way, and how long it took. Pure; times in ns."""

    def __init__(self, now: int) -> None:
        self.number = 0
        self.seconds: float | None = None
        """What the last round trip took."""
        self._returned = now

    def returned(self, sent: int, now: int) -> None:
        """What was sent at ``sent`` is on the disk and can be read ``now``."""
        self._returned = sent
        self.seconds = max(0, now - sent) / SECOND

    def age(self, now: int) -> float:
        """Seconds since the last message that came all the way was sent; since the start before the first."""
        return max(0, now - self._returned) / SECOND


async def keep_flying(
    canary: Canary, producer: Producer, counter: Counter, clock: Callable[[], int], workers: int
) -> None:
    """Send it and look for it, for ever; each of the ``workers`` has one of its own."""
    while True:
        sent = clock()
        canary.number += 1
        told = {"canary.number": float(canary.number), "canary.round_trip_seconds": canary.seconds}
        producer.readings({**told, COPIES: float(workers)}, at=sent)
        pause, waited = FIRST_LOOK, 0.0
        while waited < EVERY_SECONDS:
            await asyncio.sleep(pause)
            waited += pause
            if await _is_there(counter, producer.source, sent):
                canary.returned(sent, clock())
                break
            pause = min(2 * pause, LONGEST_LOOK)
        await asyncio.sleep(max(0.0, EVERY_SECONDS - waited))


async def _is_there(counter: Counter, subject: str, sent: int) -> bool:
    try:
        return bool(await counter.range("sample", subject, sent, sent, 1))
    except Unanswered:
        return False
