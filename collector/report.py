"""Tells of refusals: to the log in sentences, to ``guardia status`` in a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bus import refused
from collector.refusals import Refusals


class Report:
    """What was refused before the collector's start is told no longer."""

    def __init__(self, refusals: Refusals, say: Callable[[str], None], run_dir: Path, name: str = "collector") -> None:
        self._refusals = refusals
        self._say = say
        self._run_dir = run_dir
        self._name = name
        self._told = -1

    def tell(self) -> None:
        """Called now and then; writes nothing where nobody was refused since."""
        self._refusals.report_to(self._say)
        total = self._refusals.totals.total()
        if total != self._told:
            refused.write(self._run_dir, self._refusals.lasting(), self._name)
            self._told = total
