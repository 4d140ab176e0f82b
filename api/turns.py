"""Long work of a worker, between whose steps others get their turn."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Generator, Sequence
from typing import TypeVar

T = TypeVar("T")

TURN_SECONDS = 0.005
CHUNK = 100
"""Records that take about as long to decode."""


async def in_turns(work: Generator[None, None, T], seconds: float = TURN_SECONDS) -> T:
    """What ``work`` returns, done with a pause after each few milliseconds, in which others are answered."""
    until = time.perf_counter() + seconds
    while True:
        try:
            next(work)
        except StopIteration as end:
            found: T = end.value
            return found
        if time.perf_counter() > until:
            await asyncio.sleep(0)
            until = time.perf_counter() + seconds


async def in_chunks(records: Sequence[T]) -> AsyncIterator[Sequence[T]]:
    """The records, a hundred at a time, with a pause after each hundred."""
    for at in range(0, len(records), CHUNK):
        yield records[at : at + CHUNK]
        await asyncio.sleep(0)
