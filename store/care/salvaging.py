"""What is left of a partition that LMDB refuses to read: its pages are followed here, one by one, without LMDB.

A page that is damaged costs what is in it and below it, and nobody's life. A root costs the last transaction: the other
head has that of the tree before, whose pages no transaction has reused yet. The layout of LMDB 0.9's files on machines
of 64 bits, in their own order of bytes:

    page      number u64, 2 bytes, flags u16 (1 branch, 2 leaf, 4 overflow, 8 head),
              lower u16, upper u16 (overflow: how many pages u32), offsets of nodes u16 each until lower
    node      low u16, high u16, flags u16, size of the key u16, key, then of a leaf the value
              branch: the page's number is low, high, flags; leaf: low and high are the value's size, and with flag 1
              the value is on overflow pages, the first of whose numbers, u64, stands in its place
    head      pages 0 and 1: magic u32, version u32, 16 bytes, two trees, last page u64, transaction u64
    tree      size of a page u32 (of the first), flags u16, depth u16, four counts u64, root u64
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import lmdb

from bus.wire import Malformed, walk
from store.backends.environments import MAP_BYTES
from store.fresh import groups_in
from store.keys import COUNT, COUNT_KEY, ROW, is_fresh
from store.rows import Damaged, opened

PAGE = struct.Struct("=QHHHH")
NODE = struct.Struct("=HHHH")
HEAD = struct.Struct("=II16x")
TREE = struct.Struct("=IHH4QQ")
ENDS = struct.Struct("=QQ")
NUMBER = struct.Struct("=Q")
MAGIC, VERSION = 0xBEEFC0DE, 1
BRANCH, LEAF, OVERFLOW = 1, 2, 4
BIG, SPECIAL = 1, 6
"""Flags of nodes: the value is on pages of its own; it is a tree of its own."""
NONE = 2**64 - 1
DEEPEST = 32
AT_ONCE = 2000
Entry = tuple[bytes, bytes]


class Unreadable(Exception):
    """Not even the file's heads can be read."""


@dataclass
class Saved:
    """What a salvage gave: entries and records that were saved, and pages that could not be read."""

    entries: int = 0
    records: int = 0
    counted: int = 0
    """Records that there were, as the partition itself says; 0 when it does not any more."""
    lost: int = 0

    def __str__(self) -> str:
        of = f" of {self.counted}" if self.counted >= self.records else ""
        return f"{self.lost} pages cannot be read; {self.records}{of} records are in the copy"


class Tree:
    """The entries of the main tree of a file; ``lost`` counts the pages that are not what they should be."""

    def __init__(self, data: mmap.mmap | bytes) -> None:
        """Raises ``Unreadable``."""
        self._data = data
        self.lost = 0
        self.pages = 0
        self._seen: set[int] = set()
        heads = [head for at in (0, 4096, 16384, 65536) if (head := self._head(at)) is not None]
        if not heads:
            raise Unreadable("neither of its heads can be read")
        for _, self._size, self._root in sorted(heads, reverse=True):
            if self._root == NONE or self._is_page(self._root):
                break
            self.pages += 1
            self.lost += 1
        else:
            self._root = NONE

    def _head(self, at: int) -> tuple[int, int, int] | None:
        """(transaction, size of a page, root) as a head says; None when it is none."""
        with suppress(struct.error):
            at += PAGE.size
            magic, version = HEAD.unpack_from(self._data, at)
            size, *_ = TREE.unpack_from(self._data, at + HEAD.size)
            *_, root = TREE.unpack_from(self._data, at + HEAD.size + TREE.size)
            _, transaction = ENDS.unpack_from(self._data, at + HEAD.size + 2 * TREE.size)
            if magic == MAGIC and version == VERSION and 512 <= size <= 65536:
                return transaction, size, root
        return None

    def entries(self) -> Iterator[Entry]:
        """All that can be reached, in the order of the tree."""
        if self._root != NONE:
            yield from self._below(self._root, 0)

    def _below(self, number: int, depth: int) -> Iterator[Entry]:
        self.pages += 1
        try:
            flags, nodes = self._page(number)
            if number in self._seen or depth > DEEPEST or not flags & (BRANCH | LEAF):
                raise Malformed("page", "not one of this tree, or not here")
            self._seen.add(number)
        except (Malformed, struct.error):
            self.lost += 1
            return
        for at in nodes:
            try:
                low, high, more, size = NODE.unpack_from(self._data, at)
                key = bytes(self._data[at + NODE.size : at + NODE.size + size])
                if flags & LEAF:
                    yield key, self._value(at + NODE.size + size, low | high << 16, more)
                    continue
            except (Malformed, struct.error):
                self.lost += 1
                continue
            yield from self._below(low | high << 16 | more << 32, depth + 1)

    def _is_page(self, number: int) -> bool:
        with suppress(Malformed, struct.error):
            return bool(self._page(number)[0] & (BRANCH | LEAF))
        return False

    def _page(self, number: int) -> tuple[int, list[int]]:
        """(flags, where each node is); raises ``Malformed`` or ``struct.error``."""
        begin = number * self._size
        if begin + self._size > len(self._data):
            raise Malformed("page", "beyond the end")
        found, _, flags, lower, upper = PAGE.unpack_from(self._data, begin)
        if found != number or not PAGE.size <= lower <= upper <= self._size or lower % 2:
            raise Malformed("page", "another one")
        count = (lower - PAGE.size) // 2
        offsets = struct.unpack_from(f"={count}H", self._data, begin + PAGE.size)
        if any(not upper <= at <= self._size - NODE.size for at in offsets):
            raise Malformed("page", "nodes outside of it")
        return flags, [begin + at for at in offsets]

    def _value(self, at: int, size: int, flags: int) -> bytes:
        if flags & SPECIAL:
            raise Malformed("node", "a tree of its own")
        if not flags & BIG:
            if at % self._size + size > self._size:
                raise Malformed("node", "beyond its page")
            return bytes(self._data[at : at + size])
        (number,) = NUMBER.unpack_from(self._data, at)
        begin = number * self._size
        if begin + self._size > len(self._data):
            raise Malformed("page", "beyond the end")
        found, _, kind, low, high = PAGE.unpack_from(self._data, begin)
        if found != number or not kind & OVERFLOW or PAGE.size + size > (low | high << 16) * self._size:
            raise Malformed("page", "not the value's")
        if begin + PAGE.size + size > len(self._data):
            raise Malformed("page", "beyond the end")
        return bytes(self._data[begin + PAGE.size : begin + PAGE.size + size])


def salvaged(source: Path, to: Path) -> Saved:
    """Write what can be read of the partition in ``source`` to a new one in ``to``; raises ``Unreadable``.

    What of it is no row, or does not hold what was written, is copied as it is where its key is a row's: to be named.
    """
    saved = Saved()
    with (source / "data.mdb").open("rb") as file, _mapped(file.fileno()) as data:
        tree = Tree(data)
        rows = _rows(tree, saved)
        some = list(islice(rows, AT_ONCE))
        if not some:
            raise Unreadable(
                f"{tree.lost} of {tree.pages} pages that were reached cannot be read, and no record was found"
            )
        size = 0
        with lmdb.open(str(to), map_size=MAP_BYTES, mode=0o600, sync=False, readahead=False) as target:
            while some:
                with target.begin(write=True) as txn:
                    for key, value in some:
                        if txn.put(key, value, overwrite=False):
                            saved.entries += 1
                            saved.records += _records(key, value)
                            size += len(value)
                some = list(islice(rows, AT_ONCE))
            with target.begin(write=True) as txn:
                txn.put(COUNT_KEY, COUNT.pack(saved.records, size))
            target.sync(True)
        saved.lost = tree.lost
    return saved


def _rows(tree: Tree, saved: Saved) -> Iterator[Entry]:
    """The entries of a tree that have the keys of rows; how many records there should be is put down."""
    for key, value in tree.entries():
        if key == COUNT_KEY and len(value) == COUNT.size:
            saved.counted = COUNT.unpack(value)[0]
        elif len(key) == ROW.size or is_fresh(key):
            yield key, value


def _records(key: bytes, value: bytes) -> int:
    """How many records a value holds; 0 when it is damaged."""
    with suppress(Damaged, Malformed):
        groups = [group for _, group in groups_in(value)] if is_fresh(key) else [value]
        return sum(sum(1 for _ in walk(opened(group)[1])) for group in groups)
    return 0


def _mapped(file: int) -> Any:
    try:
        return mmap.mmap(file, 0, prot=mmap.PROT_READ)
    except ValueError:
        raise Unreadable("it is empty") from None
