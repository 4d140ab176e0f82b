"""The names behind the layouts that producers announced, as many as memory allows. Pure.

Producers announce a layout again each minute while they use it, and for one that is not known the store is asked.
Where there are too many, whoever announced most is the one whose layouts are forgotten: nobody's invented names push
out those of others.
"""

from __future__ import annotations

from collections import Counter

MOST = 2_500_000
"""What all layouts together weigh, about 150 MB: those of 10,000 hosts of 200 metrics each, all different."""
ITSELF = 6
"""What a layout without names weighs: as much as so many names."""
LETTERS = 64
"""So many letters weigh as much as a name."""
ROOM = 0.98
"""So much of that is left when something had to go: to look who has most costs a look at everybody."""
STORE = ""
"""On whose account a layout is that the store told of, until somebody announces it."""


class Layouts:
    """Layouts by their ids, each on the account of one of those who announced it."""

    def __init__(self, most: int = MOST) -> None:
        self.forgotten: Counter[str] = Counter()
        """How many were forgotten, by whose they were; whoever tells of it clears it."""
        self._most = most
        self._by_id: dict[int, tuple[tuple[str, ...], str]] = {}
        self._of: dict[str, dict[int, None]] = {}
        """By source its layouts, the longest unannounced first."""
        self._taken: Counter[str] = Counter()
        self._weight = 0

    def learn(self, number: int, names: tuple[str, ...], source: str = STORE) -> None:
        """Take in a layout as the one that ``source`` announced last."""
        known = self._by_id.get(number)
        if known is not None:
            owner = known[1]
            self._drop(number)
            # Of several who announce it whoever has least: a stranger's flood takes nothing of it along.
            if owner != STORE and self._taken[owner] <= self._taken[source]:
                source = owner
        self._by_id[number] = names, source
        self._of.setdefault(source, {})[number] = None
        self._taken[source] += weight(names)
        self._weight += weight(names)
        if self._weight > self._most:
            self._make_room(number)

    def get(self, number: int) -> tuple[str, ...] | None:
        """The names of a layout; None while nobody announced it, or when it was forgotten."""
        found = self._by_id.get(number)
        return None if found is None else found[0]

    def __contains__(self, number: int) -> bool:
        return number in self._by_id

    def __len__(self) -> int:
        return len(self._by_id)

    def _make_room(self, spared: int) -> None:
        room = self._most * ROOM
        # Down to an equal share first; less than that is needed where a single one is larger than its share.
        for share in (room / len(self._of), 0.0):
            for source, _ in self._taken.most_common():
                for number in list(self._of[source]):
                    if self._weight <= room:
                        return
                    if self._taken[source] <= share:
                        break
                    if number != spared:
                        self._drop(number)
                        self.forgotten[source] += 1

    def _drop(self, number: int) -> None:
        names, source = self._by_id.pop(number)
        del self._of[source][number]
        self._weight -= weight(names)
        self._taken[source] -= weight(names)
        if not self._of[source]:
            del self._of[source], self._taken[source]


def weight(names: tuple[str, ...]) -> int:
    """What a layout takes in memory, in names of usual length."""
    return ITSELF + len(names) + sum(map(len, names)) // LETTERS
