"""A snapshot's way back: checked against its manifest, then copied beside the store, for the writer to take over."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from bus.folder import hand_over_all, sync_folder
from store.archive.mark import OURS, RESTORED, Mark
from store.backends.exchange import restored_of, restoring_of
from store.blocks.missing import MISSING
from store.blocks.roll import ROLL, read_roll
from store.care.apart import MANIFEST, Apart
from store.care.claiming import Refused, made_alone
from store.care.snapshots import Progress, blocks_of, look_for_room, sealed, sha256_of
from store.care.verifying import BLOCKS, Fault, Report, place_of, verified
from store.folders import below
from store.keys import FORMAT
from store.pruning import STATISTICS
from store.spans import ARCHIVE

BESIDE = (MISSING, OURS, RESTORED, ROLL, STATISTICS)
"""What stands beside the files of blocks."""


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
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Refused(f"{taken / MANIFEST} is damaged") from None
    if manifest.get("snapshot") != 1 or version > FORMAT:
        raise Refused(f"{taken} was made by Guardia {manifest.get('guardia')}: this one cannot read it")
    report = verified(taken, progress, apart=apart)
    report.faults += [Fault(name, f"was damaged when it was copied: {what}") for name, what in sorted(damaged.items())]
    there = {path.relative_to(taken).as_posix() for path in below(taken) if path.name == "data.mdb"} | set(
        blocks_of(taken)
    )
    there |= {f"{BLOCKS}/{name}" for name in BESIDE if (taken / BLOCKS / name).exists()}
    report.faults += [Fault(name, "is not there") for name in sorted(files.keys() - there)]
    report.faults += [Fault(name, "is not of this snapshot") for name in sorted(there - files.keys())]
    for name in sorted(there & files.keys()):
        if sha256_of(taken / name) != files[name]:
            report.faults.append(Fault(name, "is not the file that was copied: its SHA-256 is another"))
    return manifest, report


def prepare(taken: Path, store: Path, manifest: dict[str, Any], *, progress: Progress = lambda name: None) -> Path:
    """Copy a snapshot that was ``checked`` beside the store, whole and on the disk; returns where; or ``Refused``."""
    store = Path(os.path.realpath(store))
    if store.is_mount():
        raise Refused(
            f"{store} is a disk of its own, in whose place no folder can be put: have [store] path name a folder on it"
        )
    ready = restored_of(store)
    coming = restoring_of(store)
    if ready.exists():
        raise Refused(f"{ready} waits for the writer already")
    look_for_room(sum(int(file["bytes"]) for file in manifest["files"].values()), store.parent)
    try:
        with made_alone(coming):
            _copied(taken, coming, manifest, progress)
            hand_over_all(coming, (store if store.exists() else store.parent).stat())
            _become(coming, ready)
    except OSError as error:
        raise Refused(f"{error.filename or coming}: {(error.strerror or str(error)).lower()}") from None
    return ready


def _copied(taken: Path, coming: Path, manifest: Mapping[str, Any], progress: Progress) -> None:
    for name, file in manifest["files"].items():
        progress(name)
        to = coming / name
        to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copyfile(taken / name, to)
        if sealed(to)["sha256"] != file["sha256"]:
            raise Refused(f"{to}: what was copied is not what was read")
    for folder in sorted({file.parent for file in below(coming)}):
        sync_folder(folder)


def _become(coming: Path, ready: Path) -> None:
    coming.rename(ready)
    try:
        sync_folder(ready.parent)
    except OSError:
        with suppress(OSError):  # unless the writer has it already
            ready.rename(coming)
        raise
