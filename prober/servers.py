"""The name servers of this machine, asked one after the other as resolv.conf(5) says and the C library does.

The next one is asked where one does not answer, or says that it cannot: each has its share of the time that is left.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from typing import NamedTuple

from bus.deadline import Deadline
from prober import words
from prober.asking import Answer
from prober.outcome import DOWN, UNKNOWN, Failed
from prober.probe import Probe
from prober.trust import Seen

MOST = 3
"""So many are asked; further ones in the file are nobody's (MAXNS in the C library)."""
CANNOT = ("SERVFAIL", "NOTIMP", "REFUSED")
"""What a server says that cannot answer: the C library asks the next one."""


class Told(NamedTuple):
    """What a server said, over which TLS if over any, and which of them it was, from 1."""

    answer: Answer
    seen: Seen | None
    host: str
    number: int


class _Share(Deadline):
    """A part of an attempt's time, at whose end the next server is asked; connections are shut at the attempt's."""

    def __init__(self, whole: Deadline, seconds: float) -> None:
        super().__init__(seconds)
        self._whole = whole

    def watch(self, connection: socket.socket) -> None:
        """Shut it at the end of the whole."""
        self._whole.watch(connection)


def asked(servers: Sequence[str], ask: Callable[[str], tuple[Answer, Seen | None]], wanted: str, probe: Probe) -> Told:
    """The first answer that has the code ``wanted``, or says more than that a server cannot; else the first of all.

    Raises ``Failed`` where none answers.
    """
    said: list[Told] = []
    failures: list[tuple[str, Failed]] = []
    servers, whole = servers[:MOST], probe.deadline
    for place, host in enumerate(servers):
        if place < len(servers) - 1:
            probe.deadline = _Share(whole, whole.left() / (len(servers) - place))
        try:
            told = Told(*ask(host), host, place + 1)
        except (Failed, OSError) as error:
            failures.append((host, error if isinstance(error, Failed) else _failed(error, probe)))
        else:
            if told.answer.code == wanted or told.answer.code not in CANNOT:
                return told
            said.append(told)
        finally:
            probe.deadline = whole
    if said:
        return said[0]
    raise _none(failures)


def _failed(error: OSError, probe: Probe) -> Failed:
    if words.mine(error):
        return Failed(f"our own side cannot look: {words.plain(error)}", UNKNOWN)
    return Failed(probe.late() if probe.deadline.passed else words.broken(error, probe.heard))


def _none(failures: Sequence[tuple[str, Failed]]) -> Failed:
    """Why no server answers, as the target's own fault if it is that of any."""
    status = DOWN if any(one.status == DOWN for _, one in failures) else UNKNOWN
    reached = any(one.reached for _, one in failures)
    if len(failures) == 1:
        [(host, one)] = failures
        return Failed(f"this machine's name server {host}: {one}", status, reached=reached)
    told = "; ".join(f"{host}: {one}" for host, one in failures)
    return Failed(f"none of this machine's name servers answers: {told}", status, reached=reached)
