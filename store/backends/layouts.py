"""The layouts in the state of an LMDB store: learnt, heard of, and forgotten when nothing refers to them any more.

    layouts   layout id u64  ->  checksum u32, names joined by newlines
    heard     layout id u64  ->  checksum u32, when it was heard of last i64, who announced it first

Who opens a store without ``heard``, which later versions added, hears of every layout just then.
"""

from __future__ import annotations

import logging
import struct
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any
from zlib import crc32

import lmdb

from bus.messages import layout_id
from bus.timing import HOUR
from store.backends import StoreBroken
from store.backends.listed import start_of
from store.backends.partitions import BAD, Partitions
from store.backends.values import layouts_of, names_of, pack_names, unpack_latest, unpack_names
from store.folders import entries
from store.keys import LAYOUT
from store.layouts import NOBODY, Kept, Ledger, forgotten_before

HEARD = struct.Struct(">Iq")
MOST_LOOKED_AT = 20_000
"""Records of times to come that are looked at for the layouts which they need."""
UNSEALED = 2 * HOUR
"""Partitions that began longer ago, ns, are sealed."""
AT_ONCE = 20_000
"""So many are forgotten in one go: a commit waits for it."""
log = logging.getLogger("guardia")


class StateLayouts:
    """A writer's. ``db`` are the state's databases."""

    def __init__(self, state: lmdb.Environment, db: dict[str, Any], now: int) -> None:
        self._state = state
        self._db = db
        self._heard = state.open_db(b"heard", create=True)
        self._ledger = Ledger()
        self._began = now
        self.ids: set[int] = set()
        """Those that are on the disk."""
        with state.begin() as txn:
            for key, value in txn.cursor(db["layouts"]):
                found = LAYOUT.unpack(key)[0]
                source, heard = unpack_heard(txn.get(key, db=self._heard)) or (NOBODY, now)
                self._ledger.load(found, source, len(value), heard)
                self.ids.add(found)
        self._ledger.changed = {found for found in self.ids if self._ledger[found].source == NOBODY}

    def may_learn(self, source: str, names: tuple[str, ...], now: int, most: int) -> bool:
        """Whether the names of a layout are kept; see ``Backend``."""
        return self._ledger.learn(layout_id(names), source, sum(map(len, names)) + len(names), now, most)

    def fresh(self, records: Iterable[bytes], now: int) -> dict[int, bytes]:
        """What is to be put of the layouts that these records announce."""
        found: dict[int, bytes] = {}
        for record in records:
            names = names_of(record)
            layout = layout_id(names) if names else None
            if layout is not None and layout not in self.ids:
                found[layout] = pack_names(names)
                self._ledger.learn(layout, NOBODY, len(found[layout]), now, 0)
            elif layout is not None:
                self._ledger.hear(layout, now)
        return found

    def put_heard(self, txn: lmdb.Transaction) -> set[int]:
        """Write down what was heard of those that are on the disk; then comes ``noted``."""
        changed = self._ledger.changed & self.ids
        with txn.cursor(self._heard) as cursor:
            cursor.putmulti(sorted((LAYOUT.pack(one), _packed(self._ledger[one])) for one in changed))
        return changed

    def noted(self, changed: set[int]) -> None:
        """What ``put_heard`` gave is on the disk."""
        self._ledger.changed -= changed

    def hear(self, layouts: Iterable[int], now: int) -> None:
        """These are used."""
        for layout in layouts:
            self._ledger.hear(layout, now)

    def forget_unused(self, rows: Partitions, now: int) -> int:
        """Forget those of which nothing was heard for long, and to which no row refers; returns how many."""
        # What began shortly before this life was of times to come when it was told, and may wait to be sealed.
        begun, ahead = _since(rows, now, now if now - self._began > UNSEALED else min(now, self._began - UNSEALED))
        stale = self._ledger.stale(forgotten_before(now, begun))
        for layout in stale:
            if layout not in self.ids:  # it was announced by what was not stored
                self._ledger.forget(layout)
        stale = [layout for layout in stale if layout in self.ids]
        needed = _layouts_in(rows, ahead) if stale else None
        if needed is None:
            return 0
        for layout, start in needed.items():
            self._ledger.need(layout, start)  # until it is sealed, also when its time has come
        return self._forget(stale, set(needed))

    def _forget(self, layouts: Sequence[int], used: set[int]) -> int:
        with self._state.begin(write=True) as txn:
            for _, value in txn.cursor(self._db["latest"]):
                stored = unpack_latest(value)
                used |= layouts_of([stored.record]) if stored is not None else set()
            gone = list(islice((layout for layout in layouts if layout not in used), AT_ONCE))
            for layout in gone:
                txn.delete(LAYOUT.pack(layout), db=self._db["layouts"])
                txn.delete(LAYOUT.pack(layout), db=self._heard)
        for layout in gone:
            self._ledger.forget(layout)
            self.ids.discard(layout)
        if gone:
            log.info("forgot %d layouts to which nothing refers any more", len(gone))
        return len(gone)


def names_in(txn: lmdb.Transaction, database: Any, ids: Iterable[int]) -> dict[int, tuple[str, ...]]:
    """The names behind those layouts that are in the state."""
    found = {layout: unpack_names(txn.get(LAYOUT.pack(layout), db=database)) for layout in ids}
    return {layout: names for layout, names in found.items() if names}


def _since(rows: Partitions, now: int, after: int) -> tuple[list[int], list[Path]]:
    """(since when there are samples in partitions that began, those that begin ``after``); doubted ones count too."""
    folder = rows.path("sample", "any").parent
    names = {path.name.partition(".")[0] for path in entries(folder, "*") if BAD not in path.name}
    starts = {name: start for name in names if (start := start_of(name)) is not None}
    ahead = [folder / name for name, start in sorted(starts.items()) if start > after]
    return [start for start in starts.values() if start <= now], ahead


def _layouts_in(rows: Partitions, paths: Sequence[Path]) -> dict[int, int] | None:
    """The layouts of the samples in these, each with when the last of these begins; they are in their order.

    None when that is too much to look at, or cannot be read.
    """
    if sum(map(rows.count, paths)) > MOST_LOOKED_AT:
        return None
    found: dict[int, int] = {}
    try:
        for path in paths:
            start = start_of(path.name) or 0
            with rows.scanned(path) as (_, series):
                for groups in series:
                    found |= dict.fromkeys(layouts_of(bytes(records) for _, records, _ in groups), start)
    except (StoreBroken, lmdb.Error):
        return None
    return found


def _packed(kept: Kept) -> bytes:
    value = HEARD.pack(0, kept.heard)[4:] + kept.source.encode()
    return HEARD.pack(crc32(value), 0)[:4] + value


def unpack_heard(value: bytes | memoryview | None) -> tuple[str, int] | None:
    """(who announced a layout first, when it was heard of last); None when that is not known, or damaged."""
    if not value or len(value) < HEARD.size:
        return None
    checksum, heard = HEARD.unpack_from(value)
    source = bytes(value[HEARD.size :])
    return (source.decode(errors="replace"), heard) if crc32(bytes(value[4:])) == checksum else None
