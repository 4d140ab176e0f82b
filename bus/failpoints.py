"""Places where a test may make a program fail: ``failpoints.at("store.after_commit")``.

Nothing happens unless ``GUARDIA_FAULTS`` was set when the program started. It lists places and what happens
there, separated by commas: ``PLACE=ACTION[@NTH][%PERCENT]``.

    store.after_commit=kill@7      SIGKILL to this process when the place is passed for the 7th time
    spool.commit=error%2           ``OSError(ENOSPC)`` in 2 of 100 passes
    push.send=sleep:0.2            wait 0.2 s at each pass
    collector.forward=exit:111     leave at once with this code

The places: spool.commit, journal.make, journal.write, journal.written, push.send, collector.forward,
store.before_commit, store.after_commit, receipt.send, trim, outbox.commit, post, mark, seal.write, seal.join,
seal.before_sync, seal.before_rename, seal.after_rename, seal.rollup, seal.day, seal.unlink, seal.month,
seal.before_remove, seal.after_remove, archive.write, archive.before_rename, archive.after_rename, archive.unlink,
archive.back. A place that nobody passes does nothing.
"""

from __future__ import annotations

import errno
import os
import random
import re
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

VARIABLE = "GUARDIA_FAULTS"
_ENTRY = re.compile(
    r"(?P<place>[a-z_.]+)=(?P<action>kill|error|sleep|exit)(:(?P<amount>[0-9.]+))?"
    r"(@(?P<nth>[0-9]+))?(%(?P<percent>[0-9.]+))?"
)


@dataclass(slots=True)
class Fault:
    """What happens at one place, and how often it was passed."""

    action: str
    amount: float
    nth: int | None
    percent: float | None
    passes: int = 0

    def due(self, chance: Callable[[], float]) -> bool:
        """Whether this pass is one that fails; ``chance`` gives numbers from 0 to 1."""
        self.passes += 1
        if self.nth is not None:
            return self.passes == self.nth
        return self.percent is None or chance() * 100 < self.percent

    def strike(self) -> None:
        """Do it."""
        if self.action == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif self.action == "exit":
            os._exit(int(self.amount))
        elif self.action == "sleep":
            time.sleep(self.amount)
        else:
            raise OSError(errno.ENOSPC, "no space left, says a fault point")


def parse(text: str) -> dict[str, Fault]:
    """The faults by place; raises ``ValueError`` naming the entry that is none."""
    faults = {}
    for entry in filter(None, text.split(",")):
        match = _ENTRY.fullmatch(entry.strip())
        if match is None:
            raise ValueError(f"{VARIABLE}: {entry!r} is not PLACE=kill|error|sleep:S|exit:CODE[@NTH][%PERCENT]")
        nth, percent = match["nth"], match["percent"]
        faults[match["place"]] = Fault(
            match["action"],
            float(match["amount"] or 0),
            int(nth) if nth else None,
            float(percent) if percent else None,
        )
    return faults


def armed(faults: Mapping[str, Fault], chance: Callable[[], float] = random.random) -> Callable[[str], None]:
    """An ``at`` that knows these faults."""

    def at(place: str) -> None:
        fault = faults.get(place)
        if fault is not None and fault.due(chance):
            fault.strike()

    return at


def _quiet(place: str) -> None:
    """Pass by."""


_faults = parse(os.environ.get(VARIABLE, ""))
at: Callable[[str], None] = armed(_faults) if _faults else _quiet
"""Called with the name of the place that is passed; does nothing in a program that nobody tests."""
