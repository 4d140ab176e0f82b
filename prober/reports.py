"""What jobs say of themselves: heard on the stair, and asked of the store for what was missed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from contextlib import suppress

import zmq

from bus.fields import Unfit
from bus.messages import Heartbeat
from bus.questions import Latest, Unanswered, pack_question, read_answer
from bus.sockets import Ask, Subscribe
from bus.wire import Malformed, Record, read, unstamped
from prober.probe import Report

KIND = "heartbeat"
ASK_SECONDS = 30.0
"""The store is asked this often, since the stair tells nobody what he missed."""


class Reports:
    """Hands each job's report to ``heard(name, report)``; the same one may come more than once."""

    def __init__(
        self,
        subscribe: Subscribe,
        ask: Ask,
        jobs: Callable[[], Iterable[str]],
        heard: Callable[[str, Report], None],
        log: logging.Logger,
    ) -> None:
        self._subscribe, self._ask = subscribe, ask
        self._jobs, self._heard, self._log = jobs, heard, log
        self._asked: Latest | None = None
        self._number = 0

    def drain(self) -> None:
        """Take what came on the stair."""
        for frame in self._subscribe.drain():
            try:
                stamp, start = unstamped(frame)
                for record in read(frame, start):
                    self._take(record, stamp.received)
            except Malformed as fault:
                self._log.error("a frame from the collector cannot be read: %s", fault)

    def ask(self) -> None:
        """Ask the store for the last report of each job; whoever does not answer is asked again later."""
        jobs = tuple(self._jobs())
        if not jobs:
            return
        self._number += 1
        self._asked = Latest(KIND, jobs)
        with suppress(zmq.Again):
            self._ask.raw.send_multipart([str(self._number).encode(), pack_question(self._asked)], zmq.NOBLOCK)

    def answered(self) -> None:
        """The store answered."""
        with suppress(zmq.Again):
            while True:
                number, *_, answer = self._ask.raw.recv_multipart(zmq.NOBLOCK)
                if self._asked is None or number != str(self._number).encode():
                    continue
                try:
                    for stored in read_answer(self._asked, answer).records:
                        for record in read(stored.record):
                            self._take(record, stored.received)
                except (Unanswered, Malformed, KeyError, TypeError) as fault:
                    self._log.debug("the store does not tell the last reports: %s", fault)

    def _take(self, record: Record, received: int) -> None:
        try:
            message = record.message()
        except (Malformed, Unfit) as fault:
            self._log.error("%s tells a heartbeat that is none: %s", record.source, fault)
            return
        if isinstance(message, Heartbeat):
            self._heard(record.subject, Report(received, message.status, message.text[:400]))
