"""The containers of Docker or Podman, as the engine tells them at its socket (Docker's Engine API, ContainerList).

Podman answers the same questions. What can only be had by asking for each container anew is not asked for.
"""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Collection
from http.client import HTTPConnection, HTTPException
from typing import Any, NamedTuple
from urllib.parse import quote

_SECONDS = 5.0
"""An engine that is silent for so long is not waited for."""
_LONGEST = 16 << 20
"""Bytes of an answer: some ten thousand containers."""
_CODE = re.compile(r"\((\d+)\)")
"""In ``Exited (137) 2 hours ago``; the list has the code nowhere else."""


class Container(NamedTuple):
    """One container, running or not."""

    id: str
    name: str
    state: str
    """As the engine calls it: ``running``, ``restarting``, ``paused``, ``exited`` and so on."""
    healthy: bool | None
    """What its own health check says; None where it has none or has not said anything yet."""
    code: int | None
    """With which it ended, when it does not run."""


class Engine:
    """The engine behind the socket at ``path``."""

    def __init__(self, path: str) -> None:
        self._path = path

    def containers(self) -> list[Container]:
        """All of them, also those that ended; raises ``OSError`` with words for a person."""
        connection = _Connection(self._path)
        try:
            listing = _answer(connection, "all=true")
            return parsed(listing, _of_health(connection, "healthy"), _of_health(connection, "unhealthy"))
        except (OSError, HTTPException, ValueError) as fault:
            raise OSError(f"{self._path}: {fault or type(fault).__name__}") from fault
        finally:
            connection.close()


def parsed(listing: Any, healthy: Collection[str], unhealthy: Collection[str]) -> list[Container]:
    """The containers in the answer ``listing``; raises ``ValueError`` where it is none.

    ``healthy`` and ``unhealthy`` are the ids of those whose health check says so.
    """
    try:
        return [
            Container(
                one["Id"],
                _name(one),
                one["State"],
                True if one["Id"] in healthy else False if one["Id"] in unhealthy else None,
                _code(one),
            )
            for one in listing
        ]
    except (AttributeError, KeyError, TypeError) as fault:
        raise ValueError("the answer is no list of containers") from fault


def _name(one: Any) -> str:
    """Its own: by old links others may call it ``/other/name`` as well."""
    names: list[str] = [name.lstrip("/") for name in one["Names"] or ()]
    own = [name for name in names if "/" not in name]
    return (own or names or [one["Id"][:12]])[0]


def _code(one: Any) -> int | None:
    told = _CODE.search(one.get("Status") or "") if one["State"] not in ("running", "paused") else None
    return int(told[1]) if told else None


def _of_health(connection: HTTPConnection, health: str) -> frozenset[str]:
    """The ids of the containers of which it is told so."""
    listing = _answer(connection, "filters=" + quote(json.dumps({"health": [health]})))
    return frozenset(one.id for one in parsed(listing, (), ()))


def _answer(connection: HTTPConnection, query: str) -> Any:
    connection.request("GET", f"/containers/json?{query}", headers={"Host": "localhost"})
    response = connection.getresponse()
    text = response.read(_LONGEST + 1)
    if response.status != 200:
        raise ValueError(f"the engine answers {response.status}, {text[:200].decode(errors='replace').strip()}")
    if len(text) > _LONGEST:
        raise ValueError(f"the engine answers with more than {_LONGEST >> 20} MiB")
    return json.loads(text)


class _Connection(HTTPConnection):
    """HTTP over the socket of the engine."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        self.sock.settimeout(_SECONDS)
        self.sock.connect(self._path)
