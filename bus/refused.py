"""Who was refused at the hub's doors, as each collector leaves it in ``run/NAME.refused.json``."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

FILES = "{}.refused.json"


@dataclass(frozen=True, slots=True)
class Refused:
    """So many frames or connections of one sender for one reason; ``at``: the last one, ns since 1970."""

    reason: str
    sender: str
    count: int
    at: int
    text: str


def write(run_dir: Path, rows: Iterable[Refused], collector: str = "collector") -> None:
    """Leave ``rows``, in one step; not worth an fsync, which would keep the doors waiting."""
    path = run_dir / FILES.format(collector)
    path.with_suffix(".new").write_text(json.dumps([asdict(row) for row in rows]), encoding="ascii")
    path.with_suffix(".new").replace(path)


def read(run_dir: Path) -> list[Refused]:
    """What the collectors left since their start; nothing when they never refused anybody."""
    rows: list[Refused] = []
    for path in sorted(run_dir.glob(FILES.format("*"))):
        try:
            rows += [
                Refused(str(row["reason"]), str(row["sender"]), int(row["count"]), int(row["at"]), str(row["text"]))
                for row in json.loads(path.read_text(encoding="ascii"))
            ]
        except (OSError, ValueError, KeyError, TypeError, OverflowError):
            continue
    return rows
