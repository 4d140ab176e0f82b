"""A speaker that tells nobody: decisions, incidents and their reasons are kept all the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from alerter.incidents import Hold, Incident


class Quiet:
    """Says nothing; what a back-test and an alerter without channels have for a speaker."""

    def consider(
        self,
        transaction: Any,
        incidents: Sequence[Incident],
        holds_by_incident: Mapping[str, Sequence[Hold]],
        now: int,
    ) -> None:
        """Nothing has to be said."""
