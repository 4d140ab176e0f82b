"""The stream of events by WebSocket: connects, listens, and comes back when it is lost. Runs in a thread."""

from __future__ import annotations

import logging
import random
import ssl
import threading
import time
from collections.abc import Callable
from urllib.parse import urlencode, urlsplit, urlunsplit

from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from bus.harmless import safe
from bus.hub_api import UNSIGNED
from bus.hubs import LOOPBACK
from bus.reasons import address, reason
from bus.secret import Secret
from bus.timing import backoff
from viewer import parse
from viewer.events import Event, LinkState, LinkTold

KINDS = "metric,facts,service_check,alert,gap"
FIRST, LONGEST = 0.5, 10.0
"""Seconds between attempts: the shortest and the longest wait."""
OFFLINE_AFTER = 5
"""Failed attempts after which the hub is called offline."""
REFUSALS = frozenset({401, 403, 4401, 4403})
"""Status of HTTP and codes of WebSocket that no other attempt will change soon."""
PATIENCE = 10.0
"""Seconds without an answer to a ping after which the connection is given up."""
_MUTE = logging.Logger("stream", logging.CRITICAL)
"""For the library, whose errors would stand across the picture: why a connection ended is told by an event."""


class Stream(threading.Thread):
    """Hands every event to ``tell``; ``LinkTold`` says how the connection is. ``broke`` gets its bugs."""

    def __init__(
        self,
        url: str,
        token: Secret | None,
        tell: Callable[[Event], None],
        *,
        broke: Callable[[Exception], None],
        clock: Callable[[], float] = time.time,
        chance: Callable[[], float] = random.random,
        ca: str = "",
        rest: Callable[[], None] = lambda: None,
        patience: float = PATIENCE,
    ) -> None:
        super().__init__(name="stream", daemon=True)
        self._url = url
        self._address = address(url)
        self._token = token
        self._ca = ca
        self._rest = rest
        self._patience = patience
        self._tell = tell
        self._broke = broke
        self._clock = clock
        self._chance = chance
        self._over = threading.Event()
        self._wake = threading.Event()
        self._last: str | None = None
        self._connection: ClientConnection | None = None

    def run(self) -> None:
        """Listen until ``close``."""
        try:
            self._run()
        except Exception as error:
            self._broke(error)

    def _run(self) -> None:
        failures = 0
        while not self._over.is_set():
            try:
                self._listen()
                failures, why = 0, f"{self._address} closed the stream"
            except ConnectionClosed as error:
                failures, why = 0, self._closed(error)
                if error.rcvd is not None and error.rcvd.code in REFUSALS:
                    failures = OFFLINE_AFTER
            except (
                WebSocketException,
                OSError,
                ValueError,
                ImportError,
            ) as error:  # a SOCKS proxy takes a package more
                why = self._failed(error)
                if isinstance(error, InvalidStatus) and error.response.status_code in REFUSALS:
                    failures = max(failures, OFFLINE_AFTER)
            failures += 1
            if not self._over.is_set():
                self._wait(failures, why)

    def hurry(self) -> None:
        """Try again now, if it is waiting to."""
        self._wake.set()

    def close(self) -> None:
        """End; does not wait for it."""
        self._over.set()
        self._wake.set()
        connection = self._connection
        if connection is not None:
            threading.Thread(target=connection.close, daemon=True).start()

    def _listen(self) -> None:
        loopback = urlsplit(self._url).hostname in LOOPBACK
        secure = self._ca and self._url.startswith("https:")
        with connect(
            stream_url(self._url, self._last),
            additional_headers={"Authorization": f"Bearer {self._token.reveal()}"} if self._token else {},
            user_agent_header="guardia-viewer",
            compression=None if loopback else "deflate",
            proxy=None if loopback else True,
            ssl=ssl.create_default_context(cafile=self._ca) if secure else None,
            open_timeout=5,
            close_timeout=1,
            ping_interval=self._patience / 2,
            ping_timeout=self._patience,
            logger=_MUTE,
            max_size=4_000_000,
        ) as connection:
            self._connection = connection
            try:
                self._heed(connection)
            finally:
                self._connection = None

    def _heed(self, connection: ClientConnection) -> None:
        settled = False
        while not self._over.is_set():
            try:
                text = connection.recv(timeout=1.0 if settled else 0.3)
            except TimeoutError:
                # A hub that refuses us closes at once; one that is silent for a moment has taken us in.
                settled = settled or self._live()
                continue
            settled = settled or self._live()
            self._rest()
            self._last = parse.event_id(text) or self._last
            event = parse.stream_event(text)
            if event is not None:
                self._tell(event)

    def _live(self) -> bool:
        self._tell(LinkTold("live"))
        return True

    def _closed(self, error: ConnectionClosed) -> str:
        close = error.rcvd
        if close is None:
            return f"the connection to {self._address} broke"
        said = safe(close.reason)
        if close.code in REFUSALS:
            return f"{self._address} refuses us: {said or 'the token is not accepted'}"
        return f"{self._address} closed the stream: {said or f'code {close.code}'}"

    def _failed(self, error: Exception) -> str:
        if isinstance(error, InvalidStatus):
            status = error.response.status_code
            words = {401: UNSIGNED, 403: "refuses this token", 404: "has no stream; is this a Guardia hub?"}
            return f"{self._address} {words.get(status, f'answered {status} instead of a stream')}"
        return reason(error, self._address)

    def _wait(self, failures: int, why: str) -> None:
        pause = backoff(failures, first=FIRST, longest=LONGEST, chance=self._chance())
        state: LinkState = "offline" if failures >= OFFLINE_AFTER else "reconnecting"
        self._wake.clear()
        if self._over.is_set():
            return
        self._tell(LinkTold(state, why, self._clock() + pause))
        self._wake.wait(pause)


def stream_url(url: str, after: str | None) -> str:
    """Where the stream is, and what we want of it: everything after the event ``after``."""
    parts = urlsplit(url)
    query = {"values": "true", "kinds": KINDS, **({"after": after} if after else {})}
    scheme = "wss" if parts.scheme == "https" else "ws"
    path = f"{parts.path.rstrip('/')}/api/v1/stream"
    return urlunsplit((scheme, parts.netloc, path, urlencode(query, safe=","), ""))
