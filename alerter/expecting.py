"""Since when those are expected that nobody ever heard, from one life of the alerter to the next. Pure.

Who was heard is known by the store. For how long nothing was ever heard of another only the alerter knows: if it began
anew with each of its starts, one that is started often would never tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from alerter.subjects import Subject


def expected(subjects: Iterable[Subject]) -> dict[str, int]:
    """By key, since when (ns) each is expected that the configuration names, that is judged and was never heard."""
    return {one.key: one.first for one in subjects if one.configured and one.rules and not one.heard}


def expect(subjects: Iterable[Subject], since: Mapping[str, int], now: int) -> None:
    """They are expected since the times that an earlier life kept; by a clock that was set back, since ``now``."""
    for one in subjects:
        if one.configured and not one.heard:
            one.first = min(one.first, since.get(one.key, now), now)
