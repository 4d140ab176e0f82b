"""``/health``, ``/stats``, ``/rooms`` and ``/labels``: the hub itself."""

from __future__ import annotations

import asyncio
from typing import Any

from api.auth import Admitted
from api.health import overall
from api.judge import AlerterAway
from api.live import BURNING
from api.resources.base import Request, Resource, Response, send
from api.views.hub import health, labels, rooms, stats
from bus.judging import Alarms


class HealthResource(Resource):
    """Whether the parts of the hub work; reasons only for those with a token."""

    open = True

    async def on_get(self, req: Request, resp: Response, **params: Any) -> None:
        parts = await self.hub.health()
        if overall(parts) == "down":
            resp.status = 503
        send(resp, health(self.hub.clock(), parts, detailed=isinstance(req.context.verdict, Admitted)))


class StatsResource(Resource):
    """Counts of what is stored and watched."""

    async def on_get(self, req: Request, resp: Response, **params: Any) -> None:
        hub = self.hub
        store, burning = await asyncio.gather(hub.counter.statistics(), self._burning())
        send(resp, stats(hub.clock(), store, hub.live, hub.directory, burning))

    async def _burning(self) -> int:
        """How many alarms burn; as far as it was heard of while there is no alerter to ask."""
        try:
            found = await self.hub.judge.answer(Alarms())
        except AlerterAway:
            return self.hub.live.firing()
        self.hub.live.burning = {one.incident for one in found.alarms if one.state in BURNING}
        return self.hub.live.firing()


class RoomsResource(Resource):
    """The hub's programs with their newest numbers."""

    async def on_get(self, req: Request, resp: Response, **params: Any) -> None:
        send(resp, rooms(self.hub.live))


class LabelsResource(Resource):
    """The labels of hosts and services."""

    async def on_get(self, req: Request, resp: Response, **params: Any) -> None:
        send(resp, labels(self.hub.directory))
