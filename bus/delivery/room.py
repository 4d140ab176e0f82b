"""How long a producer may go on without a store until something is lost. Pure."""

from __future__ import annotations

SURE_SECONDS = 60.0
"""Of what was told in less time nobody can tell how much is told."""


def seconds_left(*, most: int, longest: float, size: float, waiting: int, told: int, elapsed: float) -> float | None:
    """Seconds until the oldest message that waits for the store has to go; None while that cannot be told.

    The spool takes ``most`` bytes, ``size`` for each message, and keeps each for ``longest`` seconds. In it are
    ``waiting`` that the store does not have; ``told`` were told within ``elapsed`` seconds, and so it is to go on.
    """
    if elapsed < SURE_SECONDS or not told or size <= 0:
        return None
    each = elapsed / told
    return max(0.0, min((most / size - waiting) * each, longest - waiting * each))
