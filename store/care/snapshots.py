"""A snapshot: the store of one moment in another folder, taken while it is written to; and its way back.

The state is copied first and the rows after it, so that no stream is further than its rows. What was interned
meanwhile (series, layouts) is added to the copy at the end: no row may be without its series. The copy is marked as
one, so that its writer takes a new generation (``store/backends/witness.py``), and its count of commits leaps, so that
no row's key comes twice. ``snapshot.json`` names each file with its size and SHA-256; it is written last.

The archive is not copied, but which one it is, and which days are in it, so that what is restored while its disk is
away knows what it lacks.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from bus import __version__
from bus.mapped import settle
from store.archive.mark import OURS, RESTORED, Mark
from store.backends.exchange import restored_of
from store.backends.values import disk_bytes
from store.blocks.missing import MISSING
from store.blocks.pressing import Damaged
from store.blocks.roll import ROLL, Roll, read_roll
from store.blocks.segments import Segment
from store.care.apart import DENIED, MANIFEST, Apart, Died, closed, environments, segments
from store.care.verifying import BLOCKS, Fault, Report, place_of, verified
from store.keys import FORMAT
from store.pruning import STATISTICS
from store.spans import ARCHIVE

READ = 1 << 20
UNREADABLE = (errno.EIO, errno.EBADMSG, errno.EUCLEAN)
"""What the system says of a file that the disk does not give any more."""
BESIDE = (MISSING, OURS, RESTORED, ROLL, STATISTICS)
"""What stands beside the files of blocks."""
Progress = Callable[[str], None]


class Refused(Exception):
    """It cannot be done; the text is a sentence that says why."""


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
    sizes = [disk_bytes(path / "data.mdb") for path in environments(store)] + [disk_bytes(p) for p in segments(store)]
    _look_for_room(sum(sizes), to.parent)
    partial = to.with_name(to.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(mode=0o700, parents=True)
    faults: list[Fault] = []
    files: dict[str, dict[str, Any]] = {}
    apart = Apart(store)
    try:
        for path in environments(store):
            name = path.relative_to(store).as_posix()
            progress(name)
            why = _copied(apart, path, partial / name)
            if why:
                faults.append(Fault(f"{name}/data.mdb", why))
            if (partial / name).exists() and name != "state":
                files[f"{name}/data.mdb"] = _sealed(partial / name / "data.mdb")
        # After the rows, and until no longer file took up another: what is sealed meanwhile is there in any case.
        while fresh := [name for name in _blocks(store) if name not in files]:
            for name in fresh:
                progress(name)
                try:
                    files[name] = _taken_over(store / name, partial / name)
                except OSError as error:
                    if error.errno not in UNREADABLE:
                        raise
                    files[name] = {}
                    (partial / name).unlink(missing_ok=True)
                    faults.append(Fault(name, f"{error.strerror}; nothing of it is in the copy"))
        files = {name: file for name, file in files.items() if file}
        files |= _beside(store, partial, files)
        if not (partial / "state" / "data.mdb").exists():
            raise Refused(f"the state cannot be copied: {faults[0].what if faults else 'it is gone'}")
        meta = apart.ask("complete", store / "state", partial / "state")
        if "error" in meta:
            raise Refused(f"the state cannot be completed: {meta['error']}")
        files["state/data.mdb"] = _sealed(partial / "state" / "data.mdb")
        manifest = {
            "snapshot": 1,
            "guardia": __version__,
            "format": int(meta["format"]),
            "generation": int(meta["generation"]),
            "made_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "archive": str(archive) if archive else None,
            "damaged": {fault.file: fault.what for fault in faults},
            "files": dict(sorted(files.items())),
        }
        _written(partial / MANIFEST, json.dumps(manifest, indent=1).encode())
        for folder in sorted({file.parent for file in partial.rglob("*")}):
            settle(folder)
        if to.exists():
            to.rmdir()
        partial.rename(to)
        settle(to.parent)
    except OSError as error:
        raise Refused(f"{error.filename or to}: {(error.strerror or str(error)).lower()}") from None
    finally:
        apart.close()
        shutil.rmtree(partial, ignore_errors=True)
    return manifest, faults


def _blocks(store: Path) -> list[str]:
    return [path.relative_to(store).as_posix() for path in segments(store)]


def _taken_over(file: Path, to: Path) -> dict[str, Any]:
    """Copy a file of blocks, which nobody ever changes; nothing when it is gone."""
    to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        shutil.copyfile(file, to)
    except FileNotFoundError:
        return {}
    return _sealed(to)


def _beside(store: Path, partial: Path, files: Mapping[str, Any]) -> dict[str, Any]:
    """Copy what stands beside the files of blocks; the roll is of what was copied, and of the archive."""
    names = [f"{BLOCKS}/{name}" for name in (MISSING, OURS, STATISTICS)]
    found = {name: _taken_over(store / name, partial / name) for name in names}
    if found[f"{BLOCKS}/{OURS}"]:
        _written(partial / BLOCKS / RESTORED, b"")
        found[f"{BLOCKS}/{RESTORED}"] = _sealed(partial / BLOCKS / RESTORED)
    if (store / BLOCKS / ROLL).exists():
        called, _, _ = read_roll(store / BLOCKS)
        roll = {name: rows for name, rows in called.items() if f"/{ARCHIVE}/" in name}
        for name in (file.removeprefix(f"{BLOCKS}/") for file in files if file.startswith(f"{BLOCKS}/")):
            # One that was copied and then joined with others is struck off by now.
            rows = called[name] if name in called else _rows(partial / BLOCKS / name)
            if rows is not None:
                roll[name] = rows
        Roll(partial / BLOCKS).call(roll)
        found[f"{BLOCKS}/{ROLL}"] = _sealed(partial / BLOCKS / ROLL)
    return {name: file for name, file in found.items() if file}


def _rows(file: Path) -> int | None:
    """How many rows a file of blocks has; None where its index is damaged."""
    try:
        segment = Segment(file)
    except Damaged:
        return None
    segment.close()
    return segment.index.rows


def of_archive(taken: Path, manifest: Mapping[str, Any], archive: Path | None) -> str:
    """What becomes of the archive when the snapshot is restored, a sentence or two; empty when there was none."""
    called, _, _ = read_roll(taken / BLOCKS)
    days = [name for name in called if f"/{ARCHIVE}/" in name]
    if not manifest.get("archive") or not days:
        return ""
    rows = sum(called[name] for name in days)
    held = f"{len(days)} files of days, {rows} records"
    if archive is None:
        return (
            f"The store had an archive in {manifest['archive']}, {held}, which the configuration does not name: they"
            " answer when [store] archive does."
        )
    lacking = Mark(archive, taken / BLOCKS / OURS).lacking(now=True)
    if lacking:
        return (
            f"{lacking[0].upper()}{lacking[1:]} {held} of it do not answer until it is there; nothing is lost, and"
            " nothing is moved there meanwhile."
        )
    gone = [name for name in days if not place_of(taken, name, archive).exists()]
    left = f"{len(gone)} of them are not there any more" if gone else "all are there"
    return f"The archive {archive} is not in the snapshot. It had {held}: {left}."


def _copied(apart: Apart, path: Path, to: Path) -> str:
    """Copy one environment, or what can be read of a partition; returns why it is not all of it, if so."""
    why = _asked(apart, "copy", path, to)
    if not why:
        return ""
    shutil.rmtree(to, ignore_errors=True)
    answer: dict[str, Any] = {}
    if path.name != "state" and why != DENIED:
        with suppress(Died):
            answer = apart.ask("salvage", path, to)
    if "saved" in answer:
        return f"{why}; {answer['saved']}"
    shutil.rmtree(to, ignore_errors=True)
    return f"{why}; {answer['error']}" if "error" in answer else why


def _asked(apart: Apart, do: str, path: Path, to: Path) -> str:
    try:
        answer = apart.ask(do, path, to)
    except Died as death:
        return f"kills who reads it ({death})"
    if answer.get("gone"):
        shutil.rmtree(to, ignore_errors=True)
    return str(answer.get("error", ""))


def checked(
    taken: Path, *, progress: Progress = lambda name: None, apart: Apart | None = None
) -> tuple[dict[str, Any], Report]:
    """(manifest, what verify finds) of a snapshot, and whether its files are those of the manifest; or ``Refused``.

    ``apart`` reads them.
    """
    try:
        manifest = dict(json.loads((taken / MANIFEST).read_bytes()))
        files = {str(name): str(file["sha256"]) for name, file in manifest["files"].items()}
        version = int(manifest.get("format", 0))
        damaged = {str(name): str(what) for name, what in manifest.get("damaged", {}).items()}
    except FileNotFoundError:
        raise Refused(f"{taken} is no snapshot: it has no {MANIFEST}") from None
    except OSError as error:
        raise Refused(f"{taken / MANIFEST} cannot be read: {(error.strerror or str(error)).lower()}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Refused(f"{taken / MANIFEST} is damaged") from None
    if manifest.get("snapshot") != 1 or version > FORMAT:
        raise Refused(f"{taken} was made by Guardia {manifest.get('guardia')}: this one cannot read it")
    report = verified(taken, progress, apart=apart)
    report.faults += [Fault(name, f"was damaged when it was copied: {what}") for name, what in sorted(damaged.items())]
    there = {path.relative_to(taken).as_posix() for path in taken.rglob("data.mdb")} | set(_blocks(taken))
    there |= {f"{BLOCKS}/{name}" for name in BESIDE if (taken / BLOCKS / name).exists()}
    report.faults += [Fault(name, "is not there") for name in sorted(files.keys() - there)]
    report.faults += [Fault(name, "is not of this snapshot") for name in sorted(there - files.keys())]
    for name in sorted(there & files.keys()):
        if _sum(taken / name) != files[name]:
            report.faults.append(Fault(name, "is not the file that was copied: its SHA-256 is another"))
    return manifest, report


def prepare(taken: Path, store: Path, manifest: dict[str, Any], *, progress: Progress = lambda name: None) -> Path:
    """Copy a snapshot that was ``checked`` beside the store, whole and on the disk; returns where; or ``Refused``."""
    ready = restored_of(store)
    coming = store.with_name(store.name + ".restoring")
    if ready.exists():
        raise Refused(f"{ready} waits for the writer already")
    _look_for_room(sum(int(file["bytes"]) for file in manifest["files"].values()), store.parent)
    shutil.rmtree(coming, ignore_errors=True)
    try:
        for name, file in manifest["files"].items():
            progress(name)
            to = coming / name
            to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.copyfile(taken / name, to)
            if _sealed(to)["sha256"] != file["sha256"]:
                raise Refused(f"{to}: what was copied is not what was read")
        for folder in sorted({file.parent for file in coming.rglob("*")}):
            settle(folder)
        coming.rename(ready)
        settle(ready.parent)
    except OSError as error:
        raise Refused(f"{error.filename or coming}: {(error.strerror or str(error)).lower()}") from None
    finally:
        shutil.rmtree(coming, ignore_errors=True)
    return ready


def _sealed(file: Path) -> dict[str, Any]:
    file.chmod(0o600)
    with file.open("rb+") as opened:
        os.fsync(opened.fileno())
    return {"bytes": file.stat().st_size, "sha256": _sum(file)}


def _sum(file: Path) -> str:
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


def _look_for_room(needed: int, folder: Path) -> None:
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise Refused(f"{needed // 1_000_000 + 1} MB are needed, {folder} has {free // 1_000_000} MB free")
