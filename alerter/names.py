"""What the system is asked of names, with an end: for a silent name server it waits half a minute.

Nothing can interrupt that. It is asked in a thread of its own; who waits for it gives up in time. The same is asked
once for all who wait for it, so that a name that hangs keeps one thread.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future, wait
from typing import Any, TypeVar

T = TypeVar("T")
NOBODY = "[127.0.0.1]"
"""What a machine calls itself that does not know."""


class Names:
    """Asks; ``socket.gaierror`` with ``EAI_AGAIN`` is what the system says as well where no name server answers."""

    def __init__(self) -> None:
        self._asked: dict[Hashable, Future[Any]] = {}
        self._lock = threading.Lock()

    def answer(self, what: Hashable, ask: Callable[[], T], seconds: float) -> T:
        """What ``ask`` gives, or raises, within so many seconds; ``what`` is the same where the same is asked."""
        with self._lock:
            future = self._asked.get(what)
            if future is None:
                future = Future()
                threading.Thread(target=self._ask, args=(what, ask, future), name="names", daemon=True).start()
                self._asked[what] = future
        if not wait((future,), seconds).done:
            raise socket.gaierror(socket.EAI_AGAIN, "the name servers do not answer")
        found: T = future.result()
        return found

    def _ask(self, what: Hashable, ask: Callable[[], T], future: Future[T]) -> None:
        try:
            found = ask()
        except BaseException as error:  # handed to who waits
            self._forget(what)
            future.set_exception(error)
        else:
            self._forget(what)
            future.set_result(found)

    def _forget(self, what: Hashable) -> None:
        with self._lock:
            del self._asked[what]


def own_name() -> str:
    """What this machine calls itself: its whole name or, where it has none, an address (RFC 5321, 4.1.3)."""
    name = socket.getfqdn()
    if "." in name:
        return name
    try:
        return f"[{socket.gethostbyname(socket.gethostname())}]"
    except OSError:
        return NOBODY
