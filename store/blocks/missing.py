"""Records that could not be read any more when the rest of their partition was sealed: how many, of which.

    blocks/missing.json     {"KIND/YYYYMMDDTHH/INODE": records, ..., "checksum": CRC-32 (``store.durable``)}

They were stored, and are in no block; nothing else knows of them when the partition is removed. An entry is of one
partition, as its folder's number says, so that sealing it again counts nothing twice. It is kept for as long as the
partition's records would be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from store.durable import read_checked, rewrite_checked
from store.keys import partition_start, period

MISSING = "missing.json"


def missing_of(blocks: Path, rows: Path | None = None) -> dict[str, int]:
    """How many records are missing, by kind; without those of partitions that are still in ``rows``."""
    found = Counter[str]()
    for name, records in _read(blocks).items():
        kind, start, _ = name.split("/")
        if rows is None or not (rows / kind / start).exists():
            found[kind] += records
    return dict(found)


def miss(blocks: Path, kind: str, partition: Path, records: int) -> None:
    """Write down that so many records of a partition are missing, none as well; raises ``OSError``."""
    entries = _read(blocks)
    name = f"{kind}/{partition.name}/{partition.stat().st_ino}"
    if entries.get(name, 0) != records:
        entries[name] = records
        _write(blocks, entries)


def miss_no_more(blocks: Path, kept: Callable[[str], int], now: int) -> None:
    """Forget what would be dropped by now; ``kept`` says how long records of a kind are kept (ns)."""
    entries = _read(blocks)
    left = {}
    for name, records in entries.items():
        kind, start, _ = name.split("/")
        if now - partition_start(start) - period(kind) < kept(kind):
            left[name] = records
    if left != entries:
        with suppress(OSError):
            _write(blocks, left)


def _read(blocks: Path) -> dict[str, int]:
    try:
        entries = {str(name): int(records) for name, records in read_checked(blocks / MISSING).items()}
        return {name: records for name, records in entries.items() if _is_name(name)}
    except (OSError, ValueError, TypeError):
        return {}


def _is_name(name: str) -> bool:
    with suppress(ValueError):
        _, start, _ = name.split("/")
        partition_start(start)
        return True
    return False


def _write(blocks: Path, entries: dict[str, int]) -> None:
    blocks.mkdir(mode=0o700, parents=True, exist_ok=True)
    rewrite_checked(blocks / MISSING, {name: records for name, records in entries.items() if records})
