"""``/services`` and below: services, their checks and their uptime."""

from __future__ import annotations

import asyncio
from typing import Any

from api.counter import Counter
from api.encoding import SECOND, to_time
from api.resources.base import Request, Resource, Response, query_of, send
from api.shapes import ServiceChecks
from api.told import Told, stored
from api.views.services import check_row, is_told, services, uptime
from bus.messages import Check, is_name
from bus.questions import MAX_RECORDS
from bus.wire import Malformed

DAY = 24 * 3600 * SECOND
MOST_CHECKS = 10_000
MOST_COUNTED = 200_000
"""Checks that an uptime is counted over at most: four months at one a minute."""


class ServicesResource(Resource):
    """All services with their last check."""

    async def on_get(self, req: Request, resp: Response, **params: Any) -> None:
        hub = self.hub
        hub.need_hosts()
        send(resp, services(hub.clock(), hub.live, hub.directory, hub.limits))


class Checks(Resource):
    """A service's checks between two times; an unknown service has none."""

    async def on_get(self, req: Request, resp: Response, **params: Any) -> None:
        query, name = query_of(req), params["name"]
        end = query.time("end", self.hub.clock())
        start = query.time("start", max(0, end - DAY))
        limit = query.limit("limit", MOST_CHECKS, MOST_CHECKS)
        found = await checks_between(self.hub.counter, name, start, end, limit)
        rows = [check_row(told, check) for told, check in found if is_told(check)]
        answer: ServiceChecks = {
            "service_name": name,
            "start": to_time(start),
            "end": to_time(end),
            "count": len(rows),
            "checks": rows,
        }
        send(resp, answer)


class UptimeResource(Resource):
    """The share of good checks since a time."""

    async def on_get(self, req: Request, resp: Response, **params: Any) -> None:
        name, now = params["name"], self.hub.clock()
        since = query_of(req).time("since", max(0, now - DAY))
        found = await checks_between(self.hub.counter, name, since, now, MOST_COUNTED)
        send(resp, uptime(name, since, now, [check for _, check in found]))


async def checks_between(counter: Counter, name: str, start: int, end: int, most: int) -> list[tuple[Told, Check]]:
    """The newest ``most`` checks between the times, oldest first, however many answers they take."""
    pages: list[list[tuple[Told, Check]]] = []
    count = 0
    while is_name(name) and start <= end and count < most:
        wanted = min(MAX_RECORDS, most - count)
        records = await counter.range("check", name, start, end, wanted)
        page = []
        for record in records:
            try:
                told = stored(record.record, record.received)
                page.append((told, told.message()))
            except Malformed:
                continue
        pages.append(page)
        count += len(records)
        if len(records) < wanted or not page:
            break
        end = page[0][0].at - 1
        await asyncio.sleep(0)
    return [row for page in reversed(pages) for row in page]
