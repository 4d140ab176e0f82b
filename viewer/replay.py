"""The past shown as it was: a moment that stands or moves on, and the hosts as their readings of then have them. Pure.

Readings come in stretches, each of some hundred steps, asked for before the moment reaches their end. What nobody has
asked for yet is shown as not read, never as it is today.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from viewer.events import SeriesTold, Values
from viewer.wishes import AskSeries
from viewer.world import SILENT, Host, Service, World

LISTED = (
    "cpu.percent",
    "memory.percent",
    "load.1m",
    "disk[*].percent",
    "net[*].rx_bytes_per_s",
    "net[*].tx_bytes_per_s",
    "temperature[*].celsius",
)
"""What the list of hosts shows."""
WHOLE = ("*",)
STEPS = 240
"""Steps of one stretch."""
BEFORE = 150.0
"""Seconds of a stretch that lie before the moment: so long a silence can be told from a pause between readings."""
SPEEDS = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)
MAX_STRETCHES = 300
NOT_READ = "not read"
"""The state of what has not been asked for yet."""


@dataclass(slots=True)
class Stretch:
    """One host's readings over some time, by the hub's clock."""

    begin: float
    step: float
    whole: bool
    """Whether it has all metrics, or only those of the list."""
    columns: Mapping[str, list[float | None]]
    """The means of each metric: the rest of an answer would take four times the room."""
    filled: list[int] = field(default_factory=list)
    """Steps with readings."""
    end: float = 0.0
    shown: int = -2
    """The step that was shown last; -1: none had readings, -2: nothing was shown yet."""

    def place(self, at: float) -> int:
        """The newest step with readings that begins at ``at`` or before; -1 where there is none."""
        wanted = math.floor((at - self.begin) / self.step)
        best = -1
        for place in self.filled:
            if place > wanted:
                break
            best = place
        return best

    def values(self, place: int) -> Values:
        """The readings of one step."""
        there = ((name, means[place]) for name, means in self.columns.items() if place < len(means))
        return {name: mean for name, mean in there if mean is not None}


@dataclass(slots=True)
class Replay:
    """A visit to the past. ``present`` is the world of today, ``world`` the one that is shown."""

    present: World
    start: float
    """The moment, by our clock, at ``since``."""
    since: float
    speed: float = 1.0
    running: bool = False
    world: World = field(default_factory=World)
    stretches: dict[str, Stretch] = field(default_factory=dict)
    _synced: int = -1

    def __post_init__(self) -> None:
        self.world.link = self.present.link

    def time(self, now: float) -> float:
        """The moment shown, by our clock; never beyond ``now``."""
        return min(now, self.start + (now - self.since) * self.speed) if self.running else self.start

    def over(self, now: float) -> bool:
        """Whether the present is reached."""
        return self.time(now) >= now

    def go(self, at: float, now: float) -> None:
        """Show another moment."""
        self.start, self.since = at, now

    def run(self, now: float, *, running: bool, speed: float | None = None) -> None:
        """Stand still or move on, ``speed`` times as fast as life."""
        self.go(self.time(now), now)
        self.running = running
        self.speed = self.speed if speed is None else speed

    def wishes(self, names: Iterable[str], chosen: str | None, now: float) -> list[AskSeries]:
        """The stretches that are needed, the chosen host's with all metrics."""
        at = self.time(now) + self.present.ahead
        found = []
        for name in names if chosen is None else [chosen, *(name for name in names if name != chosen)]:
            known = self.stretches.get(name)
            whole = name == chosen
            if known is None or (whole and not known.whole) or not self._serves(known, at):
                found.append(self._wish(name, at, whole=whole))
        return found

    def _serves(self, stretch: Stretch, at: float) -> bool:
        ahead = (stretch.end - at) / stretch.step
        fine = stretch.step <= max(1.0, 2 * self.speed) if self.running else True
        return (
            fine
            and at >= stretch.begin + min(BEFORE, 0.5 * (stretch.end - stretch.begin))
            and ahead > (STEPS * 0.1 if self.running else 0)
        )

    def _wish(self, name: str, at: float, *, whole: bool) -> AskSeries:
        step = max(1, math.ceil(self.speed)) if self.running else 1
        before = math.ceil(max(BEFORE, 20 * step) / step) * step
        # Begun at round times, so that the same question is not asked again while its answer is on the way.
        round_at = math.floor(at / (30 * step)) * 30 * step
        begin = round_at - before
        end = begin + STEPS * step
        metrics = WHOLE if whole else LISTED
        return AskSeries(name, f"at {begin} {step}{' *' if whole else ''}", False, metrics, begin, end, STEPS)

    def take(self, told: SeriesTold) -> None:
        """Take in a stretch."""
        wish = told.wish
        if not wish.window.startswith("at "):
            return
        if not told.times:
            self._keep(wish, Stretch(wish.start, 1.0, wish.metrics == WHOLE, {}, [], wish.end))
            return
        size = len(told.times)
        means = {name: [reading and reading[0] for reading in row] for name, row in told.columns.items()}
        filled = sorted({place for row in means.values() for place, mean in enumerate(row) if mean is not None})
        stretch = Stretch(told.times[0], told.step, wish.metrics == WHOLE, means, filled)
        stretch.end = max(told.times[0] + size * told.step, wish.end)
        self._keep(wish, stretch)

    def _keep(self, wish: AskSeries, stretch: Stretch) -> None:
        while len(self.stretches) >= MAX_STRETCHES:
            del self.stretches[next(iter(self.stretches))]
        self.stretches[wish.name] = stretch

    def show(self, now: float) -> None:
        """Make the world that of the moment."""
        if self._synced != self.present.changes or self.world.hosts_told != self.present.hosts_told:
            self._sync()
        at = self.time(now) + self.present.ahead
        for name, stretch in self.stretches.items():
            host = self.world.hosts.get(name)
            if host is not None:
                self._host(host, stretch, at)
                if (known := self.present.hosts.get(name)) is not None:
                    host.facts = known.facts  # they may be told after the visit began

    def _sync(self) -> None:
        """Know the same hosts and services as the present does."""
        world, present = self.world, self.present
        world.ahead, world.hosts_told, world.services_told = present.ahead, present.hosts_told, present.services_told
        for name in world.hosts.keys() - present.hosts.keys():
            del world.hosts[name]
        for name, host in present.hosts.items():
            if name not in world.hosts:
                world.hosts[name] = Host(name, host.display, NOT_READ)
            world.hosts[name].facts = host.facts
        for name, service in present.services.items():
            if name not in world.services:
                world.services[name] = Service(name, service.url, NOT_READ)
        self._synced = present.changes
        world.changes += 1
        world.names += 1

    def _host(self, host: Host, stretch: Stretch, at: float) -> None:
        place = stretch.place(at)
        if place != stretch.shown or place < 0:
            stretch.shown = place
            host.values = stretch.values(place) if place >= 0 else {}
        taken = min(at, stretch.begin + (place + 1) * stretch.step) if place >= 0 else None
        host.heard = None if taken is None else taken - self.present.ahead
        host.sampled = -1.0 if taken is None else taken
        silent = None if taken is None else at - taken
        limit = max(SILENT, 3 * host.interval, 2 * stretch.step)
        state = "unknown" if silent is None else "down" if silent > limit else "up"
        host.error = "no readings then" if silent is None else "silent then" if state == "down" else ""
        if host.state != state:
            host.state = state
            self.world.changes += 1
