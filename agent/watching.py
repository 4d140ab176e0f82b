"""The watchman's shell: looks every few seconds, and has a child process say what is to be said."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from typing import Any

from agent.watchman import Cry, Watchman
from bus.secret import Secret
from bus.webhook import said

LOOK_SECONDS = 5.0
Submit = Callable[[Callable[[], Any], Callable[[Any], None]], None]


class Watching:
    """``look`` is to be called each ``LOOK_SECONDS``; ``heard`` says when the last receipt came (monotonic)."""

    def __init__(
        self,
        host: str,
        url: Secret,
        seconds: float,
        *,
        heard: Callable[[], float | None],
        submit: Submit,
        log: logging.Logger,
    ) -> None:
        chance = random.SystemRandom().random()
        self._watchman = Watchman(seconds, chance=chance, now=time.monotonic())
        self._host, self._url, self._heard, self._submit, self._log = host, url, heard, submit, log
        self._busy = False

    def look(self) -> None:
        """Say what is due, in a thread."""
        cry = None if self._busy else self._watchman.due(self._heard(), time.monotonic())
        if cry is None:
            return
        self._busy = True
        body = message(self._host, cry, time.monotonic(), time.time())
        self._submit(lambda: said(self._url, body), lambda outcome: self._ended(cry, outcome))

    def _ended(self, cry: Cry, outcome: str | BaseException | None) -> None:
        self._busy = False
        if outcome is None:
            self._watchman.said(cry)
            self._log.warning("told watch_url that the hub is %s", cry.state)
            return
        wait = self._watchman.failed(time.monotonic())
        reason = outcome if isinstance(outcome, str) else type(outcome).__name__
        self._log.error("cannot reach watch_url: %s, trying again in %.0f s", reason, wait)


def message(host: str, cry: Cry, now: float, wall: float) -> dict[str, object]:
    """The body: the old webhook's three fields, and what programs want."""
    since = _time(wall - (now - cry.heard))
    text = (
        f"{host} has not heard from the hub since {since}" if cry.state == "silent" else f"{host} hears the hub again"
    )
    return {
        "message": text,
        "server": host,
        "timestamp": _time(wall),
        "rule": "hub-silent",
        "state": "firing" if cry.state == "silent" else "resolved",
        "severity": "critical",
        "started_at": since,
    }


def _time(wall: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(wall))
