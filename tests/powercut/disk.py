"""The states of a disk that a power cut may leave.

What was written and not synced may be there or not, page by page; of a synced write that was under way, sector by
sector. The names in a directory may be there or not, in their order, whatever became of another's; a directory that was
synced has all of its names until then.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from tests.powercut.tracing import Op, moved, swapped

PAGE, SECTOR = 4096, 512
NAMING = ("create", "folder", "rename", "exchange", "remove")


@dataclass(frozen=True, slots=True)
class State:
    """Files by path; what had been said; and where the cut was."""

    files: dict[str, bytes]
    said: list[bytes]
    place: str
    folders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Piece:
    offset: int
    data: bytes | None
    """None: the file's size becomes ``offset``."""


def _pieces(op: Op, size: int) -> list[_Piece]:
    """A write in pieces that do not cross the disk's units."""
    found, start = [], 0
    while start < len(op.data):
        end = min(len(op.data), start + size - (op.offset + start) % size)
        found.append(_Piece(op.offset + start, op.data[start:end]))
        start = end
    return found


def _applied(content: bytearray, pieces: Sequence[_Piece]) -> bytearray:
    for piece in pieces:
        if piece.data is None:
            del content[piece.offset :]
            content.extend(bytes(piece.offset - len(content)))
        else:
            content.extend(bytes(max(0, piece.offset + len(piece.data) - len(content))))
            content[piece.offset : piece.offset + len(piece.data)] = piece.data
    return content


class Disk:
    """What is on it for sure, and what may be."""

    def __init__(self) -> None:
        self._sure: dict[int, bytearray] = {}
        self._maybe: dict[int, list[_Piece]] = {}
        self._names: list[Op] = []
        self._in: dict[str, list[int]] = {}
        """Which names were made in each directory, and..."""
        self._sure_in: dict[str, int] = {}
        """...how many of them are there for sure."""
        self._said: list[bytes] = []

    def do(self, op: Op) -> None:
        """Go on by one act, which has ended."""
        if op.what == "say":
            self._said.append(op.data)
        elif op.what in NAMING:
            self._in.setdefault(_parent(op.to or op.path), []).append(len(self._names))
            self._names.append(op)
        elif op.what == "write":
            self._maybe.setdefault(op.file, []).extend(_pieces(op, PAGE))
        elif op.what == "size":
            self._maybe.setdefault(op.file, []).append(_Piece(op.offset, None))
        elif op.what == "synced":
            _applied(self._sure.setdefault(op.file, bytearray()), _pieces(op, SECTOR))
        elif op.file in self._maybe or op.file in self._sure:
            _applied(self._sure.setdefault(op.file, bytearray()), self._maybe.pop(op.file, []))
        else:
            self._sure_in[op.path] = len(self._in.get(op.path, ()))

    def states(self, chance: random.Random, subsets: int, under_way: Op, place: str) -> Iterator[State]:
        """What a cut while ``under_way`` is done may leave: all, nothing, and so many random parts."""
        yield self._state(lambda: True, range(len(self._names)), place + " all")
        yield self._state(lambda: False, self._kept(lambda sure, _: sure), place + " nothing")
        for number in range(subsets):
            names = self._kept(chance.randint)
            share = chance.random()
            torn = [piece for piece in _pieces(under_way, SECTOR) if chance.random() < 0.5]
            kept = {under_way.file: torn} if under_way.what == "synced" else {}
            yield self._state(lambda share=share: chance.random() < share, names, f"{place} part {number}", kept)

    def _kept(self, count: Callable[[int, int], int]) -> list[int]:
        """The names that are there, when of each directory so many are, between the sure ones and all."""
        kept = [names[: count(self._sure_in.get(where, 0), len(names))] for where, names in self._in.items()]
        return sorted(number for names in kept for number in names)

    def _state(self, keep, names: Iterable[int], place: str, torn: dict[int, list[_Piece]] | None = None) -> State:  # type: ignore[no-untyped-def]
        paths: dict[str, int | None] = {}
        for op in map(self._names.__getitem__, names):
            if op.what == "create":
                paths[op.path] = op.file
            elif op.what == "folder":
                paths[op.path] = None
            elif op.what == "remove":
                paths.pop(op.path, None)
            elif op.what == "exchange":
                paths = {swapped(path, op.path, op.to): file for path, file in paths.items()}
            elif op.path in paths:
                paths = {moved(path, op.path, op.to): file for path, file in paths.items() if path != op.to}
            elif op.file:  # from a directory whose own names are not there
                paths[op.to] = op.file
        top = min((_parent(op.path) for op in self._names), key=len, default="")
        there = {path: file for path, file in paths.items() if _reached(path, top, paths)}
        files = {}
        for path, file in there.items():
            if file is not None:
                pieces = [piece for piece in self._maybe.get(file, []) if keep()] + (torn or {}).get(file, [])
                files[path] = bytes(_applied(bytearray(self._sure.get(file, b"")), pieces))
        folders = tuple(path for path, file in there.items() if file is None)
        return State(files, list(self._said), place, folders)


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def _reached(path: str, top: str, paths: dict[str, int | None]) -> bool:
    """Whether all folders in which it is are there."""
    above = _parent(path)
    return above == top or (paths.get(above, 0) is None and _reached(above, top, paths))


def enumerated(ops: Sequence[Op], seed: int, subsets: int) -> Iterator[State]:
    """A cut at every write, sync and name of ``ops``."""
    chance, disk = random.Random(seed), Disk()
    for number, op in enumerate(ops):
        if op.what != "say":
            yield from disk.states(chance, subsets, op, f"at {number} ({op.what} {op.path.rpartition('/')[2]})")
        disk.do(op)
    yield from disk.states(chance, subsets, Op("say"), "at the end")
