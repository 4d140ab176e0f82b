"""Partitions that are over, written anew entry by entry: full pages, none free; whoever writes takes them over."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree

from bus.folder import hand_over_all, sync_folder
from store.backends.doubt import is_doubted
from store.backends.exchange import COMPACTED, COMPACTING, prepared
from store.backends.values import disk_bytes
from store.care.apart import Apart, Died, environments
from store.care.claiming import claimed
from store.care.verifying import Fault
from store.folders import entries
from store.keys import partition_start, period

WORTH = 0.95
"""What does not become smaller than this share of itself is left as it is."""


@dataclass
class Compacted:
    """What was done: sizes in bytes of the partitions that were written anew."""

    partitions: int = 0
    left: int = 0
    before: int = 0
    after: int = 0
    faults: list[Fault] = field(default_factory=list)


def compact(
    store: Path, now: int, hand_over: Callable[[Path], None], *, progress: Callable[[str], None] = lambda name: None
) -> Compacted:
    """Go through the partitions of rows whose time is over at ``now`` (ns), one at a time.

    ``hand_over`` has a prepared folder taken over; it is not when rows came meanwhile. Raises ``StoreBroken``, what
    ``hand_over`` does, and ``Refused`` while another does the same.
    """
    rows = store / "rows"
    if not rows.is_dir():
        return Compacted()
    # Of two at once one would hand over what the other has just begun to write.
    with claimed(rows):
        return _compacted(store, now, hand_over, progress)


def _compacted(store: Path, now: int, hand_over: Callable[[Path], None], progress: Callable[[str], None]) -> Compacted:
    done = Compacted()
    for left in [*entries(store / "rows", f"*/*{COMPACTING}"), *(path for path, _, _ in prepared(store / "rows"))]:
        rmtree(left, ignore_errors=True)
    apart = Apart(store)
    try:
        for path in environments(store):
            name = path.relative_to(store)
            if name.parts[0] != "rows" or partition_start(path.name) + period(name.parts[1]) > now or is_doubted(path):
                continue
            progress(name.as_posix())
            ready = _prepared(apart, path, done)
            if ready is not None:
                before, after = disk_bytes(path / "data.mdb"), disk_bytes(ready / "data.mdb")
                inode = _inode(ready)
                hand_over(ready)
                if _inode(path) == inode:
                    done.partitions += 1
                    done.before += before
                    done.after += after
                else:
                    done.left += 1
                rmtree(ready, ignore_errors=True)
    finally:
        apart.close()
    return done


def _prepared(apart: Apart, path: Path, done: Compacted) -> Path | None:
    """Write one partition anew beside itself; None when it is not worth it, or cannot be."""
    making = path.with_name(path.name + COMPACTING)
    if making.exists():
        what = "cannot be removed, and its partition is left as it is"
        done.faults.append(Fault(f"{path.parent.name}/{making.name}", what))
        return None
    try:
        answer = apart.ask("rewrite", path, making)
    except Died as death:
        answer = {"error": f"kills who reads it ({death})"}
    if "error" in answer:
        done.faults.append(Fault(f"{path.parent.name}/{path.name}/data.mdb", str(answer["error"])))
    if "txn" not in answer or disk_bytes(making / "data.mdb") > WORTH * disk_bytes(path / "data.mdb"):
        done.left += "txn" in answer
        rmtree(making, ignore_errors=True)
        return None
    sync_folder(making)
    ready = path.with_name(f"{path.name}{COMPACTED}{answer['txn']}")
    hand_over_all(making, path.stat())
    making.rename(ready)
    return ready


def waited(ready: Path, seconds: float) -> None:
    """Give a running writer so many seconds to take the folder over, or not."""
    end = time.monotonic() + seconds
    while ready.exists() and time.monotonic() < end:
        time.sleep(0.05)


def _inode(path: Path) -> int:
    try:
        return (path / "data.mdb").stat().st_ino
    except OSError:
        return 0
