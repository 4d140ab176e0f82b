"""Requests that end: within a time for all of an answer, however slowly it drips in.

The timeouts of ``requests`` begin anew with each byte.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from bus.deadline import Deadline, within
from bus.interim import FinalResponse


class Pooled(HTTPAdapter):
    """An adapter whose connections are of these classes."""

    def __init__(self, plain: type[HTTPConnection], secure: type[HTTPSConnection]) -> None:
        class PlainPool(HTTPConnectionPool):
            ConnectionCls = plain

        class SecurePool(HTTPSConnectionPool):
            ConnectionCls = secure

        self._pools = {"http": PlainPool, "https": SecurePool}
        super().__init__(max_retries=0)

    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
        """Called by ``requests``."""
        super().init_poolmanager(*arguments, **named)
        self.poolmanager.pool_classes_by_scheme = self._pools


class Patience(Pooled):
    """An adapter for a session; what is asked inside ``lasting`` has so much time. Not to be shared between threads."""

    def __init__(self) -> None:
        self._deadline: Deadline | None = None
        patience = self

        class Plain(HTTPConnection):
            response_class = FinalResponse
            twin: socket.socket | None = None
            """The connection itself, which stays valid when TLS takes it over and while it is kept for more."""

            def _new_conn(self) -> socket.socket:
                made = super()._new_conn()
                self.twin = made.dup()
                return made

            def getresponse(self) -> Any:
                if patience._deadline is not None and self.twin is not None:
                    patience._deadline.watch(self.twin)
                return super().getresponse()

            def close(self) -> None:
                if self.twin is not None:
                    self.twin.close()
                    self.twin = None
                super().close()

        class Secure(Plain, HTTPSConnection):
            pass

        super().__init__(Plain, Secure)

    @contextlib.contextmanager
    def lasting(self, seconds: float) -> Iterator[None]:
        """Raise ``requests.ReadTimeout`` when the answer is not there whole within ``seconds``."""
        with within(seconds) as deadline:
            self._deadline = deadline
            try:
                yield
            except (requests.RequestException, OSError):
                if not deadline.over:
                    raise
            finally:
                self._deadline = None
            if deadline.over:
                raise requests.ReadTimeout("timed out")


def patient(session: requests.Session) -> Patience:
    """Let all that ``session`` asks go through the adapter that is returned."""
    made = Patience()
    session.mount("http://", made)
    session.mount("https://", made)
    return made
