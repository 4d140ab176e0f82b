"""A small file in the place of the one before: whole and on the disk, or as it was."""

from __future__ import annotations

import os
from pathlib import Path

from bus.mapped import settle


def rewrite(path: Path, text: str) -> None:
    """Have ``text`` in the file, whenever the power goes; raises ``OSError``, and then it is as it was."""
    fresh = path.with_name(path.name + ".new")
    with fresh.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(path)
    settle(path.parent)
