"""The rows of a series in a partition as columns, of which only the groups that came since are read and taken apart.

A group that a commit made durable stays as it is under its key for as long as it is there. Two may change it: that very
commit, tried once more, and the regrouping of what it left fresh for the same minute. So what stands under the highest
number of a commit, or beside something fresh of its own, is compared each time, all else is read once. Groups that
were regrouped have other keys.

A host that tells once a second leaves up to 3,600 groups in an hour. Those of a minute that stay as they are, beside
which nothing is fresh, are joined: whatever is committed later has a later key, so that a look goes on behind them.

Where no transaction came to its end since the look before, and where the keys and all that may change are the same as
then, so is what was found.
"""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Container, Iterator, Mapping, Sequence
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

import lmdb
import numpy as np

from bus.timing import MINUTE
from store.backends import StoreBroken
from store.backends.partitions import CHUNK, Partitions
from store.columns import Columns, Layouts, Numbers, Times
from store.fresh import group_of
from store.keys import FRESH, ROW, STRIPE, fresh_key, row_key
from store.rows import Damaged, opened
from store.uniform import Table, table_of

MOST = 16 * 2**20
"""Bytes of all that is kept together."""
MOST_LOOKS = 200
"""So many transactions until all of a time is known; an hour of ten samples a second takes a dozen at most."""
EACH = 600
"""What a group takes besides its numbers, about."""
FEW = 8
"""So many groups of a minute that still goes on are not joined yet."""
MINUTE_OF = 8
"""Bytes of a row's key that name series and minute."""
END = ROW.size + 1
"""How long the key behind joined groups is; no other key is."""
_SERIALS = itertools.count()


class Group:
    """What is wanted of the records of one group."""

    __slots__ = ("bytes", "form", "names", "serial", "times", "values")

    def __init__(self, form: bytes, names: tuple[str, ...], times: Times, values: Numbers) -> None:
        """``values``: a row for each of ``names``, a column for each of ``times``."""
        self.form = form
        self.names = names
        self.times = times
        self.values = values
        self.serial = next(_SERIALS)
        self.bytes = EACH + times.nbytes + values.nbytes


class Tail(NamedTuple):
    """The groups of a series between two times, both included."""

    groups: list[Group]
    sign: tuple[int, ...]
    """While it is the same, so are the rows."""
    start: int
    end: int

    def columns(self) -> Columns | None:
        """The metrics by time; None when each row has to be looked at."""
        if not self.groups:
            return Columns(np.zeros(0, np.int64), {})
        one = self.groups[0]
        if len({group.form for group in self.groups}) > 1:
            return None
        times = np.concatenate([group.times for group in self.groups])
        values = np.concatenate([group.values for group in self.groups], axis=1)
        if (times[1:] > times[:-1]).all():
            first, last = times.searchsorted(self.start), times.searchsorted(self.end, "right")
            inside = slice(int(first), int(last))
            return Columns(times[inside], dict(zip(one.names, values[:, inside], strict=True)))
        order = np.argsort(times, kind="stable")
        order = order[(times[order] >= self.start) & (times[order] <= self.end)]
        times = times[order]
        if (times[1:] == times[:-1]).any():
            return None
        return Columns(times, dict(zip(one.names, values[:, order], strict=True)))


class _Joined(NamedTuple):
    """The groups of a minute as one, and a key behind all of theirs, by which it is found again."""

    end: bytes
    group: Group


class _Looked(NamedTuple):
    """What a look found: as of which transaction, in which minutes, under which keys."""

    transaction: int
    minutes: tuple[int, int]
    keys: list[bytes]
    groups: list[Group]
    sign: tuple[int, ...]


class _Known:
    """What is known of a series in one environment: its groups by key, those of the last commit with their bytes."""

    __slots__ = ("_of_rows", "bytes", "fresh", "joined", "looked", "loose", "rows", "source")

    def __init__(self, source: lmdb.Environment) -> None:
        self.source = source
        self.rows: dict[bytes, Group | None] = {}
        self.joined: dict[bytes, _Joined] = {}
        """By how the keys of the minute's groups begin."""
        self.fresh: dict[bytes, Group | None] = {}
        """What will be regrouped, and has no such key any more then; rows have theirs for as long as they are."""
        self.loose: dict[bytes, tuple[bytes, Group | None]] = {}
        self.looked: _Looked | None = None
        """The look before."""
        self.bytes = self._of_rows = 0

    def is_same(self, keys: list[bytes], txn: lmdb.Transaction) -> bool:
        """Whether all is as it was at the look before, under these keys."""
        if self.looked is None or keys != self.looked.keys:
            return False
        return all(txn.get(key) == value for key, (value, _) in self.loose.items())

    def learn(self, found: dict[bytes, Group | None], loose: dict[bytes, bytes]) -> None:
        """Keep what was found; of those that are ``loose`` their bytes too, for they may change."""
        for key, group in found.items():
            if key in loose:
                self.loose[key] = loose[key], group
            elif len(key) == ROW.size:
                self.rows[key] = group
                self._of_rows += _size(group)
            else:
                self.fresh[key] = group

    def forget_but(self, fresh: Sequence[bytes], loose: Container[bytes]) -> None:
        """Forget other fresh values than these, and what is not loose any more."""
        self.fresh = {key: self.fresh[key] for key in fresh if key in self.fresh}
        self.loose = {key: one for key, one in self.loose.items() if key in loose}

    def join(self, keys: Sequence[bytes], fresh: Sequence[bytes]) -> list[bytes]:
        """Join what can be joined of the groups under these keys; returns the keys with the joined ones' in its place.

        Where something is fresh it may be regrouped under a key that is not the last, and nothing is joined.
        """
        beside = {key[5:9] for key in fresh}
        rows = len(keys) - len(fresh)
        going_on = _minute(keys[rows - 1]) if rows else b""
        found: list[bytes] = []
        gone: set[bytes] = set()
        for minute, some in itertools.groupby(keys, _minute):
            every = list(some)
            before = self.joined[minute] if len(every[0]) == END else None
            rest = every if before is None else every[1:]
            sure = list(itertools.takewhile(self.rows.__contains__, rest))
            one = None
            if len(sure) > (FEW if minute == going_on else before is None) and minute[4:] not in beside:
                groups = [group for group in map(self.rows.__getitem__, sure) if group is not None]
                one = _as_one(groups if before is None else [before.group, *groups])
            if one is None:
                found += every
                continue
            self._of_rows += one.bytes - sum(_size(self.rows[key]) for key in sure)
            self._of_rows -= 0 if before is None else before.group.bytes
            gone.update(sure)
            self.joined[minute] = _Joined(sure[-1] + b"\0", one)
            found += [self.joined[minute].end, *rest[len(sure) :]]
        if gone:
            # Made anew: a dict from which keys are taken stays as large as it was.
            self.rows = {key: group for key, group in self.rows.items() if key not in gone}
        return found

    def group(self, key: bytes) -> Group | None:
        """What is under a key of a look."""
        if len(key) == END:
            return self.joined[_minute(key)].group
        if key in self.loose:
            return self.loose[key][1]
        return self.rows[key] if len(key) == ROW.size else self.fresh[key]

    def weigh(self) -> None:
        """Tell what all of it takes."""
        of_others = sum([len(value) + _size(group) for value, group in self.loose.values()])
        self.bytes = EACH + self._of_rows + sum(map(_size, self.fresh.values())) + of_others


def _size(group: Group | None) -> int:
    return EACH if group is None else group.bytes


class Tails:
    """Reads them of the partitions of samples; up to ``most`` bytes are kept of those that were read last."""

    def __init__(self, rows: Partitions, layouts: Layouts, most: int = MOST) -> None:
        self._rows = rows
        self._layouts = layouts
        self._most = most
        self._known: OrderedDict[tuple[Path, int, tuple[str, ...]], _Known] = OrderedDict()
        self.bytes = 0

    def read(self, path: Path, number: int, globs: Sequence[str], start: int, end: int) -> Tail | None:
        """The groups that may have rows between two times, both included.

        None when some cannot be taken apart at once, or read: then each has to be looked at.
        """
        key = path, number, tuple(globs)
        try:
            with self._rows.at(path) as source:
                known = self._known.pop(key, None)
                if known is not None:
                    self.bytes -= known.bytes
                if known is None or known.source is not source:
                    known = _Known(source)
                looked = self._look(known, number, globs, (start // MINUTE, end // MINUTE))
        except (StoreBroken, lmdb.Error, Damaged):
            return None
        self._keep(key, known)
        return Tail(looked.groups, looked.sign, start, end)

    def _keep(self, key: tuple[Path, int, tuple[str, ...]], known: _Known) -> None:
        if known.bytes > self._most // 2:
            return
        self._known[key] = known
        self.bytes += known.bytes
        while self.bytes > self._most:
            self.bytes -= self._known.popitem(last=False)[1].bytes

    def _look(self, known: _Known, number: int, globs: Sequence[str], minutes: tuple[int, int]) -> _Looked:
        """The groups of the series in these minutes; raises ``Damaged`` and what else there is."""
        before = known.looked
        if before is not None and before.minutes == minutes and before.transaction == _newest(known.source):
            return before
        first, last = minutes
        for _ in range(MOST_LOOKS):
            found: dict[bytes, Group | None] = {}
            new: dict[bytes, bytes] = {}
            loose: dict[bytes, bytes] = {}
            with known.source.begin() as txn, txn.cursor() as cursor:
                fresh = _fresh(cursor, number, first, last)
                keys = [*_rows(cursor, number, first, last, known.joined), *fresh]
                if before is not None and known.is_same(keys, txn):
                    known.looked = before._replace(transaction=txn.id(), minutes=minutes)
                    return known.looked
                transaction = txn.id()
                unsure = [key for key in keys if len(key) != END and key not in known.rows and key not in known.fresh]
                # Those that are known for sure have earlier ones.
                newest = max(map(_commit, unsure), default=b"")
                beside = {key[5:17] for key in fresh} if unsure else set()
                # Not too many in one transaction: a long one keeps old pages alive.
                for key in unsure[:CHUNK]:
                    value = bytes(txn.get(key, b""))
                    held = known.loose.get(key)
                    if held is not None and held[0] == value:
                        found[key] = held[1]
                    else:
                        new[key] = value
                    if _commit(key) == newest or (len(key) == ROW.size and key[4:16] in beside):
                        loose[key] = value
            found.update(self._taken(new, number, globs))
            known.learn(found, loose)
            if len(unsure) <= CHUNK:
                known.forget_but(fresh, loose)
                keys = known.join(keys, fresh)
                known.weigh()
                groups = [group for group in map(known.group, keys) if group is not None]
                sign = tuple(map(attrgetter("serial"), groups))
                known.looked = _Looked(transaction, minutes, keys, groups, sign)
                return known.looked
        raise Damaged(f"more than {MOST_LOOKS * CHUNK} groups")

    def _taken(self, values: dict[bytes, bytes], number: int, globs: Sequence[str]) -> dict[bytes, Group | None]:
        """What is wanted of the groups in these values; None where one holds none. Raises ``Damaged``."""
        found: dict[bytes, Group | None] = dict.fromkeys(values)
        records = {}
        for key, value in values.items():
            group = group_of(value, number) if len(key) == FRESH.size else value
            if group is not None:
                records[key] = opened(group)[1]
        # Those of one form are taken apart together: one after the other they cost ten times as much.
        table = table_of(b"".join(records.values()), self._layouts) if records else None
        if table is not None:
            found.update(zip(records, _parts(table, globs, list(map(len, records.values()))), strict=True))
            return found
        for key, one in records.items():
            table = table_of(one, self._layouts)
            if table is None:
                raise Damaged("records that have to be looked at one by one")
            (found[key],) = _parts(table, globs, [len(one)])
        return found


def _parts(table: Table, globs: Sequence[str], sizes: Sequence[int]) -> list[Group]:
    """The groups whose records are one after the other in a table, of so many bytes each."""
    columns, times, size = table.values(globs, slice(None)), table.times(), table.rows.shape[1]
    names, found, begin = tuple(columns), [], 0
    values = np.stack(list(columns.values())) if names else np.zeros((0, len(times)))
    for length in sizes:
        end = begin + length // size
        # Each has its own: what stays must not hold what went. And one array, not one a metric: of a group of one
        # row, as a commit of a second leaves it, they took ten times what is in them.
        found.append(Group(table.form, names, times[begin:end].copy(), values[:, begin:end].copy()))
        begin = end
    return found


def _as_one(groups: Sequence[Group]) -> Group | None:
    """All of them, one after the other; None when they differ in form."""
    if not groups or any(group.form != groups[0].form for group in groups):
        return None
    times = np.concatenate([group.times for group in groups])
    values = np.concatenate([group.values for group in groups], axis=1)
    return Group(groups[0].form, groups[0].names, times, values)


def _rows(cursor: lmdb.Cursor, number: int, first: int, last: int, joined: Mapping[bytes, _Joined]) -> list[bytes]:
    """The keys of a series in these minutes, with the joined ones' in its place."""
    found: list[bytes] = []
    end = ROW.pack(number, last, 2**64 - 1)
    more = cursor.set_range(row_key(number, first, 0))
    while more and (key := bytes(cursor.key())) <= end:
        known = joined.get(_minute(key))
        if known is not None and key < known.end:
            found.append(known.end)
            more = cursor.set_range(known.end)
        else:
            found.append(key)
            more = cursor.next()
    return found


def _fresh(cursor: lmdb.Cursor, number: int, first: int, last: int) -> list[bytes]:
    """The keys of fresh values that may hold the series."""
    stripe, place = divmod(number, STRIPE)
    found: dict[bytes, bytes] = {}
    for key in _between(cursor, fresh_key(stripe, first, 0), fresh_key(stripe, last, 2**64 - 1, 255)):
        if len(key) == FRESH.size and key[-1] <= place:
            # Of a commit's values the last that begins at this series or before it holds it, if any does.
            found[key[:-1]] = key
    return list(found.values())


def _between(cursor: lmdb.Cursor, first: bytes, last: bytes) -> list[bytes]:
    if not cursor.set_range(first):
        return []
    keys: Iterator[bytes] = cursor.iternext(keys=True, values=False)  # type: ignore[assignment]
    return list(itertools.takewhile(last.__ge__, keys))


def _newest(source: lmdb.Environment) -> int:
    """The number of its last transaction."""
    return int(source.info()["last_txnid"])


def _minute(key: bytes) -> bytes:
    """How the keys of a series in a minute begin."""
    return key[:MINUTE_OF]


def _commit(key: bytes) -> bytes:
    """The number of the commit that a key names, as it stands there."""
    return key[8:16] if len(key) == ROW.size else key[9:17]
