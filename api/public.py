"""The services that anybody may see, and what they kept of each of the last days."""

from __future__ import annotations

import logging

from api.availability import kept
from api.hub import Hub
from api.service_shapes import ServiceInfo
from api.views.services import services
from api.views.status import public
from bus.questions import Unanswered

PUBLIC_SECONDS = 1.0
"""Whoever asks, and at any pace: so often is it found out anew how they are."""

log = logging.getLogger("guardia.api")


def public_services(hub: Hub) -> list[ServiceInfo]:
    """Those that anybody may see, as of the last second; raises ``Unanswered`` while not all are known."""
    hub.need_hosts()
    at = hub.monotonic()
    until, found = hub.public
    if at >= until:
        every = services(hub.present)["services"]
        found = public(every, hub.status_page)
        hub.public = at + PUBLIC_SECONDS, found
    return found


async def learn_day(hub: Hub) -> bool:
    """Ask for the day that is due; whether there was one. Raises nothing that is foreseen."""
    try:
        names = [row["name"] for row in public_services(hub)]
    except Unanswered:
        return False
    day = hub.daily.next(names, hub.clock(), hub.monotonic())
    if day is None:
        return False
    found = None
    try:
        found = await kept(hub.counter, hub.directory, day.service, day.date, day.start, day.end)
    except Unanswered as failure:
        log.debug("%s of %s is not known: %s", day.date, day.service, failure)
    hub.daily.asked(day, hub.monotonic(), found)
    return True
