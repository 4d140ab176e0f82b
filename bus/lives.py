"""How often a program of the hub ended of late without being asked to, over its lives: it tells that with its vitals.

    run/NAME.lives     boot, process that is up (0: none), then when each life of late ended unasked

A life counts that was up and told its vitals: one that never came so far is not heard, which is an alarm of its own.
It ended as it was asked to where a signal to end came first, whoever ended it when that took too long; a fault of ours
on the way counts all the same. Times are of a clock that nobody sets and
that begins with the machine: what the machine's own end ended counts for nothing.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from bus.process import boot_id
from bus.vitals import Vitals

CRASHES = "program.crashes"
WITHIN = 600.0
"""An end counts for so many seconds."""
MOST = 100


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept of a program's lives in this boot of the machine. Pure."""

    up: int = 0
    """The process that is up, or was when it ended unasked; 0: none."""
    ends: tuple[float, ...] = ()

    def begun(self, now: float, is_alive: Callable[[int], bool]) -> Past:
        """After the begin of another life at ``now``: whoever was up and is not alive ended, and nobody asked."""
        if not self.up or is_alive(self.up):
            return self.at(now)
        return Past(0, (*self.at(now).ends, now)[-MOST:])

    def at(self, now: float) -> Past:
        """Without the ends that count no more."""
        return replace(self, ends=tuple(end for end in self.ends if 0 <= now - end < WITHIN))

    def text(self, boot: str) -> str:
        """As it is kept."""
        return " ".join((boot, str(self.up), *(f"{end:.3f}" for end in self.ends))) + "\n"


def read(text: str, boot: str) -> Past:
    """What was kept; nothing where it is of another boot, or is not ours."""
    words = text.split()
    if len(words) < 2 or words[0] != boot:
        return Past()
    try:
        return Past(int(words[1]), tuple(map(float, words[2:])))
    except ValueError:
        return Past()


def since_boot() -> float:
    """Seconds since the machine began, also while it slept."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def is_alive(process: int) -> bool:
    """Whether there is such a process."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


class Life:
    """One life of the program ``name``. A disk that does not let it leaves ends uncounted, and ends nothing."""

    def __init__(
        self,
        run: Path,
        name: str,
        *,
        within: Life | None = None,
        is_alive: Callable[[int], bool] = is_alive,
        now: Callable[[], float] = since_boot,
    ) -> None:
        """``within``: the life of the program that this is a part of, whose ends are told with its own."""
        self._path = run / f"{name}.lives"
        self._within = within
        self._now = now
        self._boot = boot_id() or "-"
        self._past = self._kept().begun(now(), is_alive)
        self._is_up = False
        self._keep(self._past)

    def is_up(self) -> None:
        """It has told its vitals; to be said as often as one likes."""
        if not self._is_up:
            self._is_up = True
            self._keep(replace(self._past, up=os.getpid()))

    def ends(self) -> None:
        """It ends as it was asked to; may be called out of the blue, as by a signal, and again."""
        kept = self._kept()
        if kept.up == os.getpid():  # who came after it has the file by now
            self._keep(replace(kept, up=0), ".end")

    def fails(self) -> None:
        """It ends by a fault of ours, whether it was asked to end or not."""
        kept = self._kept()
        if self._is_up and kept.up == 0:
            self._keep(replace(kept, up=os.getpid()))

    def crashes(self) -> float:
        """How many lives of late ended unasked."""
        within = self._within.crashes() if self._within is not None else 0.0
        return within + len(self._past.at(self._now()).ends)

    def readings(self) -> dict[str, float | None]:
        """That as a reading of the process's own sample."""
        return {CRASHES: self.crashes()}

    def _kept(self) -> Past:
        try:
            return read(self._path.read_text(encoding="ascii"), self._boot)
        except (OSError, UnicodeDecodeError):
            return Past()

    def _keep(self, past: Past, by: str = "") -> None:
        # No fsync: what a power cut takes is of another boot. Who breaks in on another has a file of its own.
        new = self._path.with_name(f"{self._path.name}.{os.getpid()}{by}")
        with contextlib.suppress(OSError):
            new.write_text(past.text(self._boot), encoding="ascii")
            new.replace(self._path)


def begun(run: Path, name: str, vitals: Vitals) -> Life:
    """The life of the program ``name``, which is the only one of that name that lives, among its ``vitals``."""
    life = Life(run, name, is_alive=lambda _: False)
    vitals.source(life.readings)
    return life
