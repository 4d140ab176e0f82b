"""A list to pick from: which lines, in which order, and which of them is chosen. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from viewer.names import natural
from viewer.world import ORDER, Host, Service, World

CALM = 2.0
"""Seconds that an order by a changing number is kept, so that lines do not dance."""

_URGENT = {state: place for place, state in enumerate((*ORDER, "not read"))}
"""What a replay has not read yet comes last, so that reading it does not turn the list over."""


def _much(value: float | None) -> float:
    """Sorts the most to the top, and what has no reading to the end."""
    return math.inf if value is None else -value


SORTS: dict[str, Callable[[Host], tuple[float, ...]]] = {
    "state": lambda host: (_URGENT.get(host.state, 3),),
    "name": lambda host: (),
    "cpu": lambda host: (_much(host.value("cpu.percent")),),
    "mem": lambda host: (_much(host.value("memory.percent")),),
    "load": lambda host: (_much(host.value("load.1m")),),
    "disk": lambda host: (_much(host.digest.disk[1] if host.digest.disk else None),),
    "net": lambda host: (_much(_sum(host.digest.inward, host.digest.outward)),),
    "temp": lambda host: (_much(host.digest.heat[1] if host.digest.heat else None),),
    "seen": lambda host: (math.inf if host.heard is None else -host.heard,),
}
"""Orders of the list of hosts by name of the column; hosts that are equal in it stand by name."""

SERVICE_SORTS: dict[str, Callable[[Service], tuple[float, ...]]] = {
    "state": lambda service: (_URGENT.get(service.state, 3),),
    "name": lambda service: (),
    "response": lambda service: (_much(service.response_ms),),
    "checked": lambda service: (math.inf if service.checked is None else -service.checked,),
    "tls": lambda service: (math.inf if service.tls_days is None else service.tls_days,),
}
"""The same for the list of services; the certificate that ends first is first."""

CALM_SORTS = frozenset({"state", "name"})


@dataclass(slots=True)
class Picking:
    """One list. The choice is a name, so that it stays on its line when the order changes."""

    sort: str = "state"
    reverse: bool = False
    chosen: str | None = None
    held: bool = False
    """Whether the person has chosen; until then it is the first line."""
    top: int = 0
    """The first line shown, as last drawn."""
    page: int = 10
    """How many lines were shown, as last drawn."""
    visible: tuple[str, ...] = ()
    """The names that were shown, as last drawn."""
    order: list[str] = field(default_factory=list)
    marked: set[str] = field(default_factory=set)
    """The names of lines that acts concern together."""
    _made_for: tuple[object, ...] = ()
    _made_at: float = -math.inf
    _rows: list[Host] = field(default_factory=list, repr=False)

    def hosts(self, world: World, words: str, now: float) -> list[Host]:
        """The hosts that ``words`` let through, in order. The list is kept until that changes: change nothing in it."""
        # No host comes or goes without a change, so the rows that were made for one are those of now.
        if self.due((words, self.sort, self.reverse, world.changes, world.hosts_told, id(world)), now):
            named = world.named()
            found = [host for host in named if passes(words, *world.words(host))] if words else named
            # Names are in order already, and stay so among equals; sorting what is nearly sorted costs little.
            found = sorted(found[::-1] if self.reverse else found, key=SORTS[self.sort], reverse=self.reverse)
            self.pick([host.name for host in found], world.hosts_told)
            self._rows = found
        return self._rows

    def services(self, world: World, words: str) -> list[Service]:
        """The services that ``words`` let through, in order."""
        labels = world.labels.services
        found = [
            one
            for one in world.services.values()
            if passes(words, one.name, one.url, one.state, *labels.get(one.name, ()))
        ]
        key = SERVICE_SORTS.get(self.sort, SERVICE_SORTS["state"])
        found.sort(key=lambda one: (*key(one), natural(one.name), one.name), reverse=self.reverse)
        self.pick([service.name for service in found], world.services_told)
        return found

    def due(self, made_for: tuple[object, ...], now: float) -> bool:
        """Whether the order is to be made anew: it was made for something else, or is old; counts as made then."""
        kept = (self.sort in CALM_SORTS) or 0 <= now - self._made_at < CALM
        if made_for == self._made_for and kept:
            return False
        self._made_for, self._made_at = made_for, now
        return True

    def pick(self, names: list[str], complete: bool) -> None:
        """Take these lines in this order; ``complete`` says that what is missing has gone."""
        if not self.held:
            self.chosen = names[0] if names else None
        elif self.chosen not in names and complete:
            # The choice has gone: its neighbour is the nearest to what the eye was on.
            place = self.order.index(self.chosen) if self.chosen in self.order else 0
            self.chosen = names[min(place, len(names) - 1)] if names else None
        self.order = names
        if self.marked and complete:
            self.marked &= set(names)

    def choose(self, name: str) -> None:
        """Choose a line by its name."""
        self.chosen, self.held = name, True

    def place(self) -> int:
        """The chosen line; 0 where there is none."""
        return self.order.index(self.chosen) if self.chosen in self.order else 0

    def move(self, lines: int) -> None:
        """Choose the line so many further down; the list's ends hold."""
        if self.order:
            self.chosen = self.order[max(0, min(len(self.order) - 1, self.place() + lines))]
            self.held = True

    def shown(self, top: int, names: Sequence[str]) -> None:
        """Remember what was drawn."""
        self.top, self.visible, self.page = top, tuple(names), max(1, len(names))

    def first_line(self, page: int, total: int) -> int:
        """The first line to show so that the chosen one is among ``page``, moving as little as can be."""
        place = self.place()
        top = max(min(self.top, place), place - page + 1)
        return max(0, min(top, total - page))


def passes(words: str, *texts: str) -> bool:
    """Whether each of ``words`` stands in one of the texts, in any case."""
    return all(any(word in text.lower() for text in texts) for word in words.lower().split())


def _sum(one: float | None, other: float | None) -> float | None:
    return None if one is None and other is None else (one or 0.0) + (other or 0.0)
