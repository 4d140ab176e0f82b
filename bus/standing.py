"""How a producer stands with its hub, as each that speaks over the network leaves it in ``run/NAME.standing.json``.

On a host that has an agent alone nothing else but its log says so. What a home is of, and who runs in it, for those
who ask there and find nobody.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bus.delivery.states import State
from bus.messages import HUB

if TYPE_CHECKING:
    from bus.delivering import Deliverer

FILES = "{}.standing.json"
HUBS_OWN = ("store", "keys/hub.key")
LOOK_SECONDS = 2.0
AGAIN_SECONDS = 10.0
"""What waits grows: while all is not well it is told anew this often."""
BEAT_SECONDS = 120.0
"""Who has not beaten for so long does not run."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether the store acknowledges what ``source`` tells; times in seconds since 1970."""

    program: str
    source: str
    door: str
    heard: bool
    """Whether receipts come."""
    since: float
    """Since when they do, or do not."""
    at: float
    """When this was written."""
    waiting: int
    """Messages that no receipt has come for, at that time."""
    left: float | None
    """Seconds from then until the oldest of them has to go; None where that cannot be told."""
    faults: tuple[str, ...]

    @property
    def well(self) -> bool:
        """Whether there is nothing to mend."""
        return self.heard and not self.faults


class Note:
    """Leaves the standing of a producer in its file, whenever it is another one."""

    def __init__(
        self, run_dir: Path, program: str, deliverer: Deliverer, wall: Callable[[], float] = time.time
    ) -> None:
        self._path = run_dir / FILES.format(program)
        self._program, self._deliverer, self._wall = program, deliverer, wall
        self._last: Standing | None = None

    def look(self) -> None:
        """Write it down if that is due. A disk that takes nothing keeps nobody from going on."""
        from bus.delivering import NEWS  # loaded by whoever has a producer; who only reads needs no ZeroMQ

        sender, last, now = self._deliverer.courier.sender, self._last, self._wall()
        heard = sender.state is State.FLOWING
        if last is not None and sender.state is State.SYNCING:
            heard = last.heard  # the hub is just being greeted anew
        faults = tuple(NEWS[flag][0] for flag in NEWS if flag in sender.flags)
        door = self._deliverer.door
        same = last is not None and (last.heard, last.faults, last.door) == (heard, faults, door)
        if last is not None and same and (last.well or 0 <= now - last.at < AGAIN_SECONDS):
            return
        self._last = Standing(
            self._program,
            self._deliverer.source,
            door,
            heard,
            last.since if last is not None and last.heard is heard else now,
            now,
            sender.unacknowledged,
            self._deliverer.vitals()["spool.left_seconds"],
            faults,
        )
        with contextlib.suppress(OSError):
            self._path.with_suffix(".new").write_text(json.dumps(asdict(self._last)), encoding="ascii")
            self._path.with_suffix(".new").replace(self._path)

    def forget(self) -> None:
        """Take the file away: who has ended stands nowhere."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)


def read(run_dir: Path) -> tuple[Standing, ...]:
    """What the producers of this home left."""
    found = []
    for path in sorted(run_dir.glob(FILES.format("*"))):
        try:
            row = json.loads(path.read_text(encoding="ascii"))
            left = row["left"]
            found.append(
                Standing(
                    str(row["program"]),
                    str(row["source"]),
                    str(row["door"]),
                    row["heard"] is True,
                    float(row["since"]),
                    float(row["at"]),
                    int(row["waiting"]),
                    None if left is None else float(left),
                    tuple(map(str, row["faults"])),
                )
            )
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return tuple(found)


def alone(home: Path) -> bool:
    """Whether this home is of an agent, or another producer, whose hub is elsewhere: it was joined, or has a spool.

    A hub has a store, a key or spools of its own programs here too.
    """
    if any(os.path.exists(home / path) for path in HUBS_OWN):
        return False
    spools = [path.name for path in (home / "spool").glob("*") if path.is_dir()]
    joined = os.path.exists(home / "keys" / "hub.json")  # False also where this user may not look
    return (joined or bool(spools)) and not any(name.startswith(HUB) for name in spools)


def absent(program: str, home: Path) -> str:
    """What it means that ``program`` of the hub of this home is not there, and what to do."""
    if runs(home):
        return f"{program} does not run, or not yet; guardia status says what runs"
    if alone(home):
        return "the hub is not running here; this host has an agent alone: --hub names its hub"
    return "the hub is not running here; make run starts it"


def runs(home: Path) -> bool:
    """Whether a program that only hubs have beats here."""
    for beat in (home / "run").glob("*.beat"):
        with contextlib.suppress(OSError):
            if beat.stem not in ("agent", "prober") and time.time() - beat.stat().st_mtime < BEAT_SECONDS:
                return True
    return False
