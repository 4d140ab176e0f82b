"""Partitions of rows that are about to go: what the state says of them before, so that each is counted once.

The state counts what leaves the rows (``sealed``, ``deleted``, ``moved``) in the transaction that names the partition
as ``leaving``: its kind, its name, when it was last written to, and its last transaction. Who dies before it is gone
is followed by a writer that removes it. A partition of the same name that was made for late rows meanwhile is another.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lmdb

from store.backends import StoreBroken
from store.backends.partitions import Partitions

LEAVING = "leaving"
Meta = dict[str, Any]


def counted(meta: Meta, what: str, kind: str, records: int) -> Meta:
    """The state's record of itself with so many more records of a kind ``deleted`` or ``sealed``."""
    before = meta.get(what, {})
    return {**meta, what: {**before, kind: int(before.get(kind, 0)) + records}}


def leaving(meta: Meta, what: str, kind: str, path: Path, rows: Partitions) -> Meta:
    """The same, with the records of a partition that is about to go."""
    found = counted(meta, what, kind, rows.count(path))
    try:
        return {**found, LEAVING: [kind, path.name, rows.changed(path), rows.transaction(path)]}
    except (StoreBroken, lmdb.Error):
        return {**found, LEAVING: None}  # it cannot be read: then it is doubted, not counted


def let_go(meta: Meta, rows: Partitions) -> None:
    """Remove what the last writer was about to."""
    try:
        kind, name, changed, transaction = meta[LEAVING]
        path = rows.path(kind, name)
        if rows.changed(path) == changed and rows.transaction(path) == transaction:
            rows.remove(path)
    except (KeyError, TypeError, ValueError, StoreBroken, lmdb.Error):
        return
