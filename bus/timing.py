"""When: durations in words, backoff with jitter. Pure."""

from __future__ import annotations

import math
import re

SECOND = 1_000_000_000
"""In nanoseconds, in which every time travels and is kept."""
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
"""Seconds in each unit that a duration may be written in."""

LONGEST = 9e9
"""Seconds: as nanoseconds, and added to now, it is still a number of 64 bits."""

_WORDS = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?(?:ms|[smhdw]))+\Z")
_BACK = re.compile(r"\A(?:now *)?- *")
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|[smhdw])")


def seconds(words: str) -> float:
    """The seconds that ``"250ms"``, ``"90s"``, ``"1h30m"`` or ``"7d"`` mean.

    Raises ``ValueError`` for other text, and for what is longer than ``LONGEST``.
    """
    text = words.replace(" ", "")
    if not _WORDS.match(text):
        raise ValueError(f"{words[:40]!r} is no duration such as 250ms, 30s, 2m, 12h or 7d")
    found = float(sum(float(amount) * UNITS[unit] for amount, unit in _PART.findall(text)))
    if found > LONGEST:
        raise ValueError(f"{words[:40]!r} is too long: at most {LONGEST / UNITS['d']:.0f}d")
    return found


def back(words: str) -> float:
    """The seconds that a length back from now means: ``7d``, which may be written ``-7d``, ``now-7d`` and ``7d ago``.

    Raises ``ValueError`` for other text.
    """
    return seconds(_BACK.sub("", words.strip(), count=1).removesuffix(" ago"))


def in_words(duration: float) -> str:
    """``duration`` seconds in the largest unit that divides it: 120 is ``2m``, 90 is ``90s``, 0.25 is ``250ms``."""
    if duration != int(duration):
        milliseconds = round(duration * 1000)
        return (
            f"{milliseconds}ms" if math.isclose(milliseconds / 1000, duration, rel_tol=1e-12) else f"{duration:.12g}s"
        )
    whole = int(duration)
    for unit in ("w", "d", "h", "m"):
        if whole and whole % int(UNITS[unit]) == 0:
            return f"{whole // int(UNITS[unit])}{unit}"
    return f"{whole}s"


def roughly(duration: float) -> str:
    """``duration`` seconds as a person says it: ``45 s``, ``12 min``, ``3 h``, ``6 d``."""
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if duration >= 2 * length:
            return f"{duration / length:.0f} {unit}"
    return f"{duration:.0f} s"


def to_two_units(duration: float) -> str:
    """``duration`` seconds to their two largest units: ``2h30m``, ``5m``, ``12s``."""
    left, parts = int(duration), []
    for unit in ("d", "h", "m", "s"):
        size = int(UNITS[unit])
        if left >= size:
            parts.append(f"{left // size}{unit}")
            left %= size
    return "".join(parts[:2]) or "0s"


def backoff(attempt: int, *, first: float, longest: float, chance: float) -> float:
    """Seconds to wait after failed attempt number ``attempt`` (1 is the first).

    The wait doubles from ``first`` up to ``longest``. ``chance`` is a random number from 0 to 1 that spreads the
    wait over its upper half, so that many who failed together do not all come back together.
    """
    doubled: float = first * 2 ** min(max(attempt - 1, 0), 62)
    whole = min(longest, doubled)
    return whole * (0.5 + 0.5 * chance)
