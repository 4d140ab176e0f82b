"""What a histogram or a summary of Prometheus's says of the time between two readings. Pure.

Percentiles are reckoned as Prometheus's ``histogram_quantile`` does, by its documentation: evenly spread within a
bucket, from 0 on in the lowest one whose bound is above 0, and in the one without a bound the highest bound there is
(https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

PERCENTILES = (0.5, 0.95, 0.99)


@dataclass(slots=True)
class Distribution:
    """Its counters at one reading; ``buckets`` counts what is up to each upper bound."""

    buckets: dict[float, float] = field(default_factory=dict)
    total: float | None = None
    times: float | None = None

    @property
    def count(self) -> float | None:
        """Of how many it is."""
        return self.buckets.get(math.inf) if self.times is None else self.times

    def take(self, bound: float | None, is_total: bool, value: float) -> bool:
        """One of its counters: of the bucket up to ``bound``, else the sum or the count; False where it is there."""
        if bound is not None:
            known = bound in self.buckets
            self.buckets.setdefault(bound, value)
        elif is_total:
            known, self.total = self.total is not None, value
        else:
            known, self.times = self.times is not None, value
        return not known


def grown(before: Distribution | None, now: Distribution) -> Distribution | None:
    """What has come since; None where nobody knows: at first, and when its counters began anew."""
    if before is None or before.buckets.keys() != now.buckets.keys():
        return None
    buckets = {bound: count - before.buckets[bound] for bound, count in now.buckets.items()}
    times = _less(now.count, before.count)
    if times is None or not times >= 0 or not all(count >= 0 for count in buckets.values()):
        return None
    return Distribution(buckets, _less(now.total, before.total), times)


def _less(now: float | None, before: float | None) -> float | None:
    return None if now is None or before is None else now - before


def mean(since: Distribution | None) -> float | None:
    """The mean of what has come."""
    if since is None or since.total is None or not since.times:
        return None
    return rounded(since.total / since.times)


def percentiles(since: Distribution | None) -> tuple[float | None, ...]:
    """The values of ``PERCENTILES``."""
    if since is None:
        return (None,) * len(PERCENTILES)
    bounds = sorted(since.buckets.items())
    return tuple(quantile(share, bounds) for share in PERCENTILES)


def quantile(share: float, buckets: Sequence[tuple[float, float]]) -> float | None:
    """The value below which ``share`` of all are, more than none.

    ``buckets`` are bounds, rising, and how many are up to each.
    """
    counts: list[float] = []
    for _, count in buckets:  # they are not all read at the same instant
        counts.append(max(count, counts[-1]) if counts else count)
    if len(buckets) < 2 or buckets[-1][0] != math.inf or not 0 < counts[-1] < math.inf:
        return None
    rank = share * counts[-1]
    at = next(place for place, count in enumerate(counts) if count >= rank)
    if at == len(buckets) - 1:
        return buckets[-2][0]
    end, begin, below = buckets[at][0], 0.0, 0.0
    if at:
        begin, below = buckets[at - 1][0], counts[at - 1]
    elif end <= 0:
        return end
    return rounded(begin + (end - begin) * (rank - below) / (counts[at] - below))


def rounded(value: float) -> float | None:
    """Four digits: what comes after them is of the buckets' width."""
    return float(f"{value:.4g}") if math.isfinite(value) else None
