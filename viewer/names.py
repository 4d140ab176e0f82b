"""The order of names as people count. Pure."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=20_000)
def natural(text: str) -> tuple[tuple[int, str], ...]:
    """A key that sorts ``web-2`` before ``web-10``."""
    found: list[tuple[int, str]] = []
    digits = ""
    for character in text.lower():
        if "0" <= character <= "9" and len(digits) < 18:
            digits += character
            continue
        if digits:
            found.append((int(digits), ""))
            digits = ""
        found.append((-1, character))
    if digits:
        found.append((int(digits), ""))
    return tuple(found)
