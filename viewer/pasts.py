"""The pasts that are kept: the chosen hosts' in full, every host's CPU in small, services' checks. Pure."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import translate
from functools import lru_cache
from re import compile as compiled

from viewer.axis import Window
from viewer.events import Check, ChecksTold, CheckTold, Event, Failed, HostsTold, SampleTold, SeriesTold
from viewer.history import Track
from viewer.wishes import AskSeries

CHARTED = (
    "cpu.percent",
    "load.1m",
    "memory.percent",
    "swap.percent",
    "net[*].rx_bytes_per_s",
    "net[*].tx_bytes_per_s",
    "io[*].read_bytes_per_s",
    "io[*].write_bytes_per_s",
    "temperature[*].celsius",
    "pressure.cpu_percent",
    "pressure.memory_percent",
    "pressure.io_percent",
)
"""The metrics of a host that have charts; ``[`` and ``]`` stand for themselves."""
SPARKED = ("cpu.percent",)
SPARK_POINTS = 60
MAX_TRACKS = 6
MAX_CHECKS = 2000

_CHARTED = compiled("|".join(translate(glob.replace("[", "[[]")) for glob in CHARTED))


@lru_cache(maxsize=16_384)
def charted(name: str) -> bool:
    """Whether a chosen host's past keeps this metric."""
    return bool(_CHARTED.match(name))


def sparked(name: str) -> bool:
    """Whether every host's past keeps this metric."""
    return name in SPARKED


@dataclass(slots=True)
class ServicePast:
    """A service's checks, oldest first, and its uptime over ``window``."""

    window: str
    checks: list[Check] = field(default_factory=list)
    uptime: float | None = None
    total: int = 0
    loaded: bool = False


@dataclass(slots=True)
class Pasts:
    """All of them."""

    tracks: OrderedDict[tuple[str, str], Track] = field(default_factory=OrderedDict)
    sparks: dict[str, Track] = field(default_factory=dict)
    spark_label: str = ""
    """Which window and stretch of time the sparks are of."""
    anchor: int = 0
    """The stretch of the past that is shown, as ``anchored`` numbers it; 0: the present."""
    services: dict[str, ServicePast] = field(default_factory=dict)

    def track(self, name: str, window: Window) -> Track:
        """A host's full past in this window; made when first asked for, forgotten when others are asked for."""
        key = (name, self.label(window))
        found = self.tracks.get(key)
        if found is None:
            found = self.tracks[key] = self._track(window, window.step, charted)
        self.tracks.move_to_end(key)
        while len(self.tracks) > MAX_TRACKS:
            self.tracks.popitem(last=False)
        return found

    def spark(self, name: str, window: Window) -> Track:
        """A host's CPU in this window."""
        if self.label(window) != self.spark_label:
            self.sparks.clear()
            self.spark_label = self.label(window)
        found = self.sparks.get(name)
        if found is None:
            found = self.sparks[name] = self._track(window, window.seconds // SPARK_POINTS, sparked)
        return found

    def label(self, window: Window) -> str:
        """The name of the stretch of time that is shown."""
        return f"{window.name}@{self.anchor}" if self.anchor else window.name

    def _track(self, window: Window, step: int, wanted: Callable[[str], bool]) -> Track:
        points = window.seconds // step
        if self.anchor:
            return Track(step, 2 * points + 2, wanted, after=float(self.anchor + window.seconds))
        return Track(step, points + 2, wanted)

    def service(self, name: str, window: Window) -> ServicePast:
        """A service's past in this window."""
        found = self.services.get(name)
        if found is None or found.window != self.label(window):
            found = self.services[name] = ServicePast(self.label(window))
        return found

    def outdate(self) -> None:
        """Something was missed: what is shown next is asked for again."""
        for track in (*self.tracks.values(), *self.sparks.values()):
            track.loaded = False
        for past in self.services.values():
            past.loaded = False

    def take(self, event: Event, window: Window) -> None:
        """Take in what belongs to the past."""
        match event:
            case SampleTold():
                for (name, _), track in self.tracks.items():
                    if name == event.name and event.at < track.after:
                        track.add(event.at, event.values)
                spark = self.spark(event.name, window)
                if event.at < spark.after:
                    spark.add(event.at, {name: event.values.get(name) for name in SPARKED})
            case SeriesTold():
                self._loaded(event)
            case Failed(wish=AskSeries() as wish):
                if meant := self._meant(wish):
                    meant.failed = event.reason
            case HostsTold():
                known = {entry.name for entry in event.entries}
                for gone in self.sparks.keys() - known:
                    del self.sparks[gone]
            case CheckTold():
                past = self.services.get(event.check.name)
                if past is not None:
                    past.checks = [*past.checks, event.check][-MAX_CHECKS:]
            case ChecksTold():
                past = self.services.get(event.wish.name)
                if past is not None and past.window == event.wish.window:
                    newest = event.checks[-1].at if event.checks else 0.0
                    live = [check for check in past.checks if check.at > newest]
                    past.checks = [*event.checks, *live][-MAX_CHECKS:]
                    past.uptime, past.total, past.loaded = event.uptime, event.total, True
            case _:
                pass

    def _loaded(self, told: SeriesTold) -> None:
        track = self._meant(told.wish)
        if track is not None:
            track.load(told.times, told.step, told.columns)

    def _meant(self, wish: AskSeries) -> Track | None:
        if not wish.spark:
            return self.tracks.get((wish.name, wish.window))
        return self.sparks.get(wish.name) if self.spark_label == wish.window else None


def anchored(at: float, window: Window) -> int:
    """The number of the stretch of the past that ``at`` lies in: it is kept for a window before and one after it.

    So a moment that is moved, or moves on, reads the hub's memory again only when it leaves the stretch.
    """
    return math.floor(at / window.seconds) * window.seconds
