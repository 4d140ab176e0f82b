"""A program's own memory in LMDB that has to open: a damaged one is put aside, what can be read goes into a new one.

    note = opening(path, tables, log)     before the environment at ``path`` is opened
    closing(path, broken=False)           after it was closed; whether something in it was found damaged

Between the two there is a mark beside it: who finds one knows that the life before did not end as it should, perhaps
because of the file. A damaged LMDB file may kill the process that reads it (SIGBUS, SIGABRT), so child processes look:

    python -m bus.salvage PATH                           0: all can be read; 4: damaged; 3: it cannot be had now
    python -m bus.salvage PATH FRESH TABLE [backwards]   copies the rows of a table until one cannot be read; 4 and 3
                                                         as above

The new one grows as ``PATH.salvaging``, is called ``PATH.salvaged`` when it is whole and on disk, and takes the place
then. Whoever is killed in between leaves the damaged one where it was, or a whole new one: the next life goes on.

A value is its CRC-32 and the rest, as ``alerter.memory`` and ``prober.memory`` have it; a damaged one is left out.
"""

from __future__ import annotations

import logging
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any
from zlib import crc32

import lmdb

from bus.folder import sync_folder
from bus.mapped import DAMAGED, FILE_DAMAGED, NOT_NOW, SOUND, looked, room_for
from bus.process import harden
from bus.spool.doubt import BAD, move_aside

SECONDS = 300.0
MAP_BYTES = 1 << 40
TABLES = 32
AT_ONCE = 50
"""Rows of one transaction: so many at most are lost to a page that kills."""
BROKEN, SALVAGED = "broken", "salvaged"
"""What the mark says: that the memory could not be used; that it was made of a damaged one in a life that goes on."""
_DAMAGE = (*FILE_DAMAGED, lmdb.BadTxnError)
Row = tuple[bytes, bytes]


def opening(path: Path, tables: Sequence[str], log: logging.Logger) -> str:
    """Make sure that the memory at ``path`` can be opened; what was done to it in a sentence, empty when nothing was.

    What a life did to it that did not end as it should is told to the next one too. Raises ``OSError`` when there is no
    room for it; the damaged one stays in its place then.
    """
    mark, whole = _mark(path), _beside(path, "salvaged")
    shutil.rmtree(_beside(path, "salvaging"), ignore_errors=True)
    said = _said(mark)
    note = "it was made of a damaged one" if said == SALVAGED else ""
    doubtful = path.exists() and (mark.exists() or not path.is_dir()) and not _is_new(path)
    if not whole.exists() and doubtful and (said == BROKEN or _child(path)[0] == DAMAGED):
        _save(path, whole, tables)
    if whole.exists():
        _say(mark, SALVAGED)
        aside, saved = _replaced(path, whole, tables)
        note = f"what was remembered is damaged, and put aside as {aside}; {saved} rows of it could be read"
        log.error("%s", note)
    with suppress(OSError):
        mark.touch(mode=0o600)
    return note


def closing(path: Path, *, broken: bool) -> None:
    """The memory is closed; ``broken``: it could not be used, which it may hide from whoever only reads it."""
    mark = _mark(path)
    if broken:
        _say(mark, BROKEN)
    else:
        with suppress(OSError):
            mark.unlink(missing_ok=True)


def is_damage(error: Exception) -> bool:
    """Whether an error of LMDB's says that the file is damaged."""
    return isinstance(error, _DAMAGE)


def _is_new(path: Path) -> bool:
    """Whether nothing was ever kept in it: the life that made the folder had no room, or no file more, for the rest."""
    return path.is_dir() and not (path / "data.mdb").exists()


def _mark(path: Path) -> Path:
    return path.with_name(f"{path.name}.open")


def _say(mark: Path, word: str) -> None:
    """Let the mark say it, or what it said; a kill leaves no half of a word."""
    new = mark.with_name(f"{mark.name}.new")
    with suppress(OSError):
        new.write_text(word)
        new.rename(mark)


def _said(mark: Path) -> str:
    try:
        return mark.read_text()
    except (OSError, UnicodeDecodeError):
        return ""


def _beside(path: Path, word: str) -> Path:
    return path.with_name(f"{path.name}.{word}")


def _child(*arguments: Path | str) -> tuple[int, str]:
    """How it left, and why."""
    command = [sys.executable, "-m", "bus.salvage", *(str(one) for one in arguments)]
    root = Path(__file__).parents[1]
    try:
        done = subprocess.run(  # noqa: S603 - our own
            command, check=False, cwd=root, timeout=SECONDS, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
    except subprocess.TimeoutExpired:
        return NOT_NOW, "it takes too long"  # a slow disk says nothing about the file
    why = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
    if done.returncode < 0:
        why = f"who was to read it was killed by {signal.Signals(-done.returncode).name}"
    return looked(done.returncode), why


def _save(path: Path, whole: Path, tables: Sequence[str]) -> None:
    """Make a new memory of what can be read of the old one; raises ``OSError`` and leaves nothing of it then."""
    partial = _beside(path, "salvaging")
    partial.mkdir(mode=0o700)
    try:
        for table in tables if path.is_dir() else ():
            # From the other end, too: what lies behind the damage.
            if _copied(path, partial, table) == DAMAGED:
                _copied(path, partial, table, "backwards")
        with _fresh(partial) as fresh:
            fresh.sync(True)
        sync_folder(partial)
        partial.rename(whole)
    except (OSError, lmdb.Error) as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise OSError(str(error)) from None


def _copied(path: Path, fresh: Path, *how: str) -> int:
    code, why = _child(path.resolve(), fresh.resolve(), *how)
    if code == NOT_NOW:
        raise OSError(why)
    return code


def _replaced(path: Path, whole: Path, tables: Sequence[str]) -> tuple[str, int]:
    """Put the new memory in the old one's place: where that is now, and how many rows the new one has."""
    sync_folder(path.parent)
    rows = 0
    # Whatever were wrong with it now, the next life would find.
    with suppress(lmdb.Error), _opened(whole) as fresh, fresh.begin() as txn:
        there = [fresh.open_db(name.encode(), txn, create=False) for name in tables if _has(txn, name)]
        rows = sum(int(txn.stat(table)["entries"]) for table in there)
    # Who was killed in between left it where it is by now.
    aside = move_aside(path, time.time_ns()).name if path.exists() else ""
    whole.rename(path)
    sync_folder(path.parent)
    return aside or max((one.name for one in path.parent.glob(f"{path.name}{BAD}*")), default="nothing"), rows


def _has(txn: Any, table: str) -> bool:
    return txn.get(table.encode()) is not None


@contextmanager
def _fresh(path: Path) -> Iterator[Any]:
    """A new memory, opened where a full disk is an error and kills nobody."""
    with room_for(path):
        memory = _opened(path)
    with memory:
        yield memory


def _opened(path: Path, *, readonly: bool = False) -> Any:
    return lmdb.open(
        str(path), map_size=MAP_BYTES, max_dbs=TABLES, readonly=readonly, lock=not readonly, sync=False, mode=0o600
    )


def walked(path: Path) -> int:
    """Read everything; raises, or does not return, when that cannot be done."""
    _look_at(path)
    count = 0
    with _opened(path, readonly=True) as memory, memory.begin() as txn:
        for name in [bytes(key) for key, _ in txn.cursor()]:
            for _, value in txn.cursor(memory.open_db(name, txn, create=False)):
                count += len(value) > 0
    return count


def _look_at(path: Path) -> None:
    if not path.is_dir() or not (path / "data.mdb").is_file():
        raise lmdb.InvalidError(f"{path} is no memory")


def copied(path: Path, fresh: Path, table: str, *, backwards: bool = False) -> None:
    """Copy the rows of ``table`` whose checksums hold into the memory ``fresh``, until one cannot be read."""
    _look_at(path)
    with _opened(path, readonly=True) as memory, _fresh(fresh) as new:
        try:
            with memory.begin() as txn:
                if _has(txn, table):
                    there = memory.open_db(table.encode(), txn, create=False)
                    _copy(_rows(txn.cursor(there), backwards=backwards), new, table)
        except lmdb.Error as error:  # however the damage shows
            raise lmdb.CorruptedError(str(error)) from None


def _copy(rows: Iterator[Row], new: Any, table: str) -> None:
    more = True
    while more:
        some: list[Row] = []
        try:
            some.extend(islice(rows, AT_ONCE))
        finally:
            _write(some, new, table)  # what came before a row that cannot be read is kept
        more = len(some) == AT_ONCE


def _write(rows: Sequence[Row], new: Any, table: str) -> None:
    try:
        target = new.open_db(table.encode())
        with new.begin(write=True) as txn:
            for key, value in rows:
                if len(value) > 4 and crc32(value[4:]) == int.from_bytes(value[:4], "big"):
                    txn.put(key, value, db=target)
    except lmdb.Error as error:
        raise OSError(str(error)) from None


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
    except (OSError, MemoryError, lmdb.Error) as error:
        sys.stderr.write(f"{error}\n")
        return NOT_NOW
    except Exception as error:  # whatever its bytes are taken for
        sys.stderr.write(f"{error}\n")
        return DAMAGED
    return SOUND


if __name__ == "__main__":
    harden(supervised=True)  # nobody writes on into what the next life begins anew
    raise SystemExit(main(sys.argv[1:]))
