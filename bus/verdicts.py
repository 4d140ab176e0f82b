"""What a service is when it is seen from several places. Pure."""

from __future__ import annotations

from collections.abc import Iterable

WORDS = ("up", "degraded", "down")
"""What a place that knows may say, the better first."""


def together(words: Iterable[str]) -> str:
    """What most of those say that know: down where they do, else degraded or worse likewise, else up.

    Where as many say one as the other it is the better of both; where nobody knows, it is ``unknown``.
    """
    known = [WORDS.index(word) for word in words if word in WORDS]
    if not known:
        return "unknown"
    for least in (2, 1):
        if 2 * sum(one >= least for one in known) > len(known):
            return WORDS[least]
    return "up"
