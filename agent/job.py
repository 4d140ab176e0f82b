"""One thing that is read again and again: opened when first read, its cost counted, its failures told once."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from agent import rounding
from agent.pace import Pace
from agent.readings import Costs

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


HANGS = 60.0
"""Seconds after which a reading in a thread counts as one that hangs."""


class Source(Protocol[T_co]):
    """What a job reads."""

    def read(self) -> T_co:
        """Everything now; may raise anything."""


class Taken(NamedTuple, Generic[T]):
    """What a reading brought, what it cost in CPU seconds, and when it was (monotonic)."""

    found: T
    cost: float
    now: float


Submit = Callable[[Callable[[], Taken[Any]], Callable[[Taken[Any] | BaseException], None]], None]
"""Takes a call and what to do with its outcome; ``bus.workers.Workers.submit`` is one."""


class Job(Generic[T]):
    """A source with its pace and its troubles; ``done`` gets what was found.

    With ``submit`` it is read in a thread, and never twice at once; else on the spot.
    """

    def __init__(
        self,
        name: str,
        opened: Callable[[], Source[T]],
        pace: Pace,
        done: Callable[[Taken[T]], None],
        *,
        costs: Costs,
        log: logging.Logger,
        submit: Submit | None = None,
        patience: float = HANGS,
    ) -> None:
        """What takes more than ``patience`` seconds in a thread is told in the log, and fails from then on."""
        self.name = name
        self.pace = pace
        self.busy = False
        self.threaded = submit is not None
        self._opened, self._done, self._submit = opened, done, submit
        self._costs, self._log = costs, log
        self._patience = patience
        self._begun: float | None = None
        """When the thread that is at it began (monotonic)."""
        self._hangs = False
        """Whether it was told of that thread that it does not answer."""
        self._source: Source[T] | None = None
        self._was_slowed = False

    def run(self, now: float) -> None:
        """Read it if it is due."""
        if self.busy:
            self._look(now)
            return
        if not self.pace.due(now):
            return
        self.pace.began(now)
        if self._submit is not None:
            self.busy, self._begun = True, None
            self._submit(self._read, self._ended)
            return
        try:
            taken = self._read(now)
        except Exception as error:  # whatever the source holds, the others go on
            self._failed(error, now)
        else:
            self._succeeded(taken)

    def _look(self, now: float) -> None:
        """See whether the thread that is at it hangs."""
        begun = self._begun
        if begun is not None and now - begun > self._patience and not self._hangs:
            self._hangs = True
            self._fails_since(begun)
            self._log.warning("%s hangs: it has not answered for %.0f s", self.name, now - begun)

    def _read(self, now: float | None = None) -> Taken[T]:
        self._begun = time.monotonic()
        start = time.thread_time()
        if self._source is None:
            self._source = self._opened()
        found = self._source.read()
        return Taken(found, time.thread_time() - start, time.monotonic() if now is None else now)

    def _ended(self, outcome: Taken[T] | BaseException) -> None:
        """A thread has read it."""
        self.busy = False
        if isinstance(outcome, BaseException):
            self._failed(outcome, time.monotonic())
        else:
            self._succeeded(outcome)

    def _failed(self, error: BaseException, now: float) -> None:
        self._source = None  # a file of a device that is gone stays gone: open anew
        self._hangs = False
        self._fails_since(now)
        if self.pace.failed(now):
            reason = str(error) or type(error).__name__
            self._log.warning("cannot read %s: %s; trying again, ever less often", self.name, reason)

    def _fails_since(self, now: float) -> None:
        self._costs.failing[self.name] = self._costs.failing.get(self.name) or now

    def _succeeded(self, taken: Taken[T]) -> None:
        hung, self._hangs = self._hangs, False
        if self._costs.failing.get(self.name) is not None:
            self._costs.failing[self.name] = None
        if self.pace.succeeded(taken.cost) or hung:
            self._log.info("%s can be read again", self.name)
        if self.pace.slowed is not self._was_slowed:
            self._tell_budget()
        if self.name in self._costs.groups:
            self._costs.groups[self.name] = rounding.cost(taken.cost)
        self._done(taken)

    def _tell_budget(self) -> None:
        self._was_slowed = self.pace.slowed
        if self._was_slowed:
            self._log.warning(
                "%s costs more than its budget: read every %.3g s from now on", self.name, self.pace.seconds
            )
        else:
            self._log.info("%s keeps to its budget again", self.name)
