"""How much room rows give back soon: as blocks they take a fraction of it, and the writer removes them then.

So it does with what is dated far ahead, of which nothing is sealed before its time, when room is short.
"""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path

from bus.messages import KINDS
from store.backends.leaving import FAR_AHEAD
from store.backends.partitions import Partitions
from store.backends.values import disk_bytes
from store.keys import period


def returning(rows: Partitions, sealed: Container[Path], after: int, now: int, *, seals: bool) -> int:
    """The bytes of the partitions that are ``sealed`` and not removed yet; and of those that are due, if one ``seals``.

    ``after`` is how long, ns, after its end a partition is due. What is dated far ahead is among them.
    """
    found = [
        path for kind in KINDS for path in rows.between(kind, end=now - period(kind) - after) if seals or path in sealed
    ]
    found += [path for kind in KINDS for path in rows.between(kind, start=now + FAR_AHEAD)]
    return sum(disk_bytes(path / "data.mdb") for path in found)
