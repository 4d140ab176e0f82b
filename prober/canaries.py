"""A look at the canaries: which of them take a connection now. Blocks for at most ``seconds``."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from errno import ECONNREFUSED, EINPROGRESS
from urllib.parse import urlsplit

from prober.judge import Looked
from prober.names import Names, numeric
from prober.outcome import Failed

PATIENCE = 2.0


def look(canaries: Sequence[str], names: Names, seconds: float = PATIENCE) -> Looked:
    """Connect to all of them at once; one that refuses has answered, too.

    Those that are numbers come first: while name servers are silent, looking up the others takes all the time there is.
    """
    began = time.monotonic()
    until = began + seconds
    answers: dict[str, float | None] = dict.fromkeys(canaries)
    numbers = [name for name in canaries if numeric(urlsplit(name).hostname or "", 0) is not None]
    named = [name for name in canaries if name not in numbers]
    with selectors.DefaultSelector() as waiting:
        for some, end in ((numbers, began + seconds / 2 if named else until), (named, until)):
            for place, name in enumerate(some):
                # A name that hangs leaves time for the others.
                share = (until - time.monotonic()) / (len(some) - place)
                with suppress(OSError, Failed):
                    _begin(name, names, max(0.01, share), waiting)
            _await(waiting, answers, began, end)
        for key in list(waiting.get_map().values()):
            assert isinstance(key.fileobj, socket.socket)
            key.fileobj.close()
    return Looked(began, answers)


def _await(waiting: selectors.BaseSelector, answers: dict[str, float | None], began: float, until: float) -> None:
    while waiting.get_map():
        left = max(0.0, until - time.monotonic())
        for key, _ in waiting.select(left):
            connection = key.fileobj
            assert isinstance(connection, socket.socket)
            waiting.unregister(connection)
            if connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) in (0, ECONNREFUSED):
                answers[key.data] = (time.monotonic() - began) * 1000
            connection.close()
        if not left:
            return


def _begin(name: str, names: Names, seconds: float, waiting: selectors.BaseSelector) -> None:
    parts = urlsplit(name)
    address = names.lookup(parts.hostname or "", parts.port or 0, seconds)[0]
    connection = socket.socket(address.family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    found = connection.connect_ex(address.place)
    if found in (0, EINPROGRESS, ECONNREFUSED):
        waiting.register(connection, selectors.EVENT_WRITE, name)
    else:
        connection.close()
