"""LMDB environments on disk: opened, and what their errors mean.

Maps are opened huge and never resized (resizing under other processes is where LMDB users lose data); the size is
policed by retention and by the writer's low-water mark.
"""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path

import lmdb

from bus.mapped import is_full, room_for
from store.backends import StoreBroken, StoreDamaged, StoreFull

MAP_BYTES = 2**40
MOST_READERS = 512

DAMAGED = (lmdb.CorruptedError, lmdb.InvalidError, lmdb.PageNotFoundError, lmdb.VersionMismatchError)


def explained(error: lmdb.Error, path: Path) -> StoreBroken:
    """LMDB's error in our words. Only a file that is damaged may be put aside; all else may be well tomorrow."""
    if isinstance(error, DAMAGED):
        return StoreDamaged(f"{path}: {error}")
    if isinstance(error, lmdb.MapFullError) or is_full(error):
        return StoreFull(f"{path}: {error}")
    return StoreBroken(f"{path}: {error}")


def environment(path: Path, *, write: bool, databases: int = 0) -> lmdb.Environment:
    """The environment in the folder ``path``; raises ``StoreFull``, ``StoreDamaged`` or ``StoreBroken``."""
    opened: lmdb.Environment | None = None
    try:
        with room_for(path, MOST_READERS, write=write) if write or (path / "data.mdb").exists() else nullcontext():
            opened = lmdb.open(
                os.fspath(path),
                map_size=MAP_BYTES,
                max_dbs=databases,
                max_readers=MOST_READERS,
                readonly=not write,
                mode=0o600,
                create=write,
                readahead=False,
            )
    except (lmdb.Error, OSError) as error:
        if opened is not None:
            opened.close()  # whoever tries it again is this process, which may not open a file twice
        raise explained(error if isinstance(error, lmdb.Error) else lmdb.Error(str(error)), path) from None
    return opened
