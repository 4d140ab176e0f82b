"""Whether nobody has written to a file for a while, also where the clock was set back since. Pure."""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path


class Quiet:
    """Remembers files whose last change lies ahead of the clock, and since when they are as they are; times in ns."""

    def __init__(self) -> None:
        self._ahead: dict[Path, tuple[int, int]] = {}

    def lasts(self, path: Path, changed: int, least: int, now: int) -> bool:
        """Whether a file that was changed then has been left alone for ``least`` ns."""
        if changed <= now or changed + least <= now:
            self._ahead.pop(path, None)
            return changed + least <= now
        # Its time is one of a clock that was ahead: it is quiet if it stays the same from now on.
        known, since = self._ahead.get(path, (changed, now))
        if known != changed or now < since:
            since = now
        self._ahead[path] = changed, since
        return now - since >= least

    def forget_but(self, there: Container[Path]) -> None:
        """Forget files that are gone: only these are ``there``."""
        self._ahead = {path: known for path, known in self._ahead.items() if path in there}
