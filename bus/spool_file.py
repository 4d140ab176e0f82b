"""Opening a spool's LMDB file, and finding out whether it can be trusted.

A damaged LMDB file may kill the process that reads it (SIGBUS, SIGABRT). So a file is opened with a marker
beside it; when the marker is found at the next start, the opening did not end, and a child process walks the
file first: ``python -m bus.spool_file PATH`` leaves with 0 when every message can be read.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import lmdb

BAD = ".bad-"
KEEP_BAD = 2
"""Damaged files that are kept for whoever wants to look at them."""
DATABASES = (b"records", b"epochs", b"marks", b"meta")
DAMAGED = (
    lmdb.CorruptedError,
    lmdb.PageNotFoundError,
    lmdb.InvalidError,
    lmdb.VersionMismatchError,
    lmdb.PanicError,
    lmdb.IncompatibleError,
    struct.error,
)
"""What an opening raises when the file itself is wrong, and not the disk or its rights."""


def open_file(path: Path, map_bytes: int) -> tuple[Any, tuple[Any, ...]]:
    """The environment and its databases; raises ``lmdb.Error``.

    The map is larger than the file may ever become: its size is never changed, the spool polices its bytes.
    """
    path.mkdir(mode=0o700, exist_ok=True)
    environment = lmdb.open(
        str(path), map_size=map_bytes, max_dbs=len(DATABASES), mode=0o600, max_readers=8, readahead=False
    )
    try:
        last_page = environment.info()["last_pgno"]
        size = (path / "data.mdb").stat().st_size
        if size < (last_page + 1) * environment.stat()["psize"]:
            raise lmdb.CorruptedError(f"{path}: the file ends before its page {last_page}")
        return environment, tuple(environment.open_db(name) for name in DATABASES)
    except BaseException:
        environment.close()
        raise


def doubtful(marker: Path) -> bool:
    """Whether the last opening did not end; leaves the marker for this one."""
    found = marker.exists()
    marker.touch(mode=0o600)
    return found


def sound(path: Path) -> bool:
    """Whether a child process can read everything in the file."""
    return (
        not path.exists()
        or subprocess.run(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "bus.spool_file", str(path)], check=False, timeout=300
        ).returncode
        == 0
    )


def clear_old(path: Path) -> None:
    """Remove all but the newest of the files that were moved aside."""
    for old in sorted(path.parent.glob(f"{path.name}{BAD}*"))[:-KEEP_BAD]:
        shutil.rmtree(old, ignore_errors=True)


def walk(path: Path) -> int:
    """Read every message in the file; returns how many there are. Raises ``lmdb.Error``, or does not return."""
    environment, databases = open_file(path, 1 << 40)
    with environment.begin() as txn:
        count = sum(len(value) > 0 for database in databases for _, value in txn.cursor(db=database))
    environment.close()
    return count


if __name__ == "__main__":
    walk(Path(sys.argv[1]))
