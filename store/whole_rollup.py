"""Rollups as ``store.rollup`` makes them, of integers, as the sealer has them: no float is made on the way. Pure.

Least, most, sum and last of integers are those of the numbers that they stand for; sums are exact, in any order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from store.blocks.scaled import RAW, Integers, Scaled
from store.rollup import FEW, MOST_SUM, NUMBERS, Places, Rolled, coarser, folded, lengths, rolled, spans


@dataclass(frozen=True, slots=True)
class WholeRolled:
    """As ``Rolled``; least, most, total and last are integers, of which ``tens`` says what they are (``Scaled``).

    A metric that is ``RAW`` has holes, or numbers that are no decimals, or whose sum might not fit.
    """

    starts: Integers
    rows: Integers
    count: Integers
    least: Integers
    most: Integers
    total: Integers
    last: Integers
    tens: Integers

    def coarser(self, length: int) -> WholeRolled:
        """The rollup over longer spans; ``length`` is a multiple of that of this one."""
        begins, starts = spans(self.starts, length)
        rows = np.add.reduceat(self.rows, begins) if len(begins) else self.rows
        made = WholeRolled(
            starts,
            rows,
            np.tile(rows, (len(self.tens), 1)),
            _folded((np.minimum,), self.least, begins)[0],
            _folded((np.maximum,), self.most, begins)[0],
            _folded((np.add,), self.total, begins)[0],
            _lasts(self.last, begins),
            self.tens,
        )
        raw = np.flatnonzero(self.tens < 0)
        return made._with(raw, coarser(self._rolled(raw), length)) if len(raw) else made

    def rolled(self) -> Rolled:
        """The same in floats."""
        every = np.arange(len(self.tens))
        return self._rolled(every)

    def told(self) -> tuple[Integers, Scaled]:
        """As ``Rolled.told``."""
        whole = np.stack([self.count, *(getattr(self, name) for name in NUMBERS)], axis=1)
        tens = np.stack([np.zeros_like(self.tens), *[self.tens] * len(NUMBERS)], axis=1).ravel()
        whole = whole.reshape(len(tens), len(self.starts))
        raw = np.flatnonzero(tens < 0)
        if len(raw):
            whole[raw], tens[raw] = Scaled.of(whole[raw].view(np.float64))
        return np.stack([self.starts, self.rows]), Scaled(whole, tens)

    def _rolled(self, metrics: Places) -> Rolled:
        numbers = [Scaled(getattr(self, name)[metrics], self.tens[metrics]).floats() for name in NUMBERS]
        return Rolled(self.starts, self.rows, self.count[metrics], *numbers)

    def _with(self, metrics: Places, one: Rolled) -> WholeRolled:
        """The same, in which these metrics are as they were rolled up in floats."""
        self.count[metrics] = one.count
        for name in NUMBERS:
            getattr(self, name)[metrics] = np.ascontiguousarray(getattr(one, name)).view(np.int64)
        return self


def whole_rolled(times: Integers, numbers: Scaled, length: int) -> WholeRolled:
    """The rollup of metrics whose times ascend, in spans of this length."""
    whole, tens = numbers
    begins, starts = spans(times, length)
    rows = lengths(begins, len(times)).astype(np.int64) if len(begins) else starts
    least, highest, total = _folded((np.minimum, np.maximum, np.add), whole, begins)
    if len(begins):
        # Of the spans' extremes there are fewer. A sum that did not fit is made anew in floats.
        most = np.maximum(np.abs(highest.max(axis=1).astype(float)), np.abs(least.min(axis=1).astype(float)))
        tens = np.where(most * len(times) < MOST_SUM, tens, RAW)
    made = WholeRolled(starts, rows, np.tile(rows, (len(tens), 1)), least, highest, total, _lasts(whole, begins), tens)
    raw = np.flatnonzero(tens < 0)
    return made._with(raw, rolled(times, numbers.those(raw).floats(), length)) if len(raw) else made


def stacked(some: Sequence[WholeRolled]) -> WholeRolled:
    """Rollups of the same spans, one metric under the other."""
    if len(some) == 1:
        return some[0]
    first = some[0]
    matrices = [np.concatenate([getattr(one, name) for one in some]) for name in ("count", *NUMBERS, "tens")]
    return WholeRolled(first.starts, first.rows, *matrices)


def _folded(how: Sequence[np.ufunc], whole: Integers, begins: Places) -> list[Integers]:
    """Each of these over the columns of each span, which ``begins`` at some column and ends before the next."""
    if not len(begins):
        return [whole] * len(how)
    counts = lengths(begins, whole.shape[1])
    few = int(counts[0])
    if few > FEW or (counts != few).any():
        return [folded(one, whole, begins) for one in how]
    # As many in each: the first of all spans, the second ... below one another are folded in one stroke.
    turned = np.ascontiguousarray(whole.reshape(len(whole), -1, few).transpose(2, 0, 1))
    return [one.reduce(turned, axis=0) for one in how]


def _lasts(whole: Integers, begins: Places) -> Integers:
    return np.ascontiguousarray(whole[:, np.append(begins[1:], whole.shape[1]) - 1]) if len(begins) else whole
