"""What all resources share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import falcon
import falcon.asgi

from api.auth import Scope
from api.encoding import to_json
from api.filters import Query
from api.hub import Hub

Request = falcon.asgi.Request
Response = falcon.asgi.Response


class Resource(ABC):
    """A path's GET and HEAD. ``scope`` is what its token must have; ``open`` lets everybody in."""

    scope: ClassVar[Scope] = "read"
    open: ClassVar[bool] = False
    page: ClassVar[bool] = False

    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    @abstractmethod
    async def on_get(self, req: Request, resp: Response, **params: Any) -> None:
        """Answer."""

    async def on_head(self, req: Request, resp: Response, **params: Any) -> None:
        """As GET; Falcon leaves the body out."""
        await self.on_get(req, resp, **params)


def query_of(req: Request) -> Query:
    """The parameters of the request."""
    return Query(req.query_string)


def send(resp: Response, answer: object) -> None:
    """Answer with a shape."""
    send_text(resp, to_json(answer))


def send_text(resp: Response, text: str) -> None:
    """Answer with JSON that is text already."""
    resp.content_type = falcon.MEDIA_JSON
    resp.data = text.encode()
