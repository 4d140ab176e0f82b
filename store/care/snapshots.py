"""A snapshot: the store of one moment in another folder, taken while it is written to.

The state is copied first and the rows after it, so that no stream is further than its rows. What was interned
meanwhile (series, layouts) is added to the copy at the end: no row may be without its series. The copy is marked as
one, so that its writer takes a new generation (``store/backends/witness.py``), and its count of commits leaps, so that
no row's key comes twice. ``snapshot.json`` names each file with its size and SHA-256; it is written last.

The archive is not copied, but which one it is, and which days are in it, so that what is restored while its disk is
away knows what it lacks.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bus import __version__
from bus.folder import sync_folder
from store.archive.mark import OURS, RESTORED
from store.backends.beginning import remedy
from store.backends.values import disk_bytes
from store.blocks.missing import MISSING
from store.blocks.pressing import Damaged
from store.blocks.roll import ROLL, Roll, read_roll
from store.blocks.segments import Segment
from store.care.apart import DENIED, MANIFEST, Apart, Died, closed, environments, segments
from store.care.claiming import Refused, idle, made_alone
from store.care.verifying import BLOCKS, Fault
from store.folders import below, entries
from store.pruning import STATISTICS
from store.spans import ARCHIVE

READ = 1 << 20
PARTIAL = ".partial"
KILLS = "kills who reads it"
UNREADABLE = (errno.EIO, errno.EBADMSG, errno.EUCLEAN)
"""What the system says of a file that the disk does not give any more."""
Progress = Callable[[str], None]


def snapshot(
    store: Path, to: Path, *, progress: Progress = lambda name: None, archive: Path | None = None
) -> tuple[dict[str, Any], list[Fault]]:
    """Copy the store to the new folder ``to``; returns (the manifest, what could not be copied). Raises ``Refused``.

    The ``archive`` is named in the manifest, and is not copied.
    """
    if not (store / "state" / "data.mdb").exists():
        raise Refused(f"there is no store in {store}")
    for folder in closed(store):
        raise Refused(f"{folder} {DENIED}")
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise Refused(f"{to} is there already")
    if to.is_symlink():
        raise Refused(f"{to} is a link; name the folder itself")
    if to.is_mount():
        raise Refused(f"{to} is a disk of its own; name a folder on it")
    if to.resolve().is_relative_to(store.resolve()):
        raise Refused(f"{to} is in the store itself; name a folder elsewhere")
    sizes = [disk_bytes(path / "data.mdb") for path in environments(store)] + [disk_bytes(p) for p in segments(store)]
    partial = to.with_name(to.name + PARTIAL)
    if partial.exists() and not _is_half(partial):
        raise Refused(f"{partial}, where it would be made, is there already and is no snapshot")
    look_for_room(sum(sizes), to.parent)
    try:
        with made_alone(partial), contextlib.closing(_Copy(store, partial, progress)) as copy:
            copy.rows()
            copy.blocks()
            manifest = copy.manifest(copy.state(), archive)
            copy.become(to)
    except OSError as error:
        raise Refused(f"{error.filename or to}: {(error.strerror or str(error)).lower()}") from None
    return manifest, copy.faults


def left_beside(to: Path) -> list[Path]:
    """What snapshots left in the folder of ``to`` that were killed; nothing where nobody can look."""
    found = []
    with contextlib.suppress(OSError):
        for path in sorted(entries(to.parent, f"*{PARTIAL}")):
            with idle(path) as alone:
                if alone and _is_half(path):
                    found.append(path)
    return found


def _is_half(folder: Path) -> bool:
    """Whether nothing is in it but what a snapshot may have put there."""
    return {path.name for path in folder.iterdir()} <= {"rows", "state", BLOCKS, MANIFEST}


class _Copy:
    """A store on its way into the folder ``partial``: its parts are copied in the order of these methods."""

    def __init__(self, store: Path, partial: Path, progress: Progress) -> None:
        self._store = store
        self._partial = partial
        self._progress = progress
        self._apart = Apart(store)
        self._files: dict[str, dict[str, Any]] = {}
        self.faults: list[Fault] = []

    def rows(self) -> None:
        """Copy the environments, the state first: it is part of the manifest when it was completed."""
        for path in environments(self._store):
            name = path.relative_to(self._store).as_posix()
            self._progress(name)
            why = _copied(self._apart, path, self._partial / name)
            if why:
                self.faults.append(Fault(f"{name}/data.mdb", why))
            if (self._partial / name).exists() and name != "state":
                self._files[f"{name}/data.mdb"] = sealed(self._partial / name / "data.mdb")

    def blocks(self) -> None:
        """Copy the files of blocks, and what stands beside them.

        After the rows, and until no longer file took up another: what is sealed meanwhile is there in any case.
        """
        while fresh := [name for name in blocks_of(self._store) if name not in self._files]:
            for name in fresh:
                self._progress(name)
                self._files[name] = self._block(name)
        self._files = {name: file for name, file in self._files.items() if file}
        self._files |= _beside(self._store, self._partial, self._files)

    def _block(self, name: str) -> dict[str, Any]:
        try:
            return _taken_over(self._store / name, self._partial / name)
        except OSError as error:
            # The disk of the copy may be the one that fails.
            if error.errno not in UNREADABLE or _is_readable(self._store / name):
                raise
            (self._partial / name).unlink(missing_ok=True)
            self.faults.append(Fault(name, f"{error.strerror}; nothing of it is in the copy"))
            return {}

    def state(self) -> dict[str, Any]:
        """Add to the state's copy what was interned meanwhile; returns what it says of itself. Raises ``Refused``."""
        if not (self._partial / "state" / "data.mdb").exists():
            why = self.faults[0].what if self.faults else "it is gone"
            raise Refused(f"the state cannot be copied: {why}{_remedy(self._store, why)}")
        meta = self._apart.ask("complete", self._store / "state", self._partial / "state")
        if "error" in meta:
            why = meta["error"]
            raise Refused(f"the state cannot be completed: {why}{_remedy(self._store, why)}")
        self._files["state/data.mdb"] = sealed(self._partial / "state" / "data.mdb")
        return meta

    def manifest(self, meta: Mapping[str, Any], archive: Path | None) -> dict[str, Any]:
        """Write down what was copied; what is missing of it makes no whole snapshot."""
        manifest = {
            "snapshot": 1,
            "guardia": __version__,
            "format": int(meta["format"]),
            "generation": int(meta["generation"]),
            "made_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "archive": str(archive) if archive else None,
            "damaged": {fault.file: fault.what for fault in self.faults},
            "files": dict(sorted(self._files.items())),
        }
        _written(self._partial / MANIFEST, json.dumps(manifest, indent=1).encode())
        return manifest

    def become(self, to: Path) -> None:
        """Take the name ``to``, with all that was copied on the disk."""
        for folder in sorted({file.parent for file in below(self._partial)}):
            sync_folder(folder)
        if to.exists():
            to.rmdir()
        self._partial.rename(to)
        try:
            sync_folder(to.parent)
        except OSError:
            to.rename(self._partial)
            raise

    def close(self) -> None:
        """End the process apart."""
        self._apart.close()


def _remedy(store: Path, why: str) -> str:
    """What to do where the state is damaged, which every snapshot needs whole."""
    damaged = why.startswith(KILLS) or ("MDB_" in why and "FULL" not in why)
    return f"; it is damaged: {remedy(store / 'state')}" if damaged else ""


def blocks_of(store: Path) -> list[str]:
    """The files of blocks in a store or a snapshot, by their names in the manifest."""
    return [path.relative_to(store).as_posix() for path in segments(store)]


def _taken_over(file: Path, to: Path) -> dict[str, Any]:
    """Copy a file of blocks, which nobody ever changes; nothing when it is gone."""
    to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        shutil.copyfile(file, to)
    except FileNotFoundError:
        return {}
    return sealed(to)


def _beside(store: Path, partial: Path, files: Mapping[str, Any]) -> dict[str, Any]:
    """Copy what stands beside the files of blocks; the roll is of what was copied, and of the archive."""
    names = [f"{BLOCKS}/{name}" for name in (MISSING, OURS, STATISTICS)]
    found = {name: _taken_over(store / name, partial / name) for name in names}
    if found[f"{BLOCKS}/{OURS}"]:
        _written(partial / BLOCKS / RESTORED, b"")
        found[f"{BLOCKS}/{RESTORED}"] = sealed(partial / BLOCKS / RESTORED)
    if (store / BLOCKS / ROLL).exists():
        called, _, _ = read_roll(store / BLOCKS)
        roll = {name: rows for name, rows in called.items() if f"/{ARCHIVE}/" in name}
        for name in (file.removeprefix(f"{BLOCKS}/") for file in files if file.startswith(f"{BLOCKS}/")):
            # One that was copied and then joined with others is struck off by now.
            rows = called[name] if name in called else _rows(partial / BLOCKS / name)
            if rows is not None:
                roll[name] = rows
        Roll(partial / BLOCKS).call(roll)
        found[f"{BLOCKS}/{ROLL}"] = sealed(partial / BLOCKS / ROLL)
    return {name: file for name, file in found.items() if file}


def _rows(file: Path) -> int | None:
    """How many rows a file of blocks has; None where its index is damaged."""
    try:
        segment = Segment(file)
    except Damaged:
        return None
    segment.close()
    return segment.index.rows


def _copied(apart: Apart, path: Path, to: Path) -> str:
    """Copy one environment, or what can be read of a partition; returns why it is not all of it, if so."""
    why = _asked(apart, "copy", path, to)
    if not why:
        return ""
    shutil.rmtree(to, ignore_errors=True)
    answer: dict[str, Any] = {}
    if path.name != "state" and why != DENIED:
        with contextlib.suppress(Died):
            answer = apart.ask("salvage", path, to)
    if "saved" in answer:
        return f"{why}; {answer['saved']}"
    shutil.rmtree(to, ignore_errors=True)
    return f"{why}; {answer['error']}" if "error" in answer else why


def _asked(apart: Apart, do: str, path: Path, to: Path) -> str:
    try:
        answer = apart.ask(do, path, to)
    except Died as death:
        return f"{KILLS} ({death})"
    if answer.get("gone"):
        shutil.rmtree(to, ignore_errors=True)
    return str(answer.get("error", ""))


def sealed(file: Path) -> dict[str, Any]:
    """Bring a file that was copied to the disk; returns what the manifest says of it."""
    file.chmod(0o600)
    with file.open("rb+") as opened:
        os.fsync(opened.fileno())
    return {"bytes": file.stat().st_size, "sha256": sha256_of(file)}


def _is_readable(file: Path) -> bool:
    try:
        sha256_of(file)
    except OSError:
        return False
    return True


def sha256_of(file: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    found = hashlib.sha256()
    with file.open("rb") as opened:
        while part := opened.read(READ):
            found.update(part)
    return found.hexdigest()


def _written(file: Path, content: bytes) -> None:
    with file.open("wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())


def look_for_room(needed: int, folder: Path) -> None:
    """Raise ``Refused`` where the disk of ``folder`` has less than ``needed`` bytes."""
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise Refused(f"{needed // 1_000_000 + 1} MB are needed, {folder} has {free // 1_000_000} MB free")
