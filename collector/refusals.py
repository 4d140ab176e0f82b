"""Refusals counted by reason and sender, and told at a bounded rate."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from pathlib import Path

from bus import refused
from bus.refused import Refused

MOST_SENDERS = 1000
"""Senders counted apart between two reports; the others are counted together."""
MOST_REMEMBERED = 200
"""Pairs of reason and sender that ``guardia status`` is told of; the one refused longest ago joins the others."""
OTHERS = "others"


class Refusals:
    """How many frames were refused, why, and from whom. ``clock`` tells ns since 1970."""

    def __init__(self, clock: Callable[[], int] = time.time_ns) -> None:
        self.totals: Counter[str] = Counter()
        self._clock = clock
        self._since: Counter[tuple[str, str]] = Counter()
        self._example: dict[str, str] = {}
        self._lasting: OrderedDict[tuple[str, str], Refused] = OrderedDict()

    def count(self, reason: str, sender: str, text: str, n: int = 1) -> None:
        """Remember that ``n`` frames of ``sender`` were refused for ``reason``; ``text`` says it for people."""
        self.totals[reason] += n
        key = (reason, sender)
        if key not in self._since and len(self._since) >= MOST_SENDERS:
            key = (reason, OTHERS)
        self._since[key] += n
        self._example.setdefault(reason, text)

    def report_to(self, tell: Callable[[str], None]) -> None:
        """Tell a sentence for each reason since the last report, with its busiest senders."""
        for reason, example in self._example.items():
            senders = Counter({who: n for (why, who), n in self._since.items() if why == reason})
            named = ", ".join(f"{who} ({n})" for who, n in senders.most_common(3))
            more = f" and {len(senders) - 3} others" if len(senders) > 3 else ""
            tell(f"refused {senders.total()} frames, {reason}, from {named}{more}: {example}")
        self._remember()
        self._since.clear()
        self._example.clear()

    def lasting(self) -> list[Refused]:
        """Who was refused since the start, as of the last report, the latest last."""
        return list(self._lasting.values())

    def readings(self) -> dict[str, float | None]:
        """The totals as readings of the collector's own sample."""
        return {f"refused[{reason}].frames_total": float(n) for reason, n in self.totals.items()}

    def _remember(self) -> None:
        now = self._clock()
        for (reason, sender), n in self._since.items():
            self._add(reason, sender, n, now, self._example[reason])
        while len(self._lasting) > MOST_REMEMBERED:
            (reason, sender), row = next(
                (found for found in self._lasting.items() if found[0][1] != OTHERS), next(iter(self._lasting.items()))
            )
            del self._lasting[reason, sender]
            if sender != OTHERS:
                self._add(reason, OTHERS, row.count, row.at, row.text)

    def _add(self, reason: str, sender: str, n: int, at: int, text: str) -> None:
        before = self._lasting.get((reason, sender))
        count, at = (before.count + n, max(at, before.at)) if before else (n, at)
        self._lasting[reason, sender] = Refused(reason, sender, count, at, text)
        self._lasting.move_to_end((reason, sender))


class Report:
    """Tells of refusals since the start: to the log in sentences, to ``guardia status`` in a file."""

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
