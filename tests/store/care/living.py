"""A store that lives fast: ``python -m tests.store.care.living FOLDER`` stores an hour in some commits, drops what is
old, and has itself sealed, copied and compacted beside it. It says what it acknowledged and what it drops.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

from store.backends import regrouping
from store.backends.lmdb import LmdbBackend
from store.care.compacting import compact, waited
from store.care.snapshots import snapshot
from tests.store.given import HOUR, MINUTE, NOON, batch, layout, numbers, sample

STEP = 300
"""Seconds of the store's time between two messages."""
KEPT = 48 * 3600
"""Seconds of its time after which it drops."""
END = NOON + 100_000 * HOUR


def stored(store: Path) -> set[int]:
    """The messages that are there."""
    backend = LmdbBackend(store, write=True)
    end = time.monotonic() + 30
    try:
        while any((store / "rows").glob("*/*.doubt")):
            assert time.monotonic() < end, "what was doubted is looked into"
            backend.refresh()
            time.sleep(0.02)
        assert backend.damaged == []
        return {second // STEP for second in numbers(backend.rows("sample", "web-1", 0, END))}
    finally:
        backend.close()


def main(folder: Path) -> None:
    """Live until killed."""
    regrouping.EACH, regrouping.TOGETHER = 1, 3
    backend = LmdbBackend(folder / "store", write=True)
    number = max((second // STEP for second in numbers(backend.rows("sample", "web-1", 0, END))), default=0)
    print(f"acknowledged {number}", flush=True)

    def care() -> None:
        turn = 0
        while True:
            turn += 1
            snapshot(folder / "store", folder / f"copy-{turn}")
            compact(folder / "store", END, lambda ready: waited(ready, 5.0))

    def seal() -> None:
        while True:
            if now:
                words = [sys.executable, "-m", "tests.store.sealing", str(folder / "store"), str(now[-1])]
                subprocess.run(words, stderr=subprocess.DEVNULL, check=False)
            time.sleep(0.05)

    now: list[int] = []
    threading.Thread(target=care, daemon=True).start()
    threading.Thread(target=seal, daemon=True).start()
    while True:
        number += 1
        at = NOON + number * STEP * 10**9
        hosts = ("web-1", f"new-{number}", "db-1")
        # For a while all is fresh at first, then nothing is.
        regrouping.MANY = 1 if number // 20 % 2 else 1000
        backend.commit(batch([layout(), *(sample(number * STEP, host=host) for host in hosts)], received=at), at)
        print(f"acknowledged {number}", flush=True)
        if number % 12 == 0:
            limit = at - KEPT * 10**9
            print(f"pruning {(limit - NOON) // 10**9 // STEP + 1}", flush=True)
            backend.retain({"sample": KEPT * 10**9}, at)
        if number % 5 == 0:
            now.append(at)
            backend.refresh()
            # Rows stay a minute of real time beside their blocks; nobody reads here who began before.
            backend._past.sealed.unlink(time.time_ns() + MINUTE * 2, backend._note_sealed)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
