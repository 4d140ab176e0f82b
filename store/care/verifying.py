"""All of a store gone through: what is damaged, where, and whether as many records are there as were stored."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from store.archive.files import files
from store.archive.index import path_of
from store.archive.mark import OURS, Mark
from store.backends.doubt import doubt
from store.backends.exchange import COMPACTING, restoring_of
from store.backends.partitions import BAD
from store.blocks.missing import MISSING, missing_of
from store.blocks.roll import MOST_UNCALLED, ROLL, read_roll, taken_up
from store.care.apart import DENIED, MANIFEST, Apart, Died, closed, environments, segments
from store.care.claiming import idle
from store.durable import is_damaged
from store.folders import entries
from store.pruning import STATISTICS
from store.spans import ARCHIVE, RAW, span_of

GONE = ("deleted", "sealed", "moved")
"""What became of records that are in no partition of rows any more, as the state counts it."""
BLOCKS = "blocks"
SETTLED_SECONDS = 1.0
"""A running writer drops a partition and then counts what it dropped; so long it may take."""


@dataclass(frozen=True)
class Fault:
    """What is wrong with which file."""

    file: str
    what: str


@dataclass
class Report:
    """What was found; ``missing`` by kind: records that were stored, were not dropped since, and are not there."""

    partitions: int = 0
    records: Counter[str] = field(default_factory=Counter)
    """In partitions of rows; ``sealed`` are those in blocks, each once, some of which may still be in rows too."""
    sealed: Counter[str] = field(default_factory=Counter)
    archived: Counter[str] = field(default_factory=Counter)
    """In the archive, if one was read."""
    bytes: int = 0
    faults: list[Fault] = field(default_factory=list)
    away: str = ""
    """What of the store is elsewhere and cannot be read now, a sentence."""
    put_aside: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    """What commands left that were killed, a sentence each; nobody reads it, and it takes room."""
    missing: dict[str, int] = field(default_factory=dict)

    @property
    def damaged(self) -> bool:
        """Whether a file does not hold what was written to it."""
        return bool(self.faults)


def verified(
    store: Path,
    progress: Callable[[str], None] = lambda name: None,
    archive: Path | None = None,
    apart: Apart | None = None,
) -> Report:
    """Read all of the store in the folder ``store``, and its ``archive``; a writer may be at work there.

    ``progress`` hears of each file; ``apart`` reads them.

    A file whose pages cannot be read is doubted, so that the writer puts it aside before anybody is killed by it.
    """
    report = Report()
    apart = apart or Apart(store)
    try:
        report.faults += [Fault(path.relative_to(store).as_posix(), DENIED) for path in closed(store)]
        listed = _roll(report, store)
        before = _inspect(report, apart, store, store / "state")
        do = "inspect" if before else "alone"
        for path in environments(store):
            if path.name != "state":
                progress(path.relative_to(store).as_posix())
                _inspect(report, apart, store, path, do)
        # After the rows: what the sealer takes up meanwhile is in both for a while, never in neither.
        seen: set[Path] = set()
        while fresh := [path for path in segments(store) if path not in seen]:
            for path in fresh:
                seen.add(path)
                progress(path.relative_to(store).as_posix())
                _inspect(report, apart, store, path)
        # After the blocks, for the same reason.
        report.away = _away(store, listed, archive) if archive is not None else ""
        for path in files(archive) if archive and not report.away else ():
            progress(str(path))
            _inspect(report, apart, store, path)
        if _was_cut(report, store, seen):
            listed = {}
        # What is struck off meanwhile was dropped or taken up.
        absent = _absent(store, listed, None if report.away else archive)
        called = read_roll(store / BLOCKS)[0]
        vanished = {
            name: rows for name, rows in absent.items() if name in called and not taken_up(store / BLOCKS, name, called)
        }
        report.faults += [
            Fault(_called(store, name, archive), f"is not there: {rows} rows") for name, rows in vanished.items()
        ]
        report.missing = _missing(before, report)
        if report.missing and not (store / MANIFEST).exists():
            time.sleep(SETTLED_SECONDS)
            after = apart.ask("inspect", store / "state").get("meta", {})
            gone = {what: after.get(what, {}) for what in GONE}
            report.missing = _missing(before | gone, report)
        for name, what in ((MISSING, "what was missing before"), (STATISTICS, "how much was dropped before")):
            if is_damaged(store / BLOCKS / name):
                report.faults.append(
                    Fault(f"{BLOCKS}/{name}", f"cannot be read, so {what} is not known; it may be removed")
                )
        gone = Counter(missing_of(store / BLOCKS, store / "rows"))
        for name, rows in vanished.items():
            kind, tier, _ = name.split("/")
            if tier in (RAW, ARCHIVE):
                gone[kind] += rows
        report.missing = dict(Counter(report.missing) + gone)
    finally:
        apart.close()
    report.put_aside = _put_aside(store)
    report.left = _left(store)
    return report


def _left(store: Path) -> list[str]:
    """What is half made, at which nobody is at work any more."""
    found = []
    with idle(store / "rows") as alone:
        for path in sorted(entries(store / "rows", f"*/*{COMPACTING}")) if alone else ():
            name = path.relative_to(store).as_posix()
            found.append(f"{name}: of a compact that was killed; the writer removes it at its next clean-up")
    coming = restoring_of(store)
    with idle(coming) as alone:
        if alone:
            found.append(f"{coming}: of a restore that was killed; the next one removes it, and so may you")
    return found


def _put_aside(store: Path) -> list[str]:
    """What was found damaged and is kept; what a writer removes meanwhile is passed over."""
    found = (Path(folder, name) for folder, folders, files in os.walk(store) for name in (*folders, *files))
    return sorted(path.relative_to(store).as_posix() for path in found if BAD in path.name)


def _roll(report: Report, store: Path) -> dict[str, int]:
    """Rows by file of blocks that is to be there; none when that is not known for sure."""
    files, _, bad = read_roll(store / BLOCKS)
    report.faults += [Fault(f"{BLOCKS}/{ROLL}", what) for what in bad]
    return {} if bad else files


def _was_cut(report: Report, store: Path, seen: set[Path]) -> bool:
    """Whether the end of the roll is gone: files are there that it does not name."""
    if not (store / BLOCKS / ROLL).exists():
        return False
    called, _, bad = read_roll(store / BLOCKS)
    there = {path.relative_to(store / BLOCKS).as_posix() for path in seen if path.exists()}
    if bad or len(there - called.keys()) <= MOST_UNCALLED:
        return False
    report.faults.append(
        Fault(f"{BLOCKS}/{ROLL}", f"{len(there - called.keys())} files are there that it does not name")
    )
    return True


def _absent(store: Path, listed: dict[str, int], archive: Path | None) -> dict[str, int]:
    """What is on the roll and is not there; days of an archive that nobody looks into may be anywhere."""
    return {name: rows for name, rows in sorted(listed.items()) if not place_of(store, name, archive).exists()}


def _away(store: Path, listed: dict[str, int], archive: Path) -> str:
    """What is in the archive, while it is not there."""
    lacking = Mark(archive, store / BLOCKS / OURS).lacking()
    rows = [count for name, count in listed.items() if f"/{ARCHIVE}/" in name]
    return f"{lacking} {len(rows)} files of days are in it, {sum(rows)} records" if lacking and rows else lacking


def _called(store: Path, name: str, archive: Path | None) -> str:
    """Under which name a file on the roll is told: as it is called where somebody looks for it."""
    archived = archive is not None and name.split("/")[1] == ARCHIVE
    return str(place_of(store, name, archive)) if archived else f"{BLOCKS}/{name}"


def place_of(store: Path, name: str, archive: Path | None) -> Path:
    """Where a file is that is on the roll; of a day in an archive that nobody looks into, where something is."""
    kind, tier, file = name.split("/")
    if tier != ARCHIVE:
        return store / BLOCKS / name
    span = span_of(file)
    return store if archive is None or span is None else path_of(archive, kind, span.start)


def _inspect(report: Report, apart: Apart, store: Path, path: Path, do: str = "inspect") -> dict[str, dict[str, int]]:
    """Add what an environment holds, or a file of blocks or of the archive; returns what the state says of itself."""
    # An environment is a folder, a file of blocks may have any name, and either may be gone by now.
    if path.suffix == ".parquet":
        name, kind, counted = str(path), path.parts[-3].removeprefix("kind="), report.archived
    else:
        sealed = path.is_relative_to(store / BLOCKS) or path.suffix != ""
        name = (path if sealed else path / "data.mdb").relative_to(store).as_posix()
        kind = path.parts[-3] if sealed else path.parent.name
        counted = report.sealed if path.suffix else report.records
    try:
        found = apart.ask(do, path)
    except Died as death:
        found = {"error": f"kills who reads it ({death})"}
    if found.get("gone"):
        return {}
    if "error" in found:
        report.faults.append(Fault(name, str(found["error"])))
        if found["error"] != DENIED:
            _doubt(store, path)
        return {}
    report.faults += [Fault(name, str(what)) for what in found["faults"]]
    if found["more"]:
        report.faults.append(Fault(name, f"and {found['more']} more"))
    if path.name != "state":
        report.partitions += 1
        counted[kind] += int(found["records"])
        report.bytes += int(found["bytes"])
    return dict(found["meta"])


def _missing(meta: dict[str, dict[str, int]], report: Report) -> dict[str, int]:
    stored = meta.get("records", {})
    gone = sum((Counter(meta.get(what, {})) for what in GONE), Counter[str]())
    short = {kind: count - gone[kind] - report.records[kind] for kind, count in stored.items()}
    return {kind: count for kind, count in short.items() if count > 0}


def _doubt(store: Path, path: Path) -> None:
    if not (store / MANIFEST).exists() and path.is_dir() and path.name != "state":
        doubt(path)
