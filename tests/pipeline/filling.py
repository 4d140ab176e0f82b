"""Disks that are really full, in a mount namespace: ``unshare --mount python -m tests.pipeline.filling CASE FOLDER``.

``store-tmpfs`` and ``store-ext4``: the hub's store on a disk of some megabytes. ``spool``: the producer's. A ballast
file is given back once everybody has said that there is no room. Prints the account.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bus.questions import Range, Statistics
from tests.pipeline.asking import Hub
from tests.pipeline.programs import Programs, until

RATE = 3000.0
LEFT = 1_500_000
"""Bytes that the ballast leaves."""


def _mounted(case: str, folder: Path) -> Path:
    disk = folder / "disk"
    disk.mkdir()
    if case.endswith("ext4"):
        image = folder / "image"
        with image.open("wb") as file:
            file.truncate(32_000_000)
        subprocess.run(["mkfs.ext4", "-q", "-O", "^has_journal", image], check=True)
        subprocess.run(["mount", "-o", "loop", image, disk], check=True)
    else:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "none", disk], check=True)
    ballast = disk / "ballast"
    found = os.statvfs(disk)
    size = found.f_bavail * found.f_frsize - LEFT
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, size)
    return disk


def _said(programs: Programs, name: str, words: str) -> Callable[[], bool]:
    return lambda: words in (programs.folder / f"{name}.out").read_text()


def _more(programs: Programs, count: int) -> None:
    goal = programs.count_told() + count
    until(lambda: programs.count_told() >= goal, 30, f"{count} more messages told", programs)


def _elsewhere(programs: Programs, disk: Path, name: str) -> None:
    """Let a folder of the home stand on the disk."""
    home = programs.folder / "var"
    home.mkdir(exist_ok=True)
    (disk / name).mkdir()
    (home / name).symlink_to(disk / name)


def _store(disk: Path) -> dict[str, object]:
    hub = Hub("free_bytes = 0\nretry_seconds = 1\n")
    try:
        _elsewhere(hub, disk, "store")
        hub.run()
        hub.producer("web-2", RATE)
        writer = hub.pid("store-writer")
        until(_said(hub, "store-writer", "cannot store"), 60, "the writer says that it cannot store", hub)
        until(_said(hub, "web-2", "disk is full"), 20, "the producer knows", hub)
        held = hub.answer(Statistics()).records["sample"]
        _more(hub, 2000)
        # Full is not down: what is stored can be asked for, and the writer is the one that it was.
        newest = Range("sample", "web-2", 0, 2**62, 10)
        until(lambda: hub.ask(newest) is not None, 20, "what is stored can be asked for", hub)
        gained = hub.answer(Statistics()).records["sample"] - held
        same = hub.pid("store-writer") == writer
        (disk / "ballast").unlink()
        until(_said(hub, "store-writer", "there is room again"), 20, "the writer goes on", hub)
        _more(hub, 500)
        told = hub.told("web-2")
        until(lambda: hub.has_all("web-2", told), 60, "everything has arrived", hub)
        stored = hub.stored("web-2")
        return {
            "told": len(told),
            "missing": sum(one.value not in stored for one in told),
            "doubled": sum(times > 1 for times in stored.values()),
            "ledger": len(hub.lost("web-2")),
            "gained": gained,
            "same": same and hub.pid("store-writer") == writer,
        }
    finally:
        hub.close()


def _declared(programs: Programs) -> int:
    """How many messages the producer says it dropped."""
    return len(
        {
            (loss.epoch, number)
            for loss in programs.lost("web-2")
            for number in range(loss.first, loss.last + 1)
            if loss.reason == "dropped"
        }
    )


def _spool(disk: Path) -> dict[str, object]:
    """The disk is full while the hub is away: the newest 1,000 live in memory, all others are counted."""
    programs = Programs()
    try:
        _elsewhere(programs, disk, "spool")
        programs.producer("web-2", RATE)
        until(_said(programs, "web-2", "kept in memory"), 60, "the producer says that its disk is full", programs)
        durable = programs.told("web-2")
        # Nobody can promise anything about these; there is nothing to see of them but the time that they take.
        enough = time.monotonic() + 3000 / RATE
        until(lambda: time.monotonic() > enough, 30, "three times as many as memory holds are told", programs)
        for name in ("collector", "store-writer"):
            programs.start(name)
        (disk / "ballast").unlink()
        until(_said(programs, "web-2", "spool can be written again"), 30, "the spool goes on", programs)
        _more(programs, 500)
        told = programs.told("web-2")
        until(lambda: programs.has_all("web-2", told), 60, "everything has arrived", programs)
        whole = range(told[0].value, told[-1].value + 1)

        def account() -> tuple[int, int]:
            stored = programs.stored("web-2")
            return sum(value not in stored for value in whole), _declared(programs)

        # What lived in memory has other numbers now, and comes in its own time: after what was told since, it may be.
        until(lambda: account()[0] <= account()[1], 30, "what is not stored is declared", programs)
        stored, (dropped, ledger) = programs.stored("web-2"), account()
        return {
            "durable": len(durable),
            "missing": sum(one.value not in stored for one in told),
            "doubled": sum(times > 1 for times in stored.values()),
            "dropped": dropped,
            "ledger": ledger,
        }
    finally:
        programs.close()


def main(case: str, folder: Path) -> None:
    """Fill, free, account."""
    disk = _mounted(case, folder)
    try:
        print(json.dumps(_spool(disk) if case == "spool" else _store(disk)))
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
