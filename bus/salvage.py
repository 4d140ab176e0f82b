"""A program's own memory in LMDB that has to open: a damaged one is put aside, what can be read goes into a new one.

    note = opening(path, tables, log)     before the environment at ``path`` is opened
    closing(path, broken=False)           after it was closed; whether something in it was found damaged

Between the two there is a mark beside it: who finds one knows that the life before did not end as it should, perhaps
because of the file. A damaged LMDB file may kill the process that reads it (SIGBUS, SIGABRT), so child processes look:

    python -m bus.salvage PATH                           0: all can be read; 1: damaged; 3: it cannot be had now
    python -m bus.salvage PATH FRESH TABLE [backwards]   copies the rows of a table until one cannot be read

A value is its CRC-32 and the rest, as ``alerter.memory`` and ``prober.memory`` have it; a damaged one is left out.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any
from zlib import crc32

import lmdb

from bus.mapped import FILE_DAMAGED, settle
from bus.spool.doubt import DAMAGED, NOT_NOW, SOUND, move_aside

SECONDS = 300.0
MAP_BYTES = 1 << 40
TABLES = 32
AT_ONCE = 50
"""Rows of one transaction: so many at most are lost to a page that kills."""
BROKEN = "broken"
_DAMAGE = (*FILE_DAMAGED, lmdb.BadTxnError)
Row = tuple[bytes, bytes]


def opening(path: Path, tables: Sequence[str], log: logging.Logger) -> str:
    """Make sure that the memory at ``path`` can be opened; what was done to it in a sentence, empty when nothing was.

    Raises ``OSError`` when there is no room for that.
    """
    mark = _mark(path)
    note = ""
    if path.exists() and (mark.exists() or not path.is_dir()) and (_said(mark) == BROKEN or _child(path) == DAMAGED):
        aside = move_aside(path, time.time_ns())
        saved = _saved(aside, path, tables) if aside.is_dir() else 0
        note = f"what was remembered is damaged, and put aside as {aside.name}; {saved} rows of it could be read"
        log.error("%s", note)
    with suppress(OSError):
        mark.touch(mode=0o600)
    return note


def closing(path: Path, *, broken: bool) -> None:
    """The memory is closed; ``broken``: it could not be used, which it may hide from whoever only reads it."""
    mark = _mark(path)
    with suppress(OSError):
        if broken:
            mark.write_text(BROKEN)
        else:
            mark.unlink(missing_ok=True)


def is_damage(error: Exception) -> bool:
    """Whether an error of LMDB's says that the file is damaged."""
    return isinstance(error, _DAMAGE)


def _mark(path: Path) -> Path:
    return path.with_name(f"{path.name}.open")


def _said(mark: Path) -> str:
    try:
        return mark.read_text()
    except (OSError, UnicodeDecodeError):
        return ""


def _child(*arguments: Path | str) -> int:
    command = [sys.executable, "-m", "bus.salvage", *(str(one) for one in arguments)]
    root = Path(__file__).parents[1]
    try:
        done = subprocess.run(  # noqa: S603 - our own
            command, check=False, cwd=root, timeout=SECONDS, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        return DAMAGED
    return done.returncode if done.returncode in (SOUND, NOT_NOW) else DAMAGED


def _saved(aside: Path, path: Path, tables: Sequence[str]) -> int:
    """Fill a new memory with what can be read of the old one; how many rows that were."""
    path.mkdir(mode=0o700)
    aside, path = aside.resolve(), path.resolve()
    for table in tables:
        if _child(aside, path, table) != SOUND:
            # From the other end, too: what lies behind the damage.
            _child(aside, path, table, "backwards")
    settle(path.parent)
    with _opened(path) as fresh:
        fresh.sync(True)
        with fresh.begin() as txn:
            there = [fresh.open_db(name.encode(), txn, create=False) for name in tables if _has(txn, name)]
            return sum(int(txn.stat(table)["entries"]) for table in there)


def _has(txn: Any, table: str) -> bool:
    return txn.get(table.encode()) is not None


def _opened(path: Path, *, readonly: bool = False) -> Any:
    return lmdb.open(
        str(path), map_size=MAP_BYTES, max_dbs=TABLES, readonly=readonly, lock=not readonly, sync=False, mode=0o600
    )


def walked(path: Path) -> int:
    """Read everything; raises, or does not return, when that cannot be done."""
    if not path.is_dir() or not (path / "data.mdb").is_file():
        raise lmdb.InvalidError(f"{path} is no memory")
    count = 0
    with _opened(path, readonly=True) as memory, memory.begin() as txn:
        for name in [bytes(key) for key, _ in txn.cursor()]:
            for _, value in txn.cursor(memory.open_db(name, txn, create=False)):
                count += len(value) > 0
    return count


def copied(path: Path, fresh: Path, table: str, *, backwards: bool = False) -> None:
    """Copy the rows of ``table`` whose checksums hold into the memory ``fresh``, until one cannot be read."""
    with _opened(path, readonly=True) as memory, _opened(fresh) as new, memory.begin() as txn:
        if not _has(txn, table):
            return
        there, target = memory.open_db(table.encode(), txn, create=False), new.open_db(table.encode())
        rows, fault, more = _rows(txn.cursor(there), backwards=backwards), None, True
        while more:
            some: list[Row] = []
            try:
                some.extend(islice(rows, AT_ONCE))
            except lmdb.Error as error:
                fault = error  # what came before it is kept
            with new.begin(write=True) as writing:
                for key, value in some:
                    if len(value) > 4 and crc32(value[4:]) == int.from_bytes(value[:4], "big"):
                        writing.put(key, value, db=target)
            more = len(some) == AT_ONCE
        if fault is not None:
            raise fault


def _rows(cursor: Any, *, backwards: bool) -> Iterator[Row]:
    """Rows until the end, or until one cannot be read."""
    found = cursor.last() if backwards else cursor.first()
    while found:
        yield bytes(cursor.key()), bytes(cursor.value())
        found = cursor.prev() if backwards else cursor.next()


def main(words: Sequence[str]) -> int:
    """Look, or copy; how it leaves says what came of it."""
    try:
        if len(words) == 1:
            walked(Path(words[0]))
        else:
            copied(Path(words[0]), Path(words[1]), words[2], backwards=len(words) > 3)
    except _DAMAGE as error:
        sys.stderr.write(f"{error}\n")
        return DAMAGED
    except (OSError, lmdb.Error) as error:
        sys.stderr.write(f"{error}\n")
        return NOT_NOW
    return SOUND


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
