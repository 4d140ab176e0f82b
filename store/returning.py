"""How much room rows give back soon: as blocks they take a fraction of it, and the writer removes them then.

When room is short it removes what is dated far ahead too, of which nothing is sealed before its time.
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

    ``after`` is how long, ns, after its end a partition is due.
    """
    return sum(
        disk_bytes(path / "data.mdb")
        for kind in KINDS
        for path in rows.between(kind, end=now - period(kind) - after)
        if seals or path in sealed
    )


def ahead(rows: Partitions, now: int) -> int:
    """The bytes of the partitions that are dated far ahead."""
    return sum(disk_bytes(path / "data.mdb") for kind in KINDS for path in rows.between(kind, start=now + FAR_AHEAD))
