"""Fresh rows in a partition: put, read, and given rows of their own when some commits of a stripe are together.

A commit of many series with few records each is put as one value a stripe (``store.fresh``): one page takes many of
them. Each following commit regroups some stripes in its own transaction, so that no record is ever in two places or in
none, and that what is fresh stays little. What no commit follows is regrouped when the writer has nothing else to do.
"""

from __future__ import annotations

import heapq
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

import lmdb

from bus.wire import Malformed, walk
from store.fresh import PAGE, fresh, group_of, groups_in, pages, together
from store.keys import COUNT, COUNT_KEY, FRESH, FRESH_MARK, ROW, STRIPE, fresh_key, is_fresh, row_key
from store.rows import Damaged, Seen, opened, salvaged, seen

MANY = 16
"""A commit of fewer groups is put as rows."""
EACH = 2
"""Groups that a fresh value has to hold on an average: those of fewer save no pages."""
TOGETHER = 12
"""Commits of a stripe that are regrouped at once, at least."""
SHARE = 16
"""Each commit regroups one stripe, and one more for so many that have something fresh."""
SERIES = 4
"""A row's key begins with so many bytes of its series' number."""
SECONDS = 0.1
"""A writer with nothing else to do regroups for about so long at a time."""
Rows = Sequence[tuple[int, int, bytes]]
"""(series' number, minute, group), in this order."""
Note = Callable[[str], None]


class Regrouping:
    """Writes rows, and knows of how many commits each stripe has fresh values; ``note`` is told of damage."""

    def __init__(self, note: Note) -> None:
        self._note = note
        self._held: dict[Path, Counter[int]] = {}
        self._written: set[Path] = set()

    def put(self, path: Path, target: lmdb.Environment, commit: int, rows: Rows, records: int, *, again: bool) -> None:
        """Make ``rows`` of one commit durable, which hold so many records; raises ``lmdb.Error``.

        ``again``: some of them may be there already, from a commit that did not come to its end.
        """
        entries = _fresh_entries(commit, rows)
        as_rows = not entries
        with target.begin(write=True) as txn:
            count, size = COUNT.unpack(bytes(txn.get(COUNT_KEY) or COUNT.pack(0, 0)))
            held = Counter(self._held[path] if path in self._held else stripes_in(txn))
            # What a commit left that did not come to its end is regrouped first: this one has the same number.
            share = len(held) if again else 1 + len(held) // SHARE
            for stripe in heapq.nlargest(share, held, key=held.__getitem__) if held else ():
                if again or as_rows or held[stripe] >= TOGETHER:
                    size += self._regroup(path, txn, stripe, commit)
                    del held[stripe]
            if again:
                rows, gone, less = _beside(txn, commit, rows, as_rows=as_rows)
                # All that could be read was regrouped.
                less += sum(len(there) for there in (txn.get(key) for key, _ in entries) if there is not None)
                count, size = count - gone, size - less
            entries = entries or [(row_key(number, minute, commit), value) for number, minute, value in rows]
            with txn.cursor() as cursor:
                cursor.putmulti(entries)
            txn.put(COUNT_KEY, COUNT.pack(count + records, size + sum([len(value) for _, value in entries])))
        if not as_rows:
            held.update({FRESH.unpack(key)[1] for key, _ in entries})
        self._held[path] = held
        self._written.add(path)

    def idle(self) -> list[Path]:
        """The partitions with something fresh to which nothing was written since the last call."""
        found = [path for path, held in self._held.items() if held and path not in self._written]
        self._written.clear()
        return found

    def regroup(self, path: Path, target: lmdb.Environment, seconds: float = SECONDS) -> None:
        """Regroup what is fresh in a partition, for about so long; raises ``lmdb.Error``."""
        until = time.monotonic() + seconds
        while (held := self._held.get(path)) and time.monotonic() < until:
            some = list(held)[:SHARE]
            with target.begin(write=True) as txn:
                count, size = COUNT.unpack(bytes(txn.get(COUNT_KEY) or COUNT.pack(0, 0)))
                size += sum(self._regroup(path, txn, stripe) for stripe in some)
                txn.put(COUNT_KEY, COUNT.pack(count, size))
            self._held[path] = Counter({stripe: n for stripe, n in held.items() if stripe not in some})

    def forget(self, path: Path) -> None:
        """The partition is no more, or another has its name."""
        self._held.pop(path, None)

    def _regroup(self, path: Path, txn: lmdb.Transaction, stripe: int, under_way: int = -1) -> int:
        """Give the groups of a stripe rows of their own; returns by how many bytes the values became more.

        What is there of the commit ``under_way`` is joined with no other's.
        """
        taken: list[bytes] = []
        found: dict[tuple[int, int], dict[int, bytes]] = {}
        grown = 0
        for key, value in _fresh_values(txn, stripe):
            _, _, minute, commit, _ = FRESH.unpack(key)
            try:
                groups = groups_in(value)
            except Damaged as error:
                self._note(f"{path}: key {key.hex()}: {error}")
                continue  # it stays for whoever wants to look at it
            for number, group in groups:
                found.setdefault((number, minute), {})[commit] = group
            taken.append(key)
            grown -= len(value)
        rows: dict[bytes, bytes] = {}
        for (number, minute), by_commit in found.items():
            left = by_commit.pop(under_way, None)
            for part in [*pages(sorted(by_commit.items())), *([[(under_way, left)]] if left else [])]:
                key, of_series = row_key(number, minute, part[-1][0]), [group for _, group in part]
                there = txn.get(key)
                if there is not None:
                    # A commit that did not come to its end left it.
                    of_series.insert(0, bytes(there))
                try:
                    rows[key] = together(of_series)
                except Damaged:
                    # Each stays as it is: readers take what is whole of it.
                    for commit, group in part:
                        rows[_free(txn, rows, row_key(number, minute, commit))] = group
                else:
                    grown -= 0 if there is None else len(there)
        for key in taken:
            txn.delete(key)
        with txn.cursor() as cursor:
            cursor.putmulti(sorted(rows.items()))
        return grown + sum(map(len, rows.values()))


def fresh_of(txn: lmdb.Transaction, number: int, first: int, last: int, note: Note) -> list[bytes]:
    """The fresh groups of a series between two minutes, both included, by time and commit."""
    stripe, place = divmod(number, STRIPE)
    values: dict[bytes, tuple[bytes, bytes]] = {}
    with txn.cursor() as cursor:
        more = cursor.set_range(fresh_key(stripe, first, 0))
        end = fresh_key(stripe, last, 2**64 - 1, 255)
        while more and (key := bytes(cursor.key())) <= end:
            if is_fresh(key) and key[-1] <= place:
                # Of a commit's values the last that begins at this series or before it holds it, if any does.
                values[key[:-1]] = key, bytes(cursor.value())
            more = cursor.next()
    found = []
    for key, value in values.values():
        try:
            group = group_of(value, number)
        except Damaged as error:
            note(f"key {key.hex()}: {error}")
        else:
            if group is not None:
                found.append(group)
    return found


def fresh_in(txn: lmdb.Transaction, note: Note, after: int = -1) -> dict[int, list[bytes]]:
    """The fresh groups of commits after ``after``, by series, ascending."""
    found: dict[int, list[bytes]] = {}
    for key, value in _fresh_values(txn):
        if FRESH.unpack(key)[3] <= after:
            continue
        try:
            for number, group in groups_in(value):
                found.setdefault(number, []).append(group)
        except Damaged as error:
            note(f"key {key.hex()}: {error}")
    return dict(sorted(found.items()))


def series_in(txn: lmdb.Transaction, note: Note) -> Iterator[list[Seen]]:
    """The groups of each series, one series after the other; what is fresh comes last."""
    fresh = fresh_in(txn, note)
    groups: list[Seen] = []
    number, prefix, size = -1, b"", ROW.size
    for key, value in cast("Iterable[tuple[bytes, bytes]]", txn.cursor()):
        if len(key) != size:
            continue
        if key[:SERIES] != prefix:
            if groups := groups + _opened(number, fresh.pop(number, ()), note):
                yield groups
            groups, number, prefix = [], ROW.unpack(key)[0], key[:SERIES]
            for alone in [one for one in fresh if one < number]:
                yield _opened(alone, fresh.pop(alone), note)
        try:
            groups.append(seen(value))
        except Damaged as error:
            groups += _salvaged(number, value, error, note)
    if groups := groups + _opened(number, fresh.pop(number, ()), note):
        yield groups
    for alone, values in fresh.items():
        yield _opened(alone, values, note)


def _opened(number: int, values: Iterable[bytes], note: Note) -> list[Seen]:
    groups: list[Seen] = []
    for value in values:
        try:
            groups.append(seen(value))
        except Damaged as error:
            groups += _salvaged(number, value, error, note)
    return groups


def _salvaged(number: int, value: bytes, error: Damaged, note: Note) -> list[Seen]:
    whole: list[Seen] = [(received, record, ()) for _, received, record in salvaged(value)]
    note(f"a group of series {number}: {error}; {len(whole)} records of it are whole")
    return whole


def stripes_in(txn: lmdb.Transaction) -> Counter[int]:
    """Of how many commits each stripe has fresh values."""
    return Counter(
        stripe for stripe, _ in {(FRESH.unpack(key)[1], FRESH.unpack(key)[3]) for key, _ in _fresh_values(txn)}
    )


def _fresh_values(txn: lmdb.Transaction, stripe: int | None = None) -> Iterator[tuple[bytes, bytes]]:
    """The fresh values, of one stripe or of all, in the order of their keys."""
    with txn.cursor() as cursor:
        more = cursor.set_range(fresh_key(stripe or 0, 0, 0))
        while more:
            key = bytes(cursor.key())
            if key[0] != FRESH_MARK or (stripe is not None and is_fresh(key) and FRESH.unpack(key)[1] != stripe):
                return
            if is_fresh(key):
                yield key, bytes(cursor.value())
            more = cursor.next()


def _fresh_entries(commit: int, rows: Rows) -> list[tuple[bytes, bytes]]:
    """What is put in the place of a commit's rows where that is fewer by far; else nothing."""
    if len(rows) >= MANY and sum([len(value) for _, _, value in rows]) * EACH <= PAGE * len(rows):
        stripes: dict[tuple[int, int], list[tuple[int, bytes]]] = {}
        for number, minute, value in rows:
            stripes.setdefault((number // STRIPE, minute), []).append((number, value))
        values = [
            (fresh_key(*place, commit, page[0][0] % STRIPE), page)
            for place, groups in stripes.items()
            for page in pages(groups)
        ]
        if len(rows) >= EACH * len(values):
            return sorted([(key, fresh(page)) for key, page in values])
    return []


def _beside(txn: lmdb.Transaction, commit: int, rows: Rows, *, as_rows: bool) -> tuple[Rows, int, int]:
    """Rows that lose nothing of what stands under their keys, and how many records and bytes of that go.

    Under the number of a commit that did not come to its end stands what that left. What is tried again begins with it.
    """
    found: list[tuple[int, int, bytes]] = []
    records = size = 0
    for number, minute, value in rows:
        key = row_key(number, minute, commit)
        there = txn.get(key)
        if there is not None:
            before = bytes(there)
            try:
                left, told = opened(before)[1], opened(value)[1]
                if told.startswith(left):
                    records += sum(1 for _ in walk(left))
                    size += len(before)
                    txn.delete(key)
                elif as_rows:
                    value = together([before, value])
                    size += len(before)
            except (Damaged, Malformed):
                txn.put(_free(txn, {}, key), before)
                txn.delete(key)
        found.append((number, minute, value))
    return found, records, size


def _free(txn: lmdb.Transaction, taken: Mapping[bytes, bytes], key: bytes) -> bytes:
    """A key for a row under which nothing stands: this one, or that of an earlier commit."""
    number, minute, commit = ROW.unpack(key)
    while key in taken or txn.get(key) is not None:
        commit -= 1
        key = row_key(number, minute, commit)
    return key
