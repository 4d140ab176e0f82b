"""What a drawing needs to know beside the model: the moment, and how the terminal likes its characters. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo

from viewer.axis import Axis, axis, clock
from viewer.canvas import Span
from viewer.charts import DOTS, Glyphs
from viewer.incidents import Incident
from viewer.model import Model
from viewer.palette import BOLD, Role
from viewer.units import USUAL, Units
from viewer.world import ORDER, Host, Service

SIGNS = {"up": "●", "down": "▼", "degraded": "◆", "stale": "◇", "unknown": "○"}
"""A sign for each state, so that no colour is needed to tell them apart."""

_ROLES = {"up": Role.UP, "down": Role.DOWN, "degraded": Role.WARN, "stale": Role.WARN}


@dataclass(frozen=True, slots=True)
class Look:
    """How this terminal is drawn on."""

    glyphs: Glyphs = "braille"
    plain: bool = False
    """ASCII only."""
    console: bool = False
    """Only what the font of a text console has."""
    units: Units = USUAL
    zone: tzinfo | None = None
    """The time zone that times are read in; None is the machine's own."""


@dataclass(slots=True)
class Scene:
    """One picture: ``now`` is the real time, ``at`` the moment that is shown."""

    model: Model
    now: float
    look: Look
    listed: dict[str, tuple[int, tuple[str, ...]]] = field(default_factory=dict)
    """For each list that was drawn: its first line and the names shown."""

    beside: str = ""
    """The host whose charts were drawn beside the lists of Pulse."""

    _at: float | None = None
    _fresh: dict[str, bool] = field(default_factory=dict)
    scrolled: int | None = None
    """How far what was drawn is scrolled, where that can be less than was asked for."""

    @property
    def units(self) -> Units:
        """The units that the person likes."""
        return self.look.units

    @property
    def at(self) -> float:
        """The moment shown, by our clock."""
        if self._at is None:
            self._at = self.model.time(self.now)
        return self._at

    @property
    def hub_time(self) -> float:
        """The moment shown, by the clock of the hub."""
        return self.at + self.model.world.ahead

    def axis(self, width: int) -> Axis:
        """The window of time over a chart ``width`` cells wide."""
        return axis(self.hub_time, self.model.window.seconds, width * DOTS[self.look.glyphs][0])

    def spark_axis(self, width: int) -> Axis:
        """The window of time over a spark."""
        return axis(self.hub_time, self.model.window.seconds, width)

    def firing(self) -> list[Incident]:
        """The alarms that fire at the moment that is shown, the worst first."""
        alarms = self.model.alarms
        return alarms.firing() if self.model.replay is None else alarms.burned(self.hub_time)

    def fresh(self, host: Host) -> bool:
        """Whether the host's numbers may be shown as current."""
        found = self._fresh.get(host.name)
        if found is None:
            found = self._fresh[host.name] = host.fresh(self.at)
        return found

    def state(self, host: Host) -> tuple[str, int]:
        """A host's state in a sign and a word; with a question mark where nobody could have told us of a change."""
        if self.model.world.link.state != "live" and not self.fresh(host):
            return f"{sign(host.state)} {host.state}?", Role.STALE
        return f"{sign(host.state)} {host.state}", state_role(host.state) | (0 if host.state == "up" else BOLD)

    @property
    def live(self) -> bool:
        """Whether the hub would have told of a change."""
        return self.model.world.link.state == "live"

    @property
    def unread(self) -> str:
        """Why the hub, which is there, does not tell now what fires; empty when it does, or the past is shown."""
        return self.model.alarms.failed if self.live and self.model.replay is None else ""

    def as_of(self) -> list[Span]:
        """Since when the hub tells nothing, for the edge of a list; nothing while it does."""
        link = self.model.world.link
        if self.live or link.lost_at is None:
            return []
        return [(f"as of {clock(link.lost_at, self.look.zone)}", Role.WARN)]

    def tally(self, counts: Mapping[str, int]) -> list[Span]:
        """How many are in each state, the most urgent first."""
        return [
            (f"{sign(state)} {counts[state]} {state}", state_role(state) if self.live else Role.STALE)
            for state in ORDER
            if state in counts
        ]

    def service_state(self, service: Service) -> Span:
        """A service's state in a sign and a word, marked as a host's is."""
        text = f"{sign(service.state)} {service.state}"
        if not self.live:
            return f"{text}?", Role.STALE
        return text, state_role(service.state) | (0 if service.state == "up" else BOLD)

    def tone(self, host: Host, style: int = Role.TEXT) -> int:
        """``style`` for a current number; grey for one that is no longer."""
        return style if self.fresh(host) else Role.STALE

    def note(self, name: str, top: int, names: Sequence[str]) -> None:
        """Remember which lines of a list are seen."""
        self.listed[name] = (top, tuple(names))

    def settle(self) -> None:
        """Tell the model what is seen."""
        for name, (top, names) in self.listed.items():
            self.model.lists[name].shown(top, names)
        self.model.beside = self.beside
        if self.scrolled is not None:
            self.model.scroll = min(self.model.scroll, self.scrolled)


def sign(state: str) -> str:
    """The sign of a state."""
    return SIGNS.get(state, "○")


def state_role(state: str) -> int:
    """The colour of a state."""
    return _ROLES.get(state, Role.UNKNOWN)


def alarm(value: float | None, style: int = Role.TEXT, *, warn: float = 80.0, grave: float = 95.0) -> int:
    """The style of a percentage: plain until it is much."""
    if value is None or value < warn:
        return style
    return Role.DOWN if value >= grave else Role.WARN
