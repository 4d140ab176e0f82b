"""What a service kept of a time, asked of the store in pieces."""

from __future__ import annotations

from api.counter import Counter
from api.directory import Directory
from bus import availability
from bus.availability import Kept


async def kept(counter: Counter, directory: Directory, name: str, period: str, start: int, end: int) -> Kept:
    """What the service ``name`` kept from ``start`` to ``end`` (ns), which is called ``period``.

    Raises ``Unanswered``.
    """
    found = availability.kept(name, period, start, end)
    service = directory.services.get(name)
    for question in availability.questions(name, service, directory.maintenance, start, end):
        found = availability.added(found, await counter.availability(question))
    return found
