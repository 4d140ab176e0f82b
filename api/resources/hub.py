"""``/health``, ``/stats``, ``/rooms`` and ``/labels``: the hub itself."""

from __future__ import annotations

from typing import Any

from api.auth import Admitted
from api.health import overall
from api.resources.base import Request, Resource, Response, send
from api.views.hub import health, labels, rooms, stats


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
        send(resp, stats(hub.clock(), await hub.counter.statistics(), hub.live, hub.directory))


class RoomsResource(Resource):
    """The hub's programs with their newest numbers."""

    async def on_get(self, req: Request, resp: Response, **params: Any) -> None:
        send(resp, rooms(self.hub.live))


class LabelsResource(Resource):
    """The labels of hosts and services."""

    async def on_get(self, req: Request, resp: Response, **params: Any) -> None:
        send(resp, labels(self.hub.directory))
