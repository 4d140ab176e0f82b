"""The names of samples' numbers, as many as memory is meant for. Pure.

A host that invents names with each sample would fill it otherwise. Who is forgotten is the one announced longest
ago. Producers announce a layout again each minute while they use it, and for one that is not known the store is asked.
"""

from __future__ import annotations

MOST_NAMES = 2_000_000
"""Of all layouts together, about 150 MB: the layouts of 10,000 hosts of 200 metrics each, all different."""


class Layouts:
    """Layouts by their ids."""

    def __init__(self, most_names: int = MOST_NAMES) -> None:
        self._most = most_names
        self._names = 0
        self._by_id: dict[int, tuple[str, ...]] = {}

    def learn(self, number: int, names: tuple[str, ...]) -> None:
        """Take in a layout as the one announced last; of too many the longest unannounced are forgotten."""
        self._names += len(names) - len(self._by_id.pop(number, ()))
        self._by_id[number] = names
        while self._names > self._most and len(self._by_id) > 1:
            self._names -= len(self._by_id.pop(next(iter(self._by_id))))

    def get(self, number: int) -> tuple[str, ...] | None:
        """The names of a layout; None while nobody announced it, or when it was forgotten."""
        return self._by_id.get(number)

    def __contains__(self, number: int) -> bool:
        return number in self._by_id

    def __len__(self) -> int:
        return len(self._by_id)
