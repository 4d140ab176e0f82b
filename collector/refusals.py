"""Refusals counted by reason and sender, and told at a bounded rate. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

MOST_SENDERS = 1000
"""Senders counted apart between two reports; the others are counted together."""


class Refusals:
    """How many frames were refused, why, and from whom."""

    def __init__(self) -> None:
        self.totals: Counter[str] = Counter()
        self._since: Counter[tuple[str, str]] = Counter()
        self._example: dict[str, str] = {}

    def count(self, reason: str, sender: str, text: str, n: int = 1) -> None:
        """Remember that ``n`` frames of ``sender`` were refused for ``reason``; ``text`` says it for people."""
        self.totals[reason] += n
        key = (reason, sender)
        if key not in self._since and len(self._since) >= MOST_SENDERS:
            key = (reason, "others")
        self._since[key] += n
        self._example.setdefault(reason, text)

    def report_to(self, tell: Callable[[str], None]) -> None:
        """Tell a sentence for each reason since the last report, with its busiest senders."""
        for reason, example in self._example.items():
            senders = Counter({who: n for (why, who), n in self._since.items() if why == reason})
            named = ", ".join(f"{who} ({n})" for who, n in senders.most_common(3))
            more = f" and {len(senders) - 3} others" if len(senders) > 3 else ""
            tell(f"refused {senders.total()} frames, {reason}, from {named}{more}: {example}")
        self._since.clear()
        self._example.clear()

    def readings(self) -> dict[str, float | None]:
        """The totals as readings of the collector's own sample."""
        return {f"refused[{reason}].frames_total": float(n) for reason, n in self.totals.items()}
