"""Sizes in words, to bytes and back. Pure."""

from __future__ import annotations

import re

UNITS = {
    "B": 1,
    "kB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
}
"""Bytes in each unit that a size may be written in; letter case does not matter."""

MOST_DIGITS = 30
_BY_LOWER = {unit.lower(): size for unit, size in UNITS.items()}
_WORDS = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]+)\Z")


def size(words: str) -> int:
    """The bytes that ``"512MB"`` or ``"1.5 GiB"`` mean; raises ``ValueError`` for other text."""
    found = _WORDS.match(words.strip())
    unit = _BY_LOWER.get(found[2].lower()) if found else None
    if found is None or unit is None or len(found[1]) > MOST_DIGITS:
        raise ValueError(f"{words!r} is no size such as 64kB, 512MB or 2GiB")
    return round(float(found[1]) * unit)


def in_words(size_bytes: int) -> str:
    """``size_bytes`` in the largest unit that divides it: 512000000 is ``512MB``, 65536 is ``64KiB``."""
    for unit in ("TB", "TiB", "GB", "GiB", "MB", "MiB", "kB", "KiB"):
        if size_bytes and size_bytes % UNITS[unit] == 0:
            return f"{size_bytes // UNITS[unit]}{unit}"
    return f"{size_bytes}B"
