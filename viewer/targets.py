"""What an act concerns: the marked lines, else the chosen one. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from viewer.alarms import Row
from viewer.incidents import Incident, Silence

if TYPE_CHECKING:
    from viewer.model import Model


@dataclass(frozen=True, slots=True)
class Targets:
    """What an act concerns. ``rows`` are lines of the list of alarms; elsewhere there are ``subjects`` alone."""

    subjects: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()

    @property
    def incidents(self) -> list[Incident]:
        """The alarms among the lines."""
        return [row.incident for row in self.rows if row.kind == "alarm" and row.incident]

    @property
    def silences(self) -> list[Silence]:
        """The silences among the lines."""
        return [row.silence for row in self.rows if row.silence]

    @property
    def rule(self) -> str:
        """The rule of the first line that has one; empty where none does."""
        return next((row.incident.rule for row in self.rows if row.incident), "")

    @property
    def words(self) -> str:
        """What it is, for people."""
        if self.rows:
            names = [f"{one.rule} on {one.about}" for one in self.incidents] + [one.id for one in self.silences]
        else:
            names = list(self.subjects)
        return names[0] if len(names) == 1 else f"{len(names)} {'alarms' if self.rows else 'of them'}"


def targets(model: Model, now: float) -> Targets:
    """The marked lines, else the chosen one."""
    if model.screen in ("alerts", "why"):
        rows = model.alert_rows(now)
        marked = [row for row in rows if row.key in model.alerts.marked]
        chosen = [row for row in rows if row.key == model.alerts.chosen]
        if model.screen == "alerts" or model.why[1]:
            found = tuple(marked or chosen)
            return Targets(tuple(dict.fromkeys(row.incident.subject for row in found if row.incident)), found)
        return Targets((model.why[0],))
    picking = model.lists.get("hosts" if model.screen == "host" else model.screen)
    if picking is None:
        return Targets()
    marked_names = [] if model.screen == "host" else [name for name in picking.order if name in picking.marked]
    return Targets(tuple(marked_names or ([picking.chosen] if picking.chosen else [])))
