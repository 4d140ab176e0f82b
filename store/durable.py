"""A small file in the place of the one before: whole and on the disk, or as it was."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zlib import crc32

from bus.folder import sync_folder

CHECKSUM = "checksum"


def rewrite(path: Path, text: str) -> None:
    """Have ``text`` in the file, whenever the power goes; raises ``OSError``, and then it is as it was."""
    fresh = path.with_name(path.name + ".new")
    with fresh.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(path)
    sync_folder(path.parent)


def rewrite_checked(path: Path, told: Mapping[str, Any]) -> None:
    """Have this as JSON in the file, with a checksum; raises as ``rewrite``."""
    rewrite(path, json.dumps({**told, CHECKSUM: _checksum(told)}))


def read_checked(path: Path) -> dict[str, Any]:
    """What ``rewrite_checked`` was given; raises ``OSError``, or ``ValueError`` where that is damaged.

    What earlier versions wrote has no checksum, and is believed.
    """
    told = json.loads(path.read_bytes())
    if not isinstance(told, dict) or told.pop(CHECKSUM, None) not in (None, _checksum(told)):
        raise ValueError(f"{path} does not hold what was written to it")
    return told


def is_damaged(path: Path) -> bool:
    """Whether the file is there, and is not what ``rewrite_checked`` wrote."""
    try:
        read_checked(path)
    except OSError:
        return False
    except ValueError:
        return True
    return False


def _checksum(told: Mapping[str, Any]) -> int:
    return crc32(json.dumps(told, sort_keys=True).encode())
