"""Text from outside, made so that it does nothing where it is shown. Pure."""

from __future__ import annotations

import re

_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def safe(text: str) -> str:
    """``text`` without control characters, terminal escapes, marks that turn the direction of writing, and what is no
    Unicode and could not be written (a file's name may be).
    """
    return _UNSAFE.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def safe_lines(text: str) -> str:
    """The same, with its lines."""
    return "\n".join(map(safe, text.split("\n")))


def printable(text: str) -> str:
    """``text`` with a ``?`` in place of each character that cannot be shown."""
    return text if text.isprintable() else "".join(one if one.isprintable() else "?" for one in text)


def cut(text: str, most: int) -> str:
    """``text``, of which what is beyond ``most`` characters gives way to an ellipsis."""
    return text if len(text) <= most else text[: most - 1] + "…"
