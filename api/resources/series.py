"""Series in steps of time, of one host or several, and the hosts that are highest in a metric."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from api import cursor
from api.errors import not_found
from api.filters import MAX_METRIC, BadParameter, Query, matcher
from api.hub import Hub
from api.leaving import while_here
from api.resources.base import Request, Resource, Response, query_of, send, send_bytes
from api.turns import in_turns
from api.views.series import AGGREGATES, USUAL, fleet_bytes, series_bytes
from api.views.top import Highest, compared, matching, of_range, top
from bus.questions import MAX_POINTS, Series, SeriesText, SeriesTextAnswer
from bus.timing import HOUR

POINTS = 300
HOSTS, MOST_HOSTS = 20, 100
MOST_VALUES = 2_000_000
"""Numbers in an answer; a page of hosts ends earlier when it would have more."""
AT_ONCE = 8
"""Questions that one request has under way."""
TOP, MOST_TOP = 10, 1000
TOP_POINTS = 60
"""Steps that a range is read in for the highest of it."""
NOTHING = SeriesTextAnswer(0, "rows", 0.0, 0, 0, b'{"times":[],"series":[]}')
NEEDED = {"mean": ("mean", "count"), "min": ("min",), "max": ("max",), "last": ("last",)}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request for series asks of each host."""

    metrics: tuple[str, ...]
    start: int
    end: int
    points: int
    step: int | None
    aggregates: frozenset[str]

    def of(self, host: str) -> SeriesText:
        """The question for one host."""
        ordered = tuple(name for name in AGGREGATES if name in self.aggregates)
        return SeriesText(host, self.metrics, self.start, self.end, self.points, self.step, ordered)

    def at(self, start: int, end: int) -> Wanted:
        """The same between other times."""
        return Wanted(self.metrics, start, end, self.points, self.step, self.aggregates)


def wanted(query: Query, now: int) -> Wanted:
    """What the query asks for; raises ``BadParameter``."""
    start, end = query.span(HOUR, now)
    step = query.duration("step")
    if step is not None and query.text("points") is not None:
        raise BadParameter("step", "given together with points; expected one of them")
    points = query.limit("points", POINTS, MAX_POINTS, of="points")
    aggregates = query.words("agg", AGGREGATES, USUAL)
    metrics = query.globs("metric", longest=MAX_METRIC)
    if not metrics:
        raise BadParameter("metric", "missing; name one or more, as metric=cpu.percent&metric=disk[*].percent")
    return Wanted(metrics, start, end, points, step, aggregates)


async def answered(hub: Hub, question: SeriesText) -> SeriesTextAnswer:
    """The store's answer, of a range that ends before it begins nothing; raises ``BadParameter`` if it is too large."""
    if question.start > question.end:
        return NOTHING
    need_few(hub, question)
    return await hub.counter.series_text(question)


def need_few(hub: Hub, question: SeriesText) -> None:
    """Raise ``BadParameter`` when the answer would be too large."""
    steps = question.points if question.step is None else (question.end - question.start) // question.step + 1
    metrics = matching(hub.live, question.subject, question.metrics)
    if (count := metrics * min(steps, MAX_POINTS) * len(question.aggregates)) > MOST_VALUES:
        raise BadParameter(
            "metric", f"{metrics} match, which makes {count:,} numbers; at most {MOST_VALUES:,} an answer"
        )


class SeriesResource(Resource):
    """Some metrics of a host in steps of time, for charts."""

    async def on_get(self, req: Request, resp: Response, **params: Any) -> None:
        hub, name = self.hub, params["server_id"]
        want = wanted(query_of(req), hub.clock())
        hub.need_hosts()
        if not hub.knows(name):
            raise not_found(f"there is no host {name}")
        send_bytes(resp, series_bytes(name, want.start, want.end, await answered(hub, want.of(name))))


class FleetSeriesResource(Resource):
    """Some metrics of several hosts, a page of hosts at a time."""

    async def on_get(self, req: Request, resp: Response, **params: Any) -> None:
        query = query_of(req)
        want = wanted(query, self.hub.clock())
        limit = query.limit("limit", HOSTS, MOST_HOSTS, of="hosts")
        after = ""
        if (given := query.text("cursor")) is not None:
            # The page before had its own now: its times hold for the rest.
            start, end, host = cursor.read(given, (int, int, str))
            want, after = want.at(int(start), int(end)), str(host)
        self.hub.need_hosts()
        names = [name for name in _hosts(self.hub, query.globs("host")) if name > after]
        send_bytes(resp, await while_here(req, self._page(want, names, limit)))

    async def _page(self, want: Wanted, names: list[str], limit: int) -> bytes:
        servers: list[bytes] = []
        values = 0
        for name in names[:limit]:
            answer = await answered(self.hub, want.of(name))
            # What it has is known only now: its metrics may have been others then.
            values += answer.metrics * answer.points * len(want.aggregates)
            if servers and values > MOST_VALUES:
                break
            servers.append(series_bytes(name, want.start, want.end, answer))
        more = names[len(servers) :]
        follows = cursor.written(want.start, want.end, names[len(servers) - 1]) if more and servers else None
        return fleet_bytes(want.start, want.end, servers, follows)


class TopResource(Resource):
    """The hosts that are highest in a metric, now or over a range."""

    async def on_get(self, req: Request, resp: Response, **params: Any) -> None:
        hub, query = self.hub, query_of(req)
        metrics = query.globs("metric", longest=MAX_METRIC)
        if not metrics:
            raise BadParameter("metric", "missing; name one or more, as metric=cpu.percent")
        highest = Highest(query.limit("n", TOP, MOST_TOP), lowest=query.word("order", ("desc", "asc"), "desc") == "asc")
        now = hub.clock()
        end = query.time("end", now, now)
        start = query.moment("start", now)
        aggregate = query.word("agg", tuple(NEEDED), "mean" if start is not None else "last")
        if start is None and query.text("end") is not None:
            raise BadParameter("start", "missing beside end; without both the newest values are compared")
        if start is None and aggregate != "last":
            raise BadParameter("agg", f"{aggregate!r} needs a range; expected start beside it")
        hub.need_hosts()
        names = _hosts(hub, query.globs("host"))
        if start is None:
            work = compared(highest, hub.present, names, metrics)
            await while_here(req, in_turns(work))
        elif start <= end:
            await while_here(req, self._over_range(highest, names, metrics, start, end, aggregate))
        send(resp, top(hub.directory, start, end, aggregate, len(names), highest))

    async def _over_range(
        self, highest: Highest, names: list[str], metrics: tuple[str, ...], start: int, end: int, aggregate: str
    ) -> None:
        waiting = iter(names)

        async def ask_on() -> None:
            for name in waiting:
                question = Series(name, metrics, start, end, TOP_POINTS, None, NEEDED[aggregate])
                highest.offer(of_range(name, await self.hub.counter.series(question), aggregate))

        tasks = [asyncio.ensure_future(ask_on()) for _ in range(AT_ONCE)]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()


def _hosts(hub: Hub, globs: tuple[str, ...]) -> list[str]:
    """All hosts that match, by name: a page's end must mean the same on the next one."""
    fits = matcher(globs)
    return sorted(name for name in hub.directory.host_names(hub.live.hosts) if fits(name))
