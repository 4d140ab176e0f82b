"""The store's sealer as it is, at a simulated time: ``GUARDIA_CLOCK`` names a file with 8 bytes, ns, little-endian.

It looks far more often than the program does, since hours last parts of a second, and does not wait until a partition
was quiet for a minute.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from store import sealing_program
from store.config import Keep, Store
from store.sealer import Pace

TURN_SECONDS = 0.05


class Clock:
    """In place of the module ``time``."""

    monotonic = staticmethod(time.monotonic)

    def __init__(self, file: Path) -> None:
        self._file = file

    def time_ns(self) -> int:
        """What time it is."""
        return int.from_bytes(self._file.read_bytes(), "little")


def main() -> int:
    """Run it to its end; returns its exit code."""
    plain = sealing_program._pace

    def pace(config: Store, rules: Sequence[Keep]) -> Pace:
        return replace(plain(config, rules), quiet=-(2**62))

    sealing_program._pace = pace
    sealing_program.TURN_SECONDS = TURN_SECONDS
    vars(sealing_program)["time"] = Clock(Path(os.environ["GUARDIA_CLOCK"]))
    return sealing_program.main([])


if __name__ == "__main__":
    raise SystemExit(main())
