"""Work for a client that may go: it ends when the client does.

A question that was put to the store is answered there in any case, and is small; what is ended here is asking on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import falcon.asgi

from api.errors import Problem

T = TypeVar("T")
GONE = 499
"""The status for the log of a request whose client did not wait; nobody gets it."""
_RECEIVE = "guardia.receive"


class App(falcon.asgi.App[Any, Any]):
    """An application whose resources can hear that the client has gone."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # type: ignore[override]
        """Serve, as ASGI says."""
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        scope[_RECEIVE] = receive
        try:
            await super().__call__(scope, receive, send)
        finally:
            del scope[_RECEIVE]  # which holds the scope


async def while_here(req: falcon.asgi.Request, work: Coroutine[Any, Any, T]) -> T:
    """The result of ``work``, which is ended when the client of a request without a body goes first.

    Raises ``Problem`` then, for the log.
    """
    task = asyncio.ensure_future(work)
    watch = asyncio.ensure_future(_gone(req.scope.get(_RECEIVE)))
    try:
        await asyncio.wait({task, watch}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise Problem(GONE, "client_gone", "the client has gone")
        return task.result()
    finally:
        for one in (task, watch):
            one.cancel()
        await asyncio.gather(task, watch, return_exceptions=True)


async def _gone(receive: Any) -> None:
    """Return when the client has gone."""
    while receive is not None and (await receive())["type"] != "http.disconnect":
        pass
    if receive is None:
        await asyncio.Event().wait()
