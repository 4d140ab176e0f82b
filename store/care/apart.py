"""A process apart that reads files which may kill it: ``python -m store.care.apart STORE``.

It takes requests on its standard input and answers each, both one line of JSON:

    {"do": "inspect", "path": P}           ->  a Finding
    {"do": "alone", "path": P}             ->  a Finding, without a look into a state that cannot be read
    {"do": "copy", "path": P, "to": T}     ->  {}; a copy without free pages, on the disk
    {"do": "complete", "path": P, "to": T} ->  {"format": N, "generation": N}; the copied state T, see ``completed``
    {"do": "salvage", "path": P, "to": T}  ->  {"saved": a sentence}; what can be read of what cannot be copied
    {"do": "rewrite", "path": P, "to": T}  ->  {"txn": N}; entry by entry, pages full, as of transaction N

An answer with ``error`` says why there is none; ``later`` too, where that says nothing about the file: ``ask`` raises
it as ``StoreBroken``. ``gone``: the file is not there (any more).
"""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import lmdb

from bus.mapped import EMPTY, is_passing, was_killed
from bus.messages import KINDS
from store.backends import StoreBroken
from store.backends.doubt import ROOT, is_unborn
from store.backends.environments import MAP_BYTES, environment
from store.backends.exchange import GONE
from store.backends.formats import LEAP, databases, read_meta, write_meta
from store.backends.listed import start_of
from store.blocks.aside import BAD
from store.blocks.segments import NEW
from store.care.inspecting import (
    Finding,
    Series,
    inspect_any,
    inspect_archived,
    inspect_rows,
    inspect_segment,
    inspect_state,
)
from store.care.salvaging import Unreadable, salvaged
from store.folders import entries

MANIFEST = "snapshot.json"
"""In the folder of a snapshot; such a folder has no writer, and is not written to, by LMDB's locks neither."""
AT_ONCE = 2000
"""Entries that one transaction of a rewriting holds."""
DENIED = "cannot be read: permission denied"
ASIDE = (".bad-", GONE, ".compact")
"""Parts of names of folders that are none of the store's partitions."""


class Died(Exception):
    """The process apart was killed by what it read; the text says by which signal."""


class Apart:
    """The parent's end: one process, made anew after it died."""

    def __init__(self, store: Path) -> None:
        self._store = store
        self._child: subprocess.Popen[str] | None = None

    def ask(self, do: str, path: Path, to: Path | None = None) -> dict[str, Any]:
        """The answer; raises ``Died``, and ``StoreBroken`` when nothing can be said now."""
        if self._child is None:
            command = [sys.executable, "-m", "store.care.apart", str(self._store.resolve())]
            self._child = subprocess.Popen(  # noqa: S603 - our own
                command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            )
        child = self._child
        assert child.stdin is not None
        assert child.stdout is not None
        request = {"do": do, "path": str(path.resolve()), "to": str(to.resolve()) if to else None}
        try:
            child.stdin.write(json.dumps(request) + "\n")
            child.stdin.flush()
            line = child.stdout.readline()
        except BrokenPipeError:
            line = ""
        if line:
            answer = dict(json.loads(line))
            if "later" in answer:
                raise StoreBroken(str(answer["later"]))
            return answer
        code = child.wait()
        self.close()
        if code >= 0 or was_killed(code):  # what it read did not do this
            raise StoreBroken(f"{path} cannot be read now: who was to read it ended with {code}")
        raise Died(signal.Signals(-code).name)

    def close(self) -> None:
        """End the process."""
        if self._child is not None:
            for pipe in (self._child.stdin, self._child.stdout):
                if pipe is not None:
                    with suppress(BrokenPipeError):  # it ended before it was asked
                        pipe.close()
            self._child.wait()
            self._child = None


class Reading:
    """The child's end."""

    def __init__(self, store: Path) -> None:
        self._store = store
        self._series: Series | None = None

    def answer(self, do: str, path: Path, to: Path | None) -> dict[str, Any]:
        """What was asked for."""
        if not (path.is_file() or (path / "data.mdb").exists()):
            return {"gone": True}
        file = path if path.is_file() else path / "data.mdb"
        if not os.access(file, os.R_OK):
            return {"error": DENIED}
        try:
            if path.is_dir() and is_unborn(path / "data.mdb"):
                return {"gone": True}
            if path.suffix == ".parquet":
                return inspect_archived(path).plain()
            if path.is_file():
                return inspect_segment(path).plain()
            if do in ("inspect", "alone"):
                return self._inspected(path, alone=do == "alone").plain()
            assert to is not None
            if do == "complete":
                with self._opened(path) as source:
                    return completed(source, to)
            to.mkdir(mode=0o700, parents=True)
            if do == "salvage":
                return {"saved": str(salvaged(path, to))}
            with self._opened(path) as source:
                if do == "copy":
                    source.copy(str(to), compact=True)
                    return {}
                return {"txn": rewritten(source, to)}
        except (lmdb.Error, StoreBroken, OSError, Unreadable) as error:
            if not (path.is_file() or (path / "data.mdb").exists()):
                return {"gone": True}
            # What is read comes through a map: an error of input or output is of what was to be written, as locks are.
            written = to is not None or "lock.mdb" in str(error)
            unwritten = written and os.strerror(errno.EIO) in str(error)
            return {"later" if unwritten or is_passing(error) else "error": str(error)}

    def _inspected(self, path: Path, *, alone: bool) -> Finding:
        parts = path.relative_to(self._store).parts
        with self._opened(path) as opened:
            if parts == ("state",):
                return inspect_state(opened)[0] if self._begun(opened) else Finding()
            if len(parts) == 3 and parts[0] == "rows":
                if parts[1] not in KINDS or start_of(parts[2]) is None:
                    found = inspect_any(opened)
                    found.fault("nothing of the store has this name: was it renamed by hand?")
                    return found
                return inspect_rows(opened, parts[1], parts[2], None if alone else self._whose)
            return inspect_any(opened)

    def _begun(self, state: lmdb.Environment) -> bool:
        """Whether there is anything; a writer that was killed in its first moment has made nothing yet."""
        with state.begin() as txn:
            return bool(txn.stat()["entries"] or environments(self._store)[1:] or segments(self._store))

    def _whose(self, number: int) -> bytes | None:
        if self._series is None or number not in self._series:
            # A writer may have made the series since; one that nobody has is looked for each time, and is rare.
            with self._opened(self._store / "state") as state:
                self._series = inspect_state(state)[1]
        return self._series.get(number)

    def _opened(self, path: Path) -> lmdb.Environment:
        if (self._store / MANIFEST).exists():
            return lmdb.open(str(path), max_dbs=16, readonly=True, lock=False, readahead=True)
        try:
            return environment(path, write=False, databases=16)
        except StoreBroken as error:
            # LMDB names the folder alone, whichever of its two files it is.
            if os.strerror(errno.EIO) in str(error) and _begins(path / "data.mdb"):
                raise StoreBroken(f"{path / 'lock.mdb'}: {os.strerror(errno.EIO)}") from None
            raise


def _begins(file: Path) -> bool:
    """Whether what LMDB reads of a file when it opens it can be read."""
    try:
        with file.open("rb") as opened:
            return len(opened.read(EMPTY)) == EMPTY
    except OSError:
        return False


def rewritten(source: lmdb.Environment, to: Path) -> int:
    """Write all entries of ``source`` in their order to a new environment; returns the transaction they are of."""
    with lmdb.open(str(to), map_size=MAP_BYTES, mode=0o600, sync=False, readahead=False) as target:
        with source.begin(buffers=True) as txn:
            number = txn.id()
            cursor = txn.cursor()
            more = cursor.first()
            while more:
                with target.begin(write=True) as into:
                    for _ in range(AT_ONCE):
                        into.put(bytes(cursor.key()), cursor.value(), append=True)
                        more = cursor.next()
                        if not more:
                            break
            with target.begin(buffers=True) as back:
                pairs = zip(txn.cursor(), back.cursor(), strict=True)
                if not all(bytes(a) == bytes(c) and b == d for (a, b), (c, d) in pairs):
                    raise StoreBroken(f"{to}: what was written is not what is read")
        target.sync(True)
    return number


def completed(source: lmdb.Environment, copied: Path) -> dict[str, Any]:
    """Add to the copied state what was interned since, and mark it as a copy; returns what it is."""
    with lmdb.open(str(copied), max_dbs=16, map_size=MAP_BYTES, lock=False, readahead=False) as target:
        theirs = databases(source, write=False)
        ours = databases(target, write=True)
        with source.begin(buffers=True) as txn, target.begin(write=True) as into:
            for name in ("series", "layouts"):
                for key, value in txn.cursor(theirs[name]):
                    into.put(bytes(key), bytes(value), db=ours[name], overwrite=False)
            now, meta = read_meta(txn, theirs) or {}, read_meta(into, ours) or {}
            commits = int(now.get("commits") or meta.get("commits") or 0) + LEAP
            meta |= {"copy": True, "commits": commits, "deleted": now.get("deleted", {})}
            meta.setdefault("format", 1)
            write_meta(into, ours, meta)
        target.sync(True)
    return {"format": meta["format"], "generation": int(meta.get("generation", 0))}


def main(store: Path) -> None:
    """Answer until the input ends."""
    reading = Reading(store)
    for line in sys.stdin:
        request = json.loads(line)
        to = Path(request["to"]) if request["to"] else None
        answer = reading.answer(request["do"], Path(request["path"]), to)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def segments(store: Path) -> list[Path]:
    """The files of blocks; a file that is listed may be taken up by a longer one meanwhile, and be gone."""
    found = (path for path in entries(store / "blocks", "*/*/*") if path.is_file() and not path.name.endswith(NEW))
    return sorted(path for path in found if BAD not in path.name)


def closed(store: Path) -> list[Path]:
    """The folders of a store into which this user may not look: what is in them would be passed over.

    Raises ``StoreBroken`` where one cannot be looked into for another reason, which says nothing about the user.
    """
    found: list[Path] = []

    def unseen(error: OSError) -> None:
        path = Path(str(error.filename))
        if isinstance(error, PermissionError):
            found.append(path)
        elif path.exists():
            raise StoreBroken(f"{path} cannot be read now: {(error.strerror or str(error)).lower()}")

    for folder in ("rows", "blocks", "state"):
        for _, names, _ in os.walk(store / folder, onerror=unseen):
            names[:] = [name for name in names if GONE not in name]  # nobody needs it
    return sorted(found)


def environments(store: Path) -> list[Path]:
    """The folders of all LMDB environments of a store, the state first."""
    found = sorted(file.parent for file in entries(store, "*/*/*/data.mdb"))
    others = [path for path in found if not any(word in path.name for word in ASIDE)]
    state = [store / "state"] if (store / "state" / "data.mdb").exists() else []
    return state + others


if __name__ == "__main__":
    main(Path(sys.argv[1]))
