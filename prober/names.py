"""Names to addresses, within a deadline: the system's resolver knows none.

``getaddrinfo`` asks a silent name server for half a minute, and nothing can interrupt it. Here it is asked in threads
of its own; who waits for it gives up in time. The same name is asked once for all who wait for it, so that a name
that hangs keeps one thread, and answers are not kept: a check sees what a client would see.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Late
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from prober import words
from prober.outcome import DOWN, UNKNOWN, Failed

MOST_THREADS = 256
"""So many names may hang at once before others wait for them: a zone whose servers are gone keeps a thread a name."""
IDLE_SECONDS = 60.0
"""A thread that was not needed for so long ends: there are many after name servers hung."""
Ask = Callable[[str, int], Sequence[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class Address:
    """One address of a target, as sockets take it."""

    family: int
    place: tuple[Any, ...]
    """``(address, port)`` or, for IPv6, ``(address, port, flow, scope)``."""

    @property
    def number(self) -> str:
        """The numeric address."""
        return str(self.place[0])


def system(host: str, port: int) -> Sequence[tuple[Any, ...]]:
    """What the system says about a name."""
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


class Names:
    """Looks names up; ``ask`` is the system's resolver or a test's."""

    def __init__(self, ask: Ask = system, threads: int = MOST_THREADS, *, idle_seconds: float = IDLE_SECONDS) -> None:
        self._ask = ask
        self._idle_seconds = idle_seconds
        self._most = threads
        self._line: deque[tuple[tuple[str, int], Future[list[Address]]]] = deque()
        self._asked: dict[tuple[str, int], Future[list[Address]]] = {}
        self._silent: set[str] = set()
        """Names for which no answer came since the last one that came for any."""
        self._turn = threading.Condition()
        self._threads = self._idle = 0

    @property
    def threads(self) -> int:
        """Threads there are now."""
        return self._threads

    def lookup(self, host: str, port: int, seconds: float) -> list[Address]:
        """The addresses of ``host``, at least one; raises ``Failed`` in words, with UNKNOWN where nobody asked yet."""
        number = numeric(host, port)
        if number is not None:
            return [number]
        future = self._asking((scoped(host), port))
        try:
            found = future.result(seconds)
        except (Late, TimeoutError):
            if self._threads and not (future.running() or future.done()):
                told = f"{host} was not looked up: {self._threads} other names hang, for which no name server answers"
                raise Failed(told, UNKNOWN) from None
            raise Failed(self._unanswered(host)) from None
        except socket.gaierror as error:
            if error.errno == socket.EAI_AGAIN:
                raise Failed(self._unanswered(host)) from None
            if error.errno == socket.EAI_FAIL:
                raise Failed(f"the name servers refuse to answer for {host}") from None
            if error.errno == socket.EAI_MEMORY:
                raise Failed(f"the name {host} cannot be looked up: no memory on this machine", UNKNOWN) from None
            raise Failed(f"the name {host} has no address") from None
        except UnicodeError:
            raise Failed(f"the name {host} cannot be looked up") from None
        except OSError as error:
            status, where = (UNKNOWN, " on this machine") if words.mine(error) else (DOWN, "")
            raise Failed(f"the name {host} cannot be looked up: {words.plain(error)}{where}", status) from None
        if not found:
            raise Failed(f"the name {host} has no address")
        return found

    def _unanswered(self, host: str) -> str:
        with self._turn:
            self._silent.add(host)
            others = len(self._silent) > 1
        return f"the name servers do not answer for {host}{', nor for other names' if others else ''}"

    def _asking(self, key: tuple[str, int]) -> Future[list[Address]]:
        with self._turn:
            future = self._asked.get(key)
            if future is None:
                future = self._asked[key] = Future()
                self._line.append((key, future))
                self._turn.notify()
            elif self._threads:
                return future
            if len(self._line) > self._idle and self._threads < self._most:
                with suppress(RuntimeError):  # the system has no more threads: those there are take it in their turn
                    threading.Thread(target=self._work, name=f"names-{self._threads + 1}", daemon=True).start()
                    self._threads += 1
        return future

    def _work(self) -> None:
        while True:
            with self._turn:
                self._idle += 1
                wanted = self._turn.wait_for(lambda: self._line, self._idle_seconds)
                self._idle -= 1
                if not wanted:
                    self._threads -= 1
                    return
                key, future = self._line.popleft()
                future.set_running_or_notify_cancel()
            try:
                found = [Address(int(one[0]), tuple(one[4])) for one in self._ask(*key)]
                answer: BaseException | None = None
            except Exception as error:  # whoever waits for it says what it means
                found, answer = [], error
            with self._turn:
                del self._asked[key]
                if not (isinstance(answer, socket.gaierror) and answer.errno == socket.EAI_AGAIN):
                    self._silent.clear()
            if answer is None:
                future.set_result(list(dict.fromkeys(found)))
            else:
                future.set_exception(answer)


def scoped(host: str) -> str:
    """``host`` as the system takes it: an IPv6 address's interface stands behind ``%25`` in addresses (RFC 6874)."""
    address, sign, interface = host.partition("%25")
    return f"{address}%{interface}" if sign and interface and ":" in address else host


def numeric(host: str, port: int) -> Address | None:
    """The address that ``host`` already is; None when it is a name."""
    try:
        found = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    if found.version == 4:
        return Address(socket.AF_INET, (host, port))
    if "%" in host:
        return None  # the system knows the number of an interface
    return Address(socket.AF_INET6, (host, port, 0, 0))
