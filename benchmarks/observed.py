"""The store's writer as it is, with a clock beside each commit: ``python -m benchmarks.observed FILE``.

At its end it writes to FILE how many samples were committed, when the first and the last of them were, and how
long every fiftieth (of those that came together, the first) took from being sent to being on disk; and what the
writer itself says that it did not get.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from bus.messages import KINDS
from bus.program import Program, run
from bus.wire import HEADER
from store import __main__ as store
from store.backends.lmdb import LmdbBackend
from store.batch import Batch
from store.config import Store

SAMPLE = KINDS["sample"].code
EVERY = 50


def main(result: Path) -> int:
    """Run the writer to its end; returns its exit code."""
    found: dict[str, Any] = {"samples": 0, "first": 0, "last": 0, "commits": 0, "delays_ms": []}
    plain, pieces = LmdbBackend.commit, 0

    def commit(self: LmdbBackend, batch: Batch, *more: Any) -> Any:
        answer = plain(self, batch, *more)
        now = time.time_ns()
        nonlocal pieces
        count = 0
        for (code, _), groups in batch.groups.items():
            if code != SAMPLE:
                continue
            for (subject, _), group in groups.items():
                if subject.startswith(b"guardia."):
                    continue
                # Only the fiftieths are looked at: to count all in Python would cost the writer a tenth of its work.
                for piece in group.pieces[-pieces % EVERY :: EVERY]:
                    found["delays_ms"].append((now - HEADER.unpack_from(piece)[13]) / 1e6)
                pieces += len(group.pieces)
                count += group.count
        if count:
            found["first"] = found["first"] or now
            found["samples"] += count
            found["last"] = now
            found["commits"] += 1
        return answer

    def build(program: Program[Store]) -> None:
        store.build_writer(program)
        counted = ("store.missed", "store.left_out", "store.malformed")
        program.loop.on_stop(lambda: found.update({name: program.vitals.total(name) for name in counted}))

    LmdbBackend.commit = commit  # type: ignore[assignment, method-assign]
    code = run("store", Store, build, part="writer", argv=[])
    result.write_text(json.dumps(found))
    return code


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
