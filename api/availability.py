"""What a service kept of a time, asked of the store in pieces."""

from __future__ import annotations

from collections import deque

from api.counter import Counter
from api.directory import Directory
from bus import availability
from bus.availability import Kept
from bus.questions import Unanswered
from bus.timing import HOUR

LONG = 366 * 24 * HOUR
"""Of a longer time it is looked up when there was a check first."""


async def kept(counter: Counter, directory: Directory, name: str, period: str, start: int, end: int) -> Kept:
    """What the service ``name`` kept from ``start`` to ``end`` (ns), which is called ``period``.

    Raises ``Unanswered``.
    """
    found = availability.kept(name, period, start, end)
    service = directory.services.get(name)
    first = 0
    if end - start > LONG:  # all that there ever was, as start=0, is half a century
        first = next((one.first_at for one in await counter.subjects("check") if one.subject == name), end)
    pieces = deque(availability.questions(name, service, directory.maintenance, start, end, first=first))
    while pieces:
        question = pieces.popleft()
        try:
            found = availability.added(found, await counter.availability(question))
        except Unanswered as failure:
            pieces.extendleft(reversed(availability.halves(question, failure)))
    return found
