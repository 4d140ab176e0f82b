"""Answers that are told once more where nothing is new: pages of one host ask for the same within a second.

An answer is kept for as long as the host's version (``bus.versions``) is what it was before the store was asked, so
that none lacks a sample that is acknowledged; and for a second at most, for what is sealed, dropped or put back from a
snapshot has no version. Pure.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import NamedTuple

from bus.versions import Version

KEPT_SECONDS = 1.0
MOST_BYTES = 2 * 2**20


class _Answer(NamedTuple):
    """An answer, of which version, and until when (seconds) it is kept."""

    version: Version
    until: float
    body: bytes


class Kept:
    """The answers of one worker, each for its question; up to ``most`` bytes of those that came last."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._most = most
        self._answers: OrderedDict[Hashable, _Answer] = OrderedDict()
        self.bytes = 0

    def get(self, question: Hashable, version: Version | None, now: float) -> bytes | None:
        """The answer, if it is kept and of this version; ``now`` in seconds of a clock that is never set."""
        found = self._answers.get(question)
        if found is None or found.version != version or now >= found.until:
            return None
        return found.body

    def put(self, question: Hashable, version: Version | None, began: float, body: bytes) -> None:
        """Keep an answer of the ``version`` that was seen before the store was asked, at ``began``."""
        self._drop(question)
        while self._answers and next(iter(self._answers.values())).until <= began:
            self._drop(next(iter(self._answers)))
        if version is None or len(body) > self._most // 4:
            return
        self._answers[question] = _Answer(version, began + KEPT_SECONDS, body)
        self.bytes += len(body)
        while self.bytes > self._most:
            self._drop(next(iter(self._answers)))

    def _drop(self, question: Hashable) -> None:
        found = self._answers.pop(question, None)
        if found is not None:
            self.bytes -= len(found.body)
