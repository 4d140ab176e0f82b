"""Questions to the store's reader while the loop goes on: a few under way at once, each answer to who asked for it."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from typing import Any

import zmq

from bus.loop import Loop, Timer
from bus.questions import Question, Unanswered, pack_question, read_answer
from bus.sockets import Ask

AT_ONCE = 16
"""Questions under way."""
AGAIN_SECONDS = 0.1
"""Until it is tried again to ask, where there was nobody to ask."""
Asked = tuple[Question, Callable[[Any], None]]


class Asking:
    """What is to be asked, and what was."""

    def __init__(self, ask: Ask, loop: Loop, log: logging.Logger) -> None:
        self._ask, self._loop, self._log = ask, loop, log
        self._number = 0
        self._line: deque[Asked] = deque()
        self._open: dict[bytes, Asked] = {}
        self._again: Timer | None = None
        self.answered = self.failed = False
        """Whether an answer came, and whether one says that there is none, since whoever asks set these to False."""

    @property
    def idle(self) -> bool:
        """Whether nothing is asked, nor waits to be."""
        return not self._open and not self._line

    def put(self, question: Question, then: Callable[[Any], None]) -> None:
        """Have ``question`` asked with the next ``send``; ``then`` gets the answer."""
        self._line.append((question, then))

    def send(self) -> None:
        """Ask as much as may be under way."""
        while self._line and len(self._open) < AT_ONCE:
            number = (self._number + 1).to_bytes(8, "big")
            try:
                self._ask.raw.send_multipart([number, pack_question(self._line[0][0])], zmq.NOBLOCK)
            except zmq.Again:
                self._again = self._again or self._loop.after(AGAIN_SECONDS, self._try_again)
                return
            self._number += 1
            self._open[number] = self._line.popleft()

    def _try_again(self) -> None:
        self._again = None
        self.send()

    def drain(self) -> None:
        """Take the answers that have come, and ask on."""
        while True:
            try:
                parts = self._ask.raw.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                break
            asked = self._open.pop(parts[0], None) if len(parts) == 2 else None
            if asked is None:
                continue
            self.answered = True
            question, then = asked
            try:
                then(read_answer(question, parts[1]))
            except Unanswered as failure:
                self.failed = True
                self._log.warning("the store does not say: %s", failure)
        self.send()

    def forget(self, kind: type = object) -> None:
        """Wait for no answer to questions of this ``kind``, nor ask them: whoever was asked may be gone."""
        self._line = deque(one for one in self._line if not isinstance(one[0], kind))
        self._open = {number: one for number, one in self._open.items() if not isinstance(one[0], kind)}
