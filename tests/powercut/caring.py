"""A store that is copied, compacted and restored: ``python -m tests.powercut.caring FOLDER [unsynced]``.

It has sealed hours, rows that came late, and an hour of many small commits. A snapshot is taken, partitions are written
anew, more is told, and then the snapshot takes the store's place. ``checked`` says what is wrong with a state of its
files.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from store.backends.lmdb import LmdbBackend
from store.care.apart import MANIFEST
from store.care.compacting import compact
from store.care.restoring import checked as looked_into
from store.care.restoring import prepare
from store.care.snapshots import snapshot
from store.keys import FAR
from tests.powercut.sealing import END, HOSTS, START, Life, Within, records, unexpected, unsound, unsynced
from tests.store.given import HOUR, NOON, batch, numbers

SMALL = 4
"""This message comes record by record."""
TAKEN = 4
"""Up to this message the snapshot has them."""


def main(folder: Path) -> None:
    """Live, and be cared for."""
    life, store, copy = Life(folder), folder / "store", folder / "copy"
    for number in (1, 2, 3, SMALL):
        for some in [[one] for one in records(number)] if number == SMALL else [records(number)]:
            life.backend.commit(batch(some), NOON)
        print(f"acknowledged {number}", flush=True)
        if number == 2:
            life.sealed(START + 3 * HOUR)
    snapshot(store, copy)
    print("taken", flush=True)
    assert compact(store, END, lambda ready: life.backend.refresh()).partitions > 0
    print("compacted", flush=True)
    life.told(5)
    print("acknowledged 5", flush=True)
    life.close()
    print("restoring", flush=True)
    prepare(copy, store, looked_into(copy)[0])
    print("prepared", flush=True)
    LmdbBackend(store, write=True).close()
    print("restored", flush=True)


def checked(folder: Path, said: list[str]) -> str:
    """What is wrong with the store and its copy in this folder, after this was said; empty when nothing is."""
    promised = max((int(line.split()[1]) for line in said if line.startswith("acknowledged ")), default=0)
    copy = folder / "copy"
    if (copy / MANIFEST).exists():
        faults = looked_into(copy, apart=Within(copy))[1].faults
        if faults:
            return f"the copy: {faults[0].file}: {faults[0].what}"
    elif "taken" in said:
        return "the copy is not there"
    if promised and (why := unsound(folder / "store")):
        return why
    if "restoring" in said:
        promised = TAKEN
    life = Life(folder)
    try:
        if damaged := unexpected(life.backend):
            return damaged
        if why := lacking(life.backend, promised, exactly="prepared" in said):
            return why
        life.told(5)
        if why := lacking(life.backend, 5 if promised == TAKEN else 0, exactly=False):
            return f"at the end: {why}"
    finally:
        life.close()
    return unsound(folder / "store")


def lacking(backend: LmdbBackend, last: int, *, exactly: bool) -> str:
    """What is not there of the messages up to this one; or is there beyond them."""
    wanted = {one for number in range(1, last + 1) for one in times(number)}
    for host in HOSTS:
        found = numbers(backend.rows("sample", host, 0, FAR))
        if not wanted <= set(found) or len(set(found)) < len(found) or (exactly and set(found) != wanted):
            return f"of {host} there are {found}, told were {sorted(wanted)}"
    return ""


def times(number: int) -> set[int]:
    """Seconds after noon of the samples of a message."""
    return {(one.at - NOON) // 10**9 for one in records(number) if one.kind == "sample"}


if __name__ == "__main__":
    shutil._USE_CP_SENDFILE = False  # type: ignore[attr-defined]  # what the kernel copies is not traced
    if "unsynced" in sys.argv:
        unsynced()
    main(Path(sys.argv[1]))
