"""Two folders change places, for whoever is about to read them at one instant; what was prepared beside is taken over.

rows/<kind>/<partition>.gone             is being removed
rows/<kind>/<partition>.compacting       is being made
rows/<kind>/<partition>.compacted-<txn>  holds what the partition held after its transaction <txn>
<store>.restoring                        is being made
<store>.restored                         a store that takes the place of this one when the writer starts
"""

from __future__ import annotations

import ctypes
import os
import time
from contextlib import suppress
from pathlib import Path

from bus.folder import sync_folder
from store.backends import StoreBroken
from store.backends.doubt import is_unborn
from store.care.claiming import idle
from store.folders import entries
from store.stuck import Stuck

GONE = ".gone"
COMPACTING, COMPACTED = ".compacting", ".compacted-"
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2


class Place:
    """Knows whether the store in a folder is still the one that was opened."""

    def __init__(self, store: Path, *, write: bool) -> None:
        self._state = str(store / "state" / "data.mdb")
        self._restored = restored_of(store) if write else None
        self._inode = os.stat(self._state).st_ino

    def check(self) -> None:
        """Raises ``StoreBroken`` when another is there, or waits for this writer to end."""
        if self._restored is not None and self._restored.is_dir():
            raise StoreBroken(f"{self._restored.name} waits to take the store's place")
        try:
            same = os.stat(self._state).st_ino == self._inode
        except OSError as error:
            raise StoreBroken(f"{self._state}: {error.strerror}") from None
        if not same:
            raise StoreBroken("another store was put in the place of this one")


def restored_of(store: Path) -> Path:
    """Where what takes the place of ``store`` waits: where a link leads, on the same disk."""
    store = Path(os.path.realpath(store))
    return store.with_name(store.name + ".restored")


def restoring_of(store: Path) -> Path:
    """Where it is put together until it is whole."""
    store = Path(os.path.realpath(store))
    return store.with_name(store.name + ".restoring")


def exchange(one: Path, other: Path) -> None:
    """Let each have the other's name; raises ``OSError`` where the file system cannot do that (``renameat2(2)``)."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), str(one))
    sync_folder(one.parent)


def prepared(rows: Path) -> list[tuple[Path, Path, int]]:
    """(folder, the partition whose place it is to take, the transaction it is of), for each that is ready."""
    found = []
    for path in sorted(entries(rows, f"*/*{COMPACTED}*")):
        name, _, number = path.name.partition(COMPACTED)
        if number.isdigit():
            found.append((path, path.with_name(name), int(number)))
    return found


def take_restored(store: Path) -> Path | None:
    """Put ``<store>.restored`` into the place of ``store``; returns where that is now. The writer's lock must be held.

    Whenever it ends in the middle, the next call goes on.
    """
    restored = restored_of(store)
    if not restored.is_dir():
        return None
    store = Path(os.path.realpath(store))
    before = store.with_name(f"{store.name}.before-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}")
    if store.exists():
        store.rename(before)
    restored.rename(store)
    sync_folder(store.parent)
    return before if before.exists() else store


def swept(rows: Path, stuck: Stuck) -> None:
    """Remove what somebody was removing when he died, and what the power failed over while it was being made."""
    for gone in entries(rows, f"*/*{GONE}*"):
        stuck.remove(gone)
    left_over(rows, stuck)
    for file in entries(rows, "*/*/data.mdb"):
        if file.parent.name.endswith(COMPACTING):
            continue
        with suppress(OSError):  # what cannot be read is told when it is used
            if is_unborn(file):
                stuck.remove(file.parent)


def left_over(rows: Path, stuck: Stuck) -> None:
    """Remove what a compacting was making when it was killed; while one is at work it stays."""
    with idle(rows) as alone:
        for left in entries(rows, f"*/*{COMPACTING}") if alone else ():
            stuck.remove(left)
