"""Reads all of an environment, to be killed by it instead of others: ``python -m store.backends.walking FOLDER``.

Leaves with 0 when all could be read, with 4 when it is damaged, with 3 when it cannot be had now; a file that kills
its reader leaves with a signal.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import lmdb

from bus.mapped import DAMAGED, NOT_NOW, SOUND, is_passing

HARMLESS = (lmdb.DiskError, lmdb.ReadersFullError, lmdb.LockError, lmdb.MemoryError, lmdb.ReadonlyError)
"""What says nothing about the file."""


def walked(folder: Path) -> int:
    """Read all of the environment in ``folder``; how to leave."""
    data = folder / "data.mdb"
    if not data.exists() or not data.stat().st_size:
        return SOUND
    try:
        with lmdb.open(str(folder), max_dbs=16, readonly=True, max_readers=512, readahead=False) as environment:
            names: list[bytes | None] = [None]
            while names:
                name = names.pop()
                database = environment.open_db(name, create=False)
                if not _walk(environment, database):
                    return DAMAGED
                if name is None and folder.name == "state":
                    with environment.begin() as txn:
                        names = [bytes(key) for key, _ in txn.cursor()]
    except HARMLESS:
        return NOT_NOW
    except (lmdb.Error, ValueError) as error:
        return NOT_NOW if is_passing(error) else DAMAGED
    except (OSError, MemoryError):
        return NOT_NOW
    return SOUND


def _walk(environment: lmdb.Environment, database: Any) -> bool:
    """Whether there are as many rows as the tree says, in their order."""
    with environment.begin(buffers=True) as txn:
        entries = txn.stat(database)["entries"]
        found, last = 0, b""
        for key, value in txn.cursor(database):
            name = bytes(key)
            # A page that leads back to an earlier one would go round for ever.
            if (found and name <= last) or found > entries:
                return False
            last = name
            found += 1
            len(bytes(value))
    return found == entries


if __name__ == "__main__":
    raise SystemExit(walked(Path(sys.argv[1])))
