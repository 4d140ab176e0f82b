"""``guardia store verify``, ``snapshot``, ``restore`` and ``compact``."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bus import home, rooms
from bus.arguments import CONFIG, Parser
from bus.exits import WRONG
from bus.faults import ConfigError
from bus.folder import hand_over_all
from bus.process import Lock
from bus.progress import obeys
from store.archive.mark import OURS, Mark
from store.backends import StoreBroken
from store.backends.exchange import take_restored
from store.backends.lmdb import LmdbBackend
from store.care import compacting, restoring, snapshots
from store.care.claiming import Refused
from store.care.compacting import Compacted
from store.care.verifying import BLOCKS, Fault, Report, verified

SOUND, DAMAGED, UNKNOWN = 0, 1, 2
TAKEN_SECONDS = 60.0
AT_HOME = "it works on the files of the store; call it on the hub's machine"
"""So long a running writer may take to take something over."""
EXIT = (
    "Exit codes: 0 sound and done, 1 something is damaged, missing or away, 2 it could not be done, 100 wrong"
    " configuration."
)


def verify(argv: Sequence[str]) -> int:
    """Go through the store, or a snapshot; returns 0, 1 or 2."""
    parser = _parser("verify", "reads all of the store, or of a snapshot, and names what is damaged")
    parser.add_argument("folder", nargs="?", type=Path, metavar="DIR", help="a snapshot (default: the hub's store)")
    parser.add_argument("--expect", type=int, default=0, metavar="N", help="so many missing records are no surprise")
    given = parser.parse_args(argv)

    def run(store: Path, folder: Path, archive: Path | None) -> int:
        place = given.folder or store
        if not (place / "state" / "data.mdb").exists() and not (place / "rows").is_dir():
            raise Refused(f"there is no store in {place}")
        report = verified(place.absolute(), _progress, None if given.folder else archive)
        _clear()
        print(json.dumps(_plain(report), indent=1) if given.json else _said(report))
        amiss = report.damaged or report.away or sum(report.missing.values()) > given.expect
        return DAMAGED if amiss else SOUND

    return _run(given, run)


def snapshot(argv: Sequence[str]) -> int:
    """Copy the store of this moment to a new folder; returns 0, 1 or 2."""
    parser = _parser("snapshot", "copies the store of this moment to a new folder, while it is written to")
    parser.add_argument("folder", type=Path, metavar="DIR", help="the new folder")
    given = parser.parse_args(argv)

    def run(store: Path, folder: Path, archive: Path | None) -> int:
        manifest, faults = snapshots.snapshot(store, given.folder.absolute(), progress=_progress, archive=archive)
        _clear()
        size = sum(int(file["bytes"]) for file in manifest["files"].values())
        halves = [str(path) for path in snapshots.left_beside(given.folder.absolute())]
        if given.json:
            said = {"folder": str(given.folder), "bytes": size, "faults": _faults(faults)}
            print(json.dumps({**said, "archive": manifest["archive"], "left": halves}, indent=1))
        else:
            _tell(faults)
            left = f", {len(faults)} files are damaged, and not in it as a whole" if faults else ""
            for half in halves:
                print(f"LEFT     {half}: of a snapshot that was killed; you may remove it")
            print(f"{given.folder}: {len(manifest['files'])} files, {size / 1e6:.1f} MB{left}.")
            if archive is not None:
                print(f"The archive in {archive} is not in it: copy its files as they are, they never change.")
                if lacking := Mark(archive, store / BLOCKS / OURS).lacking():
                    print(f"But {lacking}")
        return DAMAGED if faults else SOUND

    return _run(given, run)


def restore(argv: Sequence[str]) -> int:
    """Put a snapshot into the place of the store; returns 0, 1 or 2."""
    parser = _parser("restore", "puts a snapshot into the place of the store, which is kept beside it")
    parser.add_argument("folder", type=Path, metavar="DIR", help="the snapshot")
    parser.add_argument("--verify", action="store_true", help="only see whether it could be restored; change nothing")
    parser.add_argument("--damaged", action="store_true", help="restore it although something in it is damaged")
    given = parser.parse_args(argv)

    def run(store: Path, folder: Path, archive: Path | None) -> int:
        manifest, report = restoring.checked(given.folder.absolute(), progress=_progress)
        of_archive = restoring.of_archive(given.folder.absolute(), manifest, archive)
        _clear()
        if given.json:
            more = {"made_at": manifest["made_at"], "archive": of_archive}
            print(json.dumps(_plain(report) | more, indent=1))
        else:
            print(f"{given.folder}, taken {manifest['made_at']}:\n{_said(report)}")
            if of_archive:
                print(of_archive)
        if report.damaged and not (given.damaged and not given.verify):
            if not given.verify:
                print("guardia store: nothing was restored; --damaged restores it as it is", file=sys.stderr)
            return DAMAGED
        if not given.verify:
            ready = restoring.prepare(given.folder.absolute(), store, manifest, progress=_progress)
            done = _restored(ready, store, folder)
            if not given.json:
                print(done)
        return SOUND

    return _run(given, run)


def compact(argv: Sequence[str]) -> int:
    """Write partitions that are over anew; returns 0, 1 or 2."""
    given = _parser("compact", "writes the files of past hours and days anew, with full pages").parse_args(argv)

    def run(store: Path, folder: Path, archive: Path | None) -> int:
        if not (store / "state" / "data.mdb").exists():
            raise Refused(f"there is no store in {store}")
        lock = _writers_lock(folder)
        alone = lock.take() is None
        backend = LmdbBackend(store, write=True) if alone else None

        def hand_over(ready: Path) -> None:
            if backend is None:
                compacting.waited(ready, TAKEN_SECONDS)
            else:
                backend.refresh()

        try:
            done = compacting.compact(store, time.time_ns(), hand_over, progress=_progress)
        finally:
            if backend is not None:
                backend.close()
            lock.release()
        _clear()
        print(json.dumps(asdict(done), indent=1) if given.json else _done(done))
        return DAMAGED if done.faults else SOUND

    return _run(given, run)


def _restored(ready: Path, store: Path, folder: Path) -> str:
    """Have it taken over by the writer, or do it ourselves; returns a sentence."""
    _clear()
    lock = _writers_lock(folder)
    end = time.monotonic() + TAKEN_SECONDS
    while ready.exists() and time.monotonic() < end:
        # A running writer ends when it sees what waits, and its successor takes it over.
        if lock.take() is None:
            try:
                before = take_restored(store)
            except OSError as error:
                why = f"{error.filename or store}: {(error.strerror or str(error)).lower()}"
                raise Refused(f"{why}; {ready} is whole, and the writer takes it over at its next start") from None
            finally:
                lock.release()
            real = Path(os.path.realpath(store))
            return f"Restored. What was there before is {before}." if before not in (None, real) else "Restored."
        time.sleep(0.2)
    if ready.exists():
        raise Refused(f"the writer did not take {ready} over within {TAKEN_SECONDS:g} s; it will at its next start")
    return f"Restored by the writer. What was there before is beside it: {store.name}.before-*."


def _writers_lock(folder: Path) -> Lock:
    return Lock(folder / "run" / "store-writer.lock")


def _run(given: argparse.Namespace, act: Callable[[Path, Path, Path | None], int]) -> int:
    """Find the store and act; what cannot be done is told in a sentence."""
    path = home.config_path(given.config, os.environ)
    os.umask(0o077)
    try:
        table: Any = rooms.load(path, needs=rooms.needs("store"))["store"]
        if table.backend not in ("lmdb", "victoriametrics"):
            raise Refused(f"the backend is {table.backend}, which has no files here: see docs/backends.md")
        folder = home.made(home.home_path(path, os.environ)).absolute()
        store = folder / table.path
        owner = (store if store.exists() else folder).stat()
        try:
            return act(store, folder, table.archive_in(folder))
        finally:
            # While no writer runs it is root, where he types it, who makes what a writer makes otherwise.
            for made in (store, store.with_name(store.name + ".generation"), _writers_lock(folder).path):
                hand_over_all(made, owner)
    except ConfigError as error:
        for fault in error.faults:
            print(f"guardia store: {fault}", file=sys.stderr)
        return WRONG
    except (Refused, StoreBroken) as error:
        _clear()
        print(f"guardia store: {error}", file=sys.stderr)
        return UNKNOWN
    except BrokenPipeError:
        raise
    except OSError as error:
        _clear()
        where = f"{error.filename}: " if error.filename else ""
        print(f"guardia store: {where}{(error.strerror or str(error)).lower()}", file=sys.stderr)
        return UNKNOWN


def _said(report: Report) -> str:
    lines = [f"DAMAGED  {fault.file}: {fault.what}" for fault in report.faults]
    lines += [f"AWAY     {report.away}"] if report.away else []
    lines += [f"MISSING  {count} records of {kind}" for kind, count in report.missing.items()]
    lines += [f"ASIDE    {name}: was found damaged, and is kept to be looked at" for name in report.put_aside]
    lines += [f"LEFT     {what}" for what in report.left]
    verdict = f"{len(report.faults)} faults" if report.faults else "sound"
    if report.away:
        verdict += ", the archive is away"
    if report.missing:
        verdict += f", {sum(report.missing.values())} records missing"
    rows, sealed = sum(report.records.values()), sum(report.sealed.values())
    held = f"{report.partitions} files, {rows} records as they came, {sealed} sealed, "
    if report.archived:
        held += f"{sum(report.archived.values())} in the archive, "
    held += f"{report.bytes / 1e6:.1f} MB"
    lines.append(f"{held}: {verdict}.")
    return "\n".join(lines)


def _done(done: Compacted) -> str:
    _tell(done.faults)
    saved = (done.before - done.after) / 1e6
    return f"{done.partitions} partitions written anew, {saved:.1f} MB smaller; {done.left} left as they are."


def _plain(report: Report) -> dict[str, Any]:
    return {
        "partitions": report.partitions,
        "records": dict(report.records),
        "sealed": dict(report.sealed),
        "archived": dict(report.archived),
        "bytes": report.bytes,
        "faults": _faults(report.faults),
        "away": report.away,
        "put_aside": report.put_aside,
        "left": report.left,
        "missing": report.missing,
    }


def _faults(faults: Sequence[Fault]) -> list[dict[str, str]]:
    return [asdict(fault) for fault in faults]


def _tell(faults: Sequence[Fault]) -> None:
    for fault in faults:
        print(f"DAMAGED  {fault.file}: {fault.what}")


def _progress(name: str) -> None:
    if obeys(sys.stderr):
        print(f"\r\x1b[K{name}", end="", file=sys.stderr, flush=True)


def _clear() -> None:
    if obeys(sys.stderr):
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _parser(word: str, what: str) -> argparse.ArgumentParser:
    description = f"{what[0].upper()}{what[1:]}."
    parser = Parser(prog=f"guardia store {word}", description=description, epilog=EXIT, at_home=AT_HOME)
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--config", metavar="FILE", help=CONFIG)
    return parser
