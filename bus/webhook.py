"""Tells a URL what is to be told, one thing after the other, and goes on trying where nobody takes it."""

from __future__ import annotations

import json
import logging
import queue
import random
import sys
import threading
import time
from collections.abc import Callable

from bus.exits import NO_THREAD
from bus.secret import Secret
from bus.timing import backoff

FIRST_AGAIN, LONGEST_AGAIN = 5.0, 300.0
"""Seconds until what nobody took is tried again, doubling."""
ATTEMPTS = 20
"""Then, after about an hour, it is left."""
CHILD_SECONDS = 30.0
Body = dict[str, object]


def said(url: Secret, body: Body) -> str | None:
    """Have a process of its own post ``body``: nobody carries an HTTP client for what hardly ever has to be told.

    None when it was taken, else why not, without the URL. Blocks, for half a minute at most.
    """
    import subprocess  # agents do without it until then

    try:
        child = subprocess.run(
            [sys.executable, "-m", "bus.posting"],
            input=json.dumps({"url": url.reveal(), "body": body}),
            capture_output=True,
            check=False,
            text=True,
            timeout=CHILD_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return f"the messenger was not done within {CHILD_SECONDS:g} s"
    except OSError as error:
        return f"no messenger could be sent: {(error.strerror or str(error)).lower()}"
    return None if child.returncode == 0 else child.stdout[:200] or f"the messenger ended with {child.returncode}"


class Webhook:
    """``tell`` never waits: a thread does, which lasts as long as the process."""

    def __init__(
        self,
        url: Secret,
        log: logging.Logger,
        *,
        say: Callable[[Secret, Body], str | None] = said,
        rest: Callable[[float], None] = time.sleep,
        thread: Callable[..., threading.Thread] = threading.Thread,
    ) -> None:
        """``say`` tells why it was not taken, None where it was."""
        self._url, self._log, self._say, self._rest = url, log, say, rest
        self._waiting: queue.SimpleQueue[Body] = queue.SimpleQueue()
        self._thread = thread
        self._begun = False
        self._begin()  # when there is something to tell the system may have no thread left

    def tell(self, body: Body) -> None:
        """Tell it after all that waits; ``message`` in it is the sentence for people."""
        self._waiting.put(body)
        self._begin()

    def _begin(self) -> None:
        if self._begun:
            return
        try:
            self._thread(target=self._work, name="webhook", daemon=True).start()
            self._begun = True
        except RuntimeError:
            self._log.error("the url can be told nothing now: %s", NO_THREAD)

    def delivered(self, body: Body) -> bool:
        """Try until it is taken, or for too long; blocks."""
        why: str | None = None
        for attempt in range(ATTEMPTS):
            if attempt:
                wait = backoff(attempt, first=FIRST_AGAIN, longest=LONGEST_AGAIN, chance=random.random())  # noqa: S311
                self._log.error("cannot reach the url: %s, trying again in %.0f s", why, wait)
                self._rest(wait)
            why = self._say(self._url, body)
            if why is None:
                self._log.info("told the url: %s", body["message"])
                return True
        self._log.error("cannot reach the url: %s, and nobody could be told that %s", why, body["message"])
        return False

    def _work(self) -> None:
        while True:
            self.delivered(self._waiting.get())
