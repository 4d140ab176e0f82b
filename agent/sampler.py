"""The readings of all groups joined into one wide sample. Pure.

A group that is read less often than samples are taken keeps its values until they are too old. Its names stay:
the layout changes only when instances come or go. Where there are more names than a sample can hold, it is the largest
groups that do without some: a thousand file systems do not hide the network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from agent.rates import Rates
from agent.readings import Readings, silent
from bus.messages import MAX_METRICS

MOST_NAME_BYTES = 240_000
"""The names of a sample travel in one message, which may not be larger than the wire allows."""


class _Group:
    """The newest values of one group."""

    __slots__ = ("at", "holds", "names", "rates", "values")

    def __init__(self) -> None:
        self.rates = Rates()
        self.names: tuple[str, ...] = ()
        self.values: list[float | None] = []
        self.at = 0.0
        self.holds = 0.0


class Sampler:
    """The newest values of every group; groups stand in a sample in the order of ``groups``, others after them."""

    def __init__(self, groups: Iterable[str], say: Callable[[str], None] = silent) -> None:
        """``say`` gets a sentence once a group does not fit any more."""
        self._groups = {name: _Group() for name in groups}
        self._say = say
        self._cut: set[str] = set()
        """The groups that do not fit."""
        self._names: tuple[str, ...] = ()
        self._taken: list[tuple[_Group, Sequence[int]]] | None = None

    def take(self, name: str, readings: Readings, now: float, holds: float = 0.0) -> None:
        """Remember a group's readings; its values are good for ``holds`` seconds."""
        group = self._groups.get(name)
        if group is None:
            group = self._groups[name] = _Group()
        values = group.rates.values(readings, now)
        names = tuple(values)
        if names != group.names:
            group.names, self._taken = names, None
        group.values, group.at, group.holds = list(values.values()), now, holds

    def forget(self, name: str) -> None:
        """The group is no more, nor are its names."""
        if self._groups.pop(name, None) is not None:
            self._taken = None

    def sample(self, now: float) -> tuple[tuple[str, ...], list[float | None]]:
        """The names and their values now; None for what is older than its group holds."""
        if self._taken is None:
            self._taken = self._arranged()
        values: list[float | None] = []
        for group, places in self._taken:
            if now - group.at > group.holds:
                values.extend([None] * len(places))
            elif len(places) == len(group.values):
                values.extend(group.values)
            else:
                values.extend(group.values[place] for place in places)
        return self._names, values

    def _arranged(self) -> list[tuple[_Group, Sequence[int]]]:
        # A layout holds each name once: where two groups tell the same, the first one is believed.
        taken: set[str] = set()
        wanted: dict[str, list[int]] = {}
        for label, group in self._groups.items():
            wanted[label] = [place for place, name in enumerate(group.names) if name not in taken]
            taken.update(group.names)
        fitting = self._fitting(wanted)
        arranged: list[tuple[_Group, Sequence[int]]] = [
            (group, fitting[label]) for label, group in self._groups.items() if fitting[label]
        ]
        self._names = tuple(group.names[place] for group, places in arranged for place in places)
        return arranged

    def _fitting(self, wanted: dict[str, list[int]]) -> dict[str, list[int]]:
        """As many of the places of each group as a sample can hold, of small groups first."""
        room, left = MOST_NAME_BYTES, MAX_METRICS
        fitting: dict[str, list[int]] = {}
        for label in sorted(wanted, key=lambda label: len(wanted[label])):
            names, fitting[label] = self._groups[label].names, []
            for place in wanted[label]:
                size = len(names[place].encode()) + 3
                if left and room >= size:
                    room, left = room - size, left - 1
                    fitting[label].append(place)
        for label in wanted:
            self._tell(label, len(wanted[label]) - len(fitting[label]))
        return fitting

    def _tell(self, label: str, lacking: int) -> None:
        if lacking and label not in self._cut:
            self._say(f"a sample can hold no more: {lacking} readings of {label} are left out")
        (self._cut.add if lacking else self._cut.discard)(label)
