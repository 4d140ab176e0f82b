"""A supervisord to ask: answers ``getAllProcessInfo`` on a socket in a folder."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socketserver import UnixStreamServer
from typing import Any
from xmlrpc.server import SimpleXMLRPCDispatcher, SimpleXMLRPCRequestHandler


class _Handler(SimpleXMLRPCRequestHandler):
    disable_nagle_algorithm = False  # there is no such thing on this kind of socket

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class _Server(UnixStreamServer, SimpleXMLRPCDispatcher):
    logRequests = False  # noqa: N815 - the name that the handler looks for
    _send_traceback_header = False

    def __init__(self, path: Path) -> None:
        SimpleXMLRPCDispatcher.__init__(self, allow_none=True)
        UnixStreamServer.__init__(self, str(path), _Handler)


def info(name: str, state: str = "RUNNING", **more: Any) -> dict[str, Any]:
    """A program as supervisord tells it, started at second 1000."""
    number = {"STOPPED": 0, "STARTING": 10, "RUNNING": 20, "BACKOFF": 30, "EXITED": 100, "FATAL": 200}[state]
    given = {"name": name, "state": number, "statename": state, "start": 1000, "stop": 0, "spawnerr": ""}
    return {**given, "exitstatus": 0, **more}


@contextmanager
def supervisord(home: Path, *infos: dict[str, Any]) -> Iterator[None]:
    """It listens in ``home`` for as long as this lasts."""
    with _Server(home / "supervisor.sock") as server:
        server.register_function(lambda: list(infos), "supervisor.getAllProcessInfo")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
