"""``/services`` and below: services, their checks and their uptime."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from api.counter import Counter
from api.encoding import to_time
from api.errors import Problem
from api.filters import BadParameter
from api.leaving import while_here
from api.received import Told, decoded
from api.resources.base import Request, Resource, Response, query_of, send
from api.service_shapes import Reported, ServiceChecks
from api.turns import in_chunks
from api.views.services import check_row, is_told, services, uptime
from bus.faults import did_you_mean
from bus.messages import Check, is_name
from bus.messages import Heartbeat as Beat
from bus.questions import MAX_RECORDS, Unanswered
from bus.timing import SECOND

DAY = 24 * 3600 * SECOND
MOST_CHECKS = 10_000
MOST_COUNTED = 200_000
"""Checks that an uptime is counted over at most: four months at one a minute."""
MOST_TEXT = 400
FIRST_LOOK, STORED_SECONDS = 0.02, 5.0
AGAIN = {"Retry-After": "5"}


class ServicesResource(Resource):
    """All services with their last check."""

    async def on_get(self, req: Request, resp: Response, **params: Any) -> None:
        hub = self.hub
        hub.need_hosts()
        send(resp, services(hub.present))


class Checks(Resource):
    """A service's checks between two times; an unknown service has none."""

    async def on_get(self, req: Request, resp: Response, **params: Any) -> None:
        query, name = query_of(req), params["name"]
        start, end = query.span(DAY, self.hub.clock())
        limit = query.limit("limit", MOST_CHECKS, MOST_CHECKS)
        found = await while_here(req, checks_between(self.hub.counter, name, start, end, limit))
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
        since = query_of(req).time("since", max(0, now - DAY), now)
        work = checks_between(self.hub.counter, name, since, now, MOST_COUNTED, turn=self.hub.counting)
        found = await while_here(req, work)
        # Of 200,000 checks it takes a second, in which others are answered.
        counted = await asyncio.to_thread(uptime, name, since, now, found, self.hub.directory.interval(name))
        send(resp, counted)


class Heartbeat(Resource):
    """A job reports that it ran. Both GET and POST do, since jobs have what they have: ``curl -fsS URL``.

    It answers once the report is on the disk: a job that got no answer reports again.
    """

    scope = "heartbeat"
    writes = "heartbeat"
    acts = True

    async def on_get(self, req: Request, resp: Response, **params: Any) -> None:
        query, name, hub = query_of(req), params["name"], self.hub
        if name not in hub.directory.jobs:
            near = did_you_mean(name, hub.directory.jobs)
            raise Problem(404, "unknown_job", f"no service {name} is checked by heartbeat; {near}".rstrip("; "))
        status, text = query.text("status") or "up", query.text("text") or ""
        if status not in Beat.STATUSES:
            raise BadParameter("status", f"{status[:40]!r}, expected up or down")
        at = hub.clock()
        told = hub.voice is not None and hub.voice.tell(Beat(status, text[:MOST_TEXT]), at=at, subject=name)
        if not told or not await self._stored(name, at):
            raise Problem(503, "not_stored", "the report is not on the disk yet: send it again", headers=AGAIN)
        answer: Reported = {"service_name": name, "timestamp": to_time(at), "status": status}
        send(resp, answer)

    async def on_post(self, req: Request, resp: Response, **params: Any) -> None:
        """As GET; a body is not looked at."""
        await self.on_get(req, resp, **params)

    async def on_head(self, req: Request, resp: Response, **params: Any) -> None:
        """Whoever only looks reports nothing."""
        raise Problem(405, "method_not_allowed", "allowed here: GET, POST", headers={"Allow": "GET, POST, OPTIONS"})

    async def _stored(self, name: str, at: int) -> bool:
        waited, pause = 0.0, FIRST_LOOK
        while waited < STORED_SECONDS:
            await asyncio.sleep(pause)
            waited += pause
            try:
                if await self.hub.counter.range("heartbeat", name, at, at, 1):
                    return True
            except Unanswered:
                continue
            finally:
                pause = min(2 * pause, 0.5)
        return False


async def checks_between(
    counter: Counter, name: str, start: int, end: int, most: int, *, turn: asyncio.Lock | None = None
) -> list[tuple[Told, Check]]:
    """The newest ``most`` checks between the times, oldest first, however many answers they take.

    Whoever takes more than one waits for his ``turn``: a hundred thousand checks are 100 MB.
    """
    pages: list[list[tuple[Told, Check]]] = []
    count = 0
    async with contextlib.AsyncExitStack() as stack:
        while is_name(name) and start <= end and count < most:
            if turn is not None and len(pages) == 1:
                await stack.enter_async_context(turn)
            wanted = min(MAX_RECORDS, most - count)
            records = await counter.range("check", name, start, end, wanted)
            page: list[tuple[Told, Check]] = []
            async for chunk in in_chunks(records):
                page += decoded(chunk)
            pages.append(page)
            count += len(records)
            if len(records) < wanted or not page:
                break
            end = page[0][0].at - 1
    return [row for page in reversed(pages) for row in page]
