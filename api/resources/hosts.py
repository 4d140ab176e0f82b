"""``/servers`` and below: hosts, their newest readings and their history."""

from __future__ import annotations

import contextlib
from typing import Any

from api.encoding import to_json, to_time
from api.errors import not_found
from api.leaving import while_here
from api.received import decoded
from api.resources.base import Request, Resource, Response, query_of, send_text
from api.turns import in_chunks, in_turns
from api.views.hosts import detail_text, servers_text
from api.views.rows import row_texts
from bus.messages import is_name
from bus.questions import Stored
from bus.timing import HOUR

END_OF_TIME = 2**63 - 1
ROWS, MOST_ROWS = 1000, 10_000
LATEST, MOST_LATEST = 100, 1000


class Servers(Resource):
    """All hosts with their newest reading."""

    async def on_get(self, req: Request, resp: Response, **params: Any) -> None:
        self.hub.need_hosts()
        send_text(resp, await in_turns(servers_text(self.hub.present)))


class Server(Resource):
    """One host with everything that is known of it now."""

    async def on_get(self, req: Request, resp: Response, **params: Any) -> None:
        hub, name = self.hub, params["server_id"]
        hub.need_hosts()
        if not hub.knows(name):
            raise not_found(f"there is no host {name}")
        send_text(resp, detail_text(hub.present, name))


class History(Resource):
    """Rows of a host's past; an unknown host has none."""

    async def rows(self, name: str, start: int, end: int, limit: int) -> list[str]:
        """The newest ``limit`` rows between the times, oldest first, each as JSON."""
        if not is_name(name) or limit == 0 or start > end:
            return []
        async with self.hub.counting if limit > ROWS else contextlib.nullcontext():  # of 10,000 it are 30 MB and more
            return await self._texts(name, await self.hub.counter.range("sample", name, start, end, limit))

    async def _texts(self, name: str, records: tuple[Stored, ...]) -> list[str]:
        live, display = self.hub.live, self.hub.directory.display(name)
        host = live.hosts.get(name)
        facts = host.facts if host else None
        rows: list[str] = []
        async for chunk in in_chunks(records):
            found = decoded(chunk)
            wanted = {sample.layout for _, sample in found}
            layouts = {one: live.layouts[one] for one in wanted & live.layouts.keys()}
            if unknown := wanted - layouts.keys():
                asked = await self.hub.counter.layouts(unknown)
                live.learn(asked)
                layouts |= asked
            rows += row_texts(name, display, facts, found, layouts)
        return rows


class Metrics(History):
    """Rows between two times."""

    async def on_get(self, req: Request, resp: Response, **params: Any) -> None:
        query, name = query_of(req), params["server_id"]
        start, end = query.span(HOUR, self.hub.clock())
        limit = query.limit("limit", ROWS, MOST_ROWS)
        rows = await while_here(req, self.rows(name, start, end, limit))
        head = to_json({"server_id": name, "start": to_time(start), "end": to_time(end), "count": len(rows)})
        send_text(resp, f'{head[:-1]},"metrics":[{",".join(rows)}]}}')


class Latest(History):
    """The newest rows."""

    def _newest(self, name: str) -> int:
        """The time of the newest row: what a clock told that was ahead and was set back since is of a time to come."""
        host = self.hub.live.hosts.get(name)
        return max(self.hub.clock(), host.newest.at) if host and host.newest else END_OF_TIME

    async def on_get(self, req: Request, resp: Response, **params: Any) -> None:
        name = params["server_id"]
        limit = query_of(req).limit("limit", LATEST, MOST_LATEST)
        rows = await while_here(req, self.rows(name, 0, self._newest(name), limit))
        head = to_json({"server_id": name, "count": len(rows)})
        send_text(resp, f'{head[:-1]},"metrics":[{",".join(rows)}]}}')
