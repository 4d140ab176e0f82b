"""Who was refused at the hub's door, as the collector leaves it in ``run/refused.json`` for ``guardia status``."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

FILE = "refused.json"


@dataclass(frozen=True, slots=True)
class Refused:
    """So many frames or connections of one sender for one reason; ``at``: the last one, ns since 1970."""

    reason: str
    sender: str
    count: int
    at: int
    text: str


def write(run_dir: Path, rows: Iterable[Refused]) -> None:
    """Leave ``rows``, in one step; not worth an fsync, which would keep the doors waiting."""
    path = run_dir / FILE
    path.with_suffix(".new").write_text(json.dumps([asdict(row) for row in rows]), encoding="ascii")
    path.with_suffix(".new").replace(path)


def read(run_dir: Path) -> list[Refused]:
    """What the collector left since its start; nothing when it never refused anybody."""
    try:
        found = json.loads((run_dir / FILE).read_text(encoding="ascii"))
        return [
            Refused(str(row["reason"]), str(row["sender"]), int(row["count"]), int(row["at"]), str(row["text"]))
            for row in found
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return []
