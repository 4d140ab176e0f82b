"""What all resources share."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, TypeVar

import falcon
import falcon.asgi

from api.auth import Admitted, Scope
from api.bodies import read_body
from api.encoding import to_bytes
from api.errors import Problem, too_large
from api.filters import Query
from api.hub import Hub
from bus.fields import Unfit

T = TypeVar("T")

Request = falcon.asgi.Request
Response = falcon.asgi.Response


class Resource:
    """A path's GET and HEAD. ``scope`` is what its token must have; ``open`` lets everybody in.

    A resource that also takes writes has ``on_post`` or ``on_delete``, for which ``writes`` is the scope.
    """

    scope: ClassVar[Scope] = "read"
    writes: ClassVar[Scope] = "ack"
    open: ClassVar[bool] = False
    page: ClassVar[bool] = False
    policy: ClassVar[str] = ""
    """The Content-Security-Policy of a page, where it is not that of all."""
    acts: ClassVar[bool] = False
    """Whether even its GET changes something, so that no page of another origin may ask it."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    async def on_get(self, req: Request, resp: Response, **params: Any) -> None:
        """Answer; what takes writes alone leaves this to say so."""
        writes = ", ".join(method for method in ("POST", "DELETE") if hasattr(self, f"on_{method.lower()}"))
        raise Problem(405, "method_not_allowed", f"allowed here: {writes}", headers={"Allow": f"{writes}, OPTIONS"})

    async def on_head(self, req: Request, resp: Response, **params: Any) -> None:
        """As GET; Falcon leaves the body out."""
        await self.on_get(req, resp, **params)

    async def body_of(self, req: Request, shape: type[T]) -> T:
        """The body of a writing request; raises ``Problem``."""
        return await self.body_as(req, partial(read_body, shape))

    async def body_as(self, req: Request, read: Callable[[bytes], T]) -> T:
        """What ``read`` makes of the body of a request, or raises ``Unfit`` about; raises ``Problem``.

        A page of another site can send text or a form without asking, but no JSON: that is why it has to say so.
        """
        kind = (req.content_type or "").partition(";")[0].strip().lower()
        if kind != falcon.MEDIA_JSON:
            raise Problem(415, "not_json", "send the body as Content-Type: application/json")
        most = self.hub.config.body_bytes
        data = await req.stream.read(most + 1)  # one that comes in chunks has not said how long it is
        if len(data) > most:
            raise too_large(most)
        try:
            return read(data)
        except Unfit as fault:
            place = str(fault).partition(":")[0].removeprefix("body").lstrip(".")
            raise Problem(400, "bad_body", str(fault), parameter=place or "body") from None


def query_of(req: Request) -> Query:
    """The parameters of the request."""
    return Query(req.query_string)


def who(req: Request, named: str | None) -> str:
    """Under which name a write is done: the token's, else the one given, else ``api``."""
    verdict = req.context.verdict
    return (isinstance(verdict, Admitted) and verdict.name) or named or "api"


def send(resp: Response, answer: object) -> None:
    """Answer with a shape."""
    send_bytes(resp, to_bytes(answer))


def send_text(resp: Response, text: str) -> None:
    """Answer with JSON that is text already."""
    send_bytes(resp, text.encode())


def send_bytes(resp: Response, data: bytes) -> None:
    """Answer with JSON that is bytes already."""
    resp.content_type = falcon.MEDIA_JSON
    resp.data = data
