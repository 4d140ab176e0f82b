"""``/sla``: what services kept of months."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from api import cursor
from api.availability import kept
from api.filters import BadParameter, Query, matcher
from api.leaving import while_here
from api.past_shapes import AvailabilityRow, Sla
from api.resources.base import Request, Resource, Response, query_of, send
from api.views.sla import row
from bus import calendar

ROWS, MOST_ROWS = 50, 200
MOST_MONTHS = 60


@dataclass(frozen=True, slots=True)
class Period:
    """A month, or a range that was given; ``end`` is not part of it."""

    name: str
    start: int
    end: int


class SlaResource(Resource):
    """Rows of services and months, the services by name."""

    async def on_get(self, req: Request, resp: Response, **params: Any) -> None:
        hub, query = self.hub, query_of(req)
        zone = query.text("zone") or "UTC"
        if not calendar.is_zone(zone):
            raise BadParameter("zone", f"{zone[:40]!r} is no time zone such as UTC or Europe/Berlin")
        periods = periods_of(query, zone, hub.clock())
        limit = query.limit("limit", ROWS, MOST_ROWS, of="rows")
        after: tuple[str, int, int] = ("", -1, -1)
        if (given := query.text("cursor")) is not None:
            service, period, now = cursor.read(given, (str, int, int))
            after = (str(service), int(period), int(now))
        hub.need_hosts()
        # A page's end is the time of the first one, so that the rows of all pages go together.
        now = after[2] if after[2] >= 0 else hub.clock()
        fits = matcher(query.globs("service"))
        names = sorted(name for name in hub.directory.service_names(hub.live.checks) if fits(name))
        wanted = [
            (name, number)
            for name in names
            for number in range(len(periods))
            if (name, number) > (after[0], after[1]) and name >= after[0]
        ]
        rows = await while_here(req, self._rows(wanted[:limit], periods, now))
        follows = cursor.written(*wanted[limit - 1], now) if len(wanted) > limit else None
        answer: Sla = {"zone": zone, "count": len(rows), "rows": rows, "next": follows}
        send(resp, answer)

    async def _rows(self, wanted: list[tuple[str, int]], periods: list[Period], now: int) -> list[AvailabilityRow]:
        hub, rows = self.hub, []
        for name, number in wanted:
            period = periods[number]
            end = max(period.start, min(period.end, now))
            rows.append(row(await kept(hub.counter, hub.directory, name, period.name, period.start, end)))
        return rows


def periods_of(query: Query, zone: str, now: int) -> list[Period]:
    """The months that are named, or the range, or this month; raises ``BadParameter``."""
    months = query.texts("month", MOST_MONTHS)
    start, end = query.moment("start", now), query.moment("end", now)
    if start is not None or end is not None:
        if months:
            raise BadParameter("month", "given together with start or end; expected one of them")
        if start is None:
            raise BadParameter("start", "missing beside end")
        return [Period("range", start, now if end is None else end)]
    try:
        return [Period(one, *calendar.month(one, zone)) for one in months or (calendar.month_of(now, zone),)]
    except ValueError as error:
        raise BadParameter("month", str(error)) from None
