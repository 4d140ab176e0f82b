"""``/stream``: events as they happen, over WebSocket."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import falcon
import falcon.asgi

from api.auth import Admitted, Refused, Verdict, bearer, misled, same_origin
from api.cors import allowed_origins
from api.errors import CLOSED, SINK, problem_of
from api.fanout import SLOW, SLOW_REASON, Sink, Wish
from api.filters import BadParameter, Query
from api.hub import Hub
from api.middleware import access_line, cookie_of
from api.views.events import USUAL, WORDS, Place, parse_place

log = logging.getLogger("guardia.api")

AUTH_SECONDS = 5.0
AGAIN_SECONDS = 30.0
"""Within this time a token that was revoked or has expired ends the streams it opened."""
PIECE_SECONDS = 0.002
"""What was missed is made in pieces of so long: thousands of events take seconds, in which nobody else is answered."""
ROOM_SECONDS = 0.05
"""Until it is looked again whether a client has taken what was missed so far."""
FULL = 4429
MOST_SUBJECTS = 1000


class Guest(Sink, Protocol):
    """A client's connection, which makes room for others, if need be, until he is known."""

    def welcome(self) -> None:
        """He is, and may stay."""
        ...


class Stream:
    """A client's whole visit: who is it, what does it want, then events until one of both leaves."""

    open = True

    def __init__(self, hub: Hub, *, auth_seconds: float = AUTH_SECONDS, again_seconds: float = AGAIN_SECONDS) -> None:
        self.hub = hub
        self._auth_seconds = auth_seconds
        self._again_seconds = again_seconds

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Say what this is to those who come without a WebSocket."""
        raise falcon.HTTPError(426, title="this is a WebSocket", headers={"Upgrade": "websocket"})

    async def on_websocket(self, req: falcon.asgi.Request, ws: falcon.asgi.WebSocket) -> None:
        """Serve one client."""
        await ws.accept()
        sink: Guest = req.scope["extensions"][SINK]["sink"]
        query = Query(req.query_string)
        token, verdict = await self._who(req, ws, query)
        req.context.verdict = verdict
        if isinstance(verdict, Refused):
            sink.drop(CLOSED[429 if verdict.status == 429 else 401], verdict.text)
        elif self.hub.fanout.clients >= self.hub.config.stream_clients:
            sink.drop(FULL, f"{self.hub.config.stream_clients} clients listen already")
        else:
            sink.welcome()
            await self._serve(ws, sink, query, token)
        if self.hub.config.access_log:
            log.info("%s", access_line(req, 101))
        await _until_gone(ws)

    async def _serve(self, ws: falcon.asgi.WebSocket, sink: Sink, query: Query, token: str | None) -> None:
        try:
            wish, after = wish_of(query)
        except BadParameter as fault:
            sink.drop(CLOSED[problem_of(fault).status], str(fault))
            return
        try:
            if after is not None:
                self.hub.fanout.expect(sink)
                missed = self.hub.fanout.missed(wish, after, self.hub.clock())
                if not await self._caught_up(ws, sink, missed):
                    return
            self.hub.fanout.join(wish, sink)
            while not await _gone(ws, self._again_seconds):
                verdict = self.hub.keyring().judge(token, self.hub.clock())
                if isinstance(verdict, Refused):
                    sink.drop(CLOSED[401], verdict.text)
                    return
        finally:
            self.hub.fanout.leave(sink)

    async def _caught_up(self, ws: falcon.asgi.WebSocket, sink: Sink, missed: Iterator[bytes | None]) -> bool:
        """Tell what was missed, in pieces between which others get their turn; False when the client left or was told
        to. One that takes it slowly is waited for.
        """
        began = time.monotonic()
        while True:
            piece, whole = piece_of(missed)
            if piece:
                sink.write(piece)
            if whole:
                return True
            if await _gone(ws, 0):
                return False
            while sink.unread() > self.hub.fanout.room // 2:
                if time.monotonic() - began > self._again_seconds:
                    self.hub.fanout.dropped += 1
                    sink.drop(SLOW, SLOW_REASON.format(sink.unread()))
                    return False
                if await _gone(ws, ROOM_SECONDS):
                    return False

    async def _who(
        self, req: falcon.asgi.Request, ws: falcon.asgi.WebSocket, query: Query
    ) -> tuple[str | None, Verdict]:
        keyring = self.hub.keyring()
        if keyring.tokens is None and (refused := misled(req.get_header("Host"), self.hub.config.names)):
            return None, refused
        token = bearer(req.get_header("Authorization")) or query.text("token")
        origin = req.get_header("Origin")
        ours = same_origin(origin, req.get_header("Host"), allowed_origins(self.hub.config))
        if token is None and ours:
            token = cookie_of(req)
        if keyring.tokens is None and not ours:
            return None, Refused(403, "origin", f"pages of {(origin or '')[:60]} may not listen")
        verdict = self.hub.admit(token, req.remote_addr)
        if isinstance(verdict, Admitted) or token is not None:
            return token, verdict
        try:
            async with asyncio.timeout(self._auth_seconds):
                token = _token_in(await ws.receive_text())
        except (TimeoutError, falcon.PayloadTypeError):
            return None, verdict
        return token, self.hub.admit(token, req.remote_addr)


def piece_of(frames: Iterator[bytes | None], clock: Callable[[], float] = time.perf_counter) -> tuple[bytes, bool]:
    """What comes of ``frames`` within a short time, and whether that is all there is now."""
    until, found = clock() + PIECE_SECONDS, list[bytes]()
    for frame in frames:
        if frame is None:
            return b"".join(found), True
        found.append(frame)
        if clock() > until:
            break
    return b"".join(found), False


def wish_of(query: Query) -> tuple[Wish, Place | None]:
    """What the client asks to hear, and after which event."""
    kinds = query.words("kinds", WORDS, USUAL)
    subjects = query.globs("subjects", most=MOST_SUBJECTS, commas=True)
    text = query.text("after")
    after = parse_place(text) if text else None
    if text and after is None:
        raise BadParameter("after", f"{text[:40]!r} is no event's id")
    return Wish(kinds, subjects, query.flag("values")), after


def _token_in(text: str) -> str | None:
    """The token in a first message, which may be anybody's: it is no message of ours, nested or not."""
    try:
        message: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if isinstance(message, dict) and message.get("type") == "auth" and isinstance(message.get("token"), str):
        return str(message["token"])
    return None


async def _gone(ws: falcon.asgi.WebSocket, seconds: float) -> bool:
    """Whether the client left within this time."""
    try:
        async with asyncio.timeout(seconds):
            await _until_gone(ws)
    except TimeoutError:
        return False
    return True


async def _until_gone(ws: falcon.asgi.WebSocket) -> None:
    """Let clients say what they like: nothing of it is listened to, only their leaving."""
    while True:
        try:
            await ws.receive_text()
        except falcon.WebSocketDisconnected:
            return
        except falcon.PayloadTypeError:
            continue
