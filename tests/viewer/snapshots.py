"""Pictures of all screens at noon, kept in ``snapshots/``: ``python -m tests.viewer.snapshots`` takes them anew.

A file holds one screen in one size: of fleets of several sizes, and in ASCII. ``colours.txt`` holds a letter for the
colour of each cell, since a number that is no longer current differs from one that is by nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.viewer import burning, odd
from tests.viewer.fleet import fleet, wobble
from tests.viewer.given import LOOK, NOON, HubInMemory, session, settle
from viewer import parse_alerts
from viewer.canvas import Canvas
from viewer.events import BacktestTold, Check, ChecksTold, Event, IncidentsTold, ServiceEntry
from viewer.palette import BAR, BOLD, Role
from viewer.scene import Look
from viewer.screens import SCREENS
from viewer.session import Session
from viewer.wishes import AskBacktest, AskChecks, AskIncidents, AskWhy, Wish

FOLDER = Path(__file__).with_name("snapshots")
SIZES = ((40, 20), (80, 24), (120, 40), (200, 60))
SMALL = ((39, 20), (40, 9), (12, 2), (3, 1))
FEW = {"alerts": ("50", "odd"), "services": ("50", "odd"), "guardia": ("50", "5000")}
FLEETS = {"pulse": ("1", "50", "5000", "odd"), "hosts": ("1", "50", "5000", "odd"), "host": ("1", "50", "odd"), **FEW}
"""Whose pictures are kept of a screen; others look alike whatever the fleet."""
PLAIN = Look("ascii", plain=True, zone=LOOK.zone)
BACKTEST = (
    "2025-12-25 12:00:00Z to 2026-01-01 12:00:00Z, 604800 records",
    "",
    "               INCIDENTS  NOTICES  SUPPRESSED  MINUTES",
    "these rules    9          14       2           192.4",
    "today's rules  3          6        0           190.1",
    "",
    "More than today:",
    "BEGAN                 ENDED                 SUBJECT      RULE         REASON",
    "2025-12-28 03:11:40Z  2025-12-28 03:19:02Z  host/web-1   host-silent  nothing was heard for 1 min, limit 1 min",
    "2025-12-30 14:02:10Z  2025-12-30 14:05:55Z  host/db-1    host-silent  nothing was heard for 1 min, limit 1 min",
)
LETTERS: dict[int, str] = {
    **dict(zip(range(Role.OUTWARD + 1), ".s-tauwdogmpie", strict=True)),
    Role.FIRING: "f",
    **{Role.HEAT0 + step: str(step) for step in range(8)},
}


class FullHub(HubInMemory):
    """A hub with services that fail at times, and with a back-test."""

    def _answer(self, wish: Wish) -> Event:
        if isinstance(wish, AskChecks):
            return ChecksTold(wish, tuple(self._checks(wish)), 97.5, 40)
        if isinstance(wish, AskBacktest):
            return BacktestTold(wish, BACKTEST)
        return super()._answer(wish)

    def _checks(self, wish: AskChecks) -> Iterator[Check]:
        for at in range(wish.start // 10 * 10, int(self.now), 10):
            if wobble(f"{wish.name}bad", at, 300) > 0.85:
                yield Check(wish.name, at, "down", None, None, 41, "connection refused: 127.0.0.1 port 443")
            else:
                yield Check(wish.name, at, "up", 40 + 200 * wobble(wish.name, at, 60), 200, 41)


def hub_of(kind: str) -> FullHub:
    """A hub with a fleet of invented hosts and alarms, as the API would tell of them."""
    known = odd.hosts(NOON) if kind == "odd" else fleet(int(kind), NOON)
    hub = FullHub(known)
    names = (odd.LONG, odd.WIDE, "search") if kind == "odd" else ("shop", "mail", "search")
    hub.services = tuple(
        ServiceEntry(name, f"https://{name}/health", state, 80.0, NOON - 5)
        for name, state in zip(names, ("up", "down", "degraded"), strict=True)
    )
    burn = odd.alarms(NOON) if kind == "odd" else burning.alarms(known, NOON)
    hub.alarms = list(parse_alerts.alarms(json.dumps({"alerts": burn})))
    hub.silences = list(parse_alerts.silences(json.dumps({"silences": burning.silences(NOON)})))
    told = parse_alerts.incidents(
        json.dumps({"incidents": burning.incidents(known, NOON)}), AskIncidents("now", 0, int(NOON))
    )
    assert isinstance(told, IncidentsTold)
    hub.incidents = list(told.incidents)
    hub.verdicts = list(parse_alerts.why(json.dumps(burning.why("web-1", "", NOON)), AskWhy("web-1")).verdicts)
    answers = (burning.health(), burning.stats(known, 3), burning.gaps(known, NOON), burning.rooms(known, NOON))
    health, stats, gaps, rooms = (json.dumps(answer) for answer in answers)
    hub.own = parse_alerts.hub(health, stats, gaps, rooms)
    return hub


@cache
def session_of(kind: str) -> Session:
    """A session that looks at such a hub; shared, so whoever takes it shows the screen first."""
    return session(hub_of(kind))


def seen(kind: str, screen: str) -> Session:
    """The session with a screen shown, its lists at the top and everything there."""
    found = session_of(kind)
    found.look = LOOK
    model = found.model
    if screen in ("why", "backtest"):
        model.show("alerts")
        settle(found)
        found.press("g")
        for key in ("w",) if screen == "why" else ("t", "enter"):
            found.press(key)
    elif screen == "help":
        model.show("hosts")
        model.show("help")
    else:
        model.show(screen)
        for picking in model.lists.values():
            picking.held = False
        model.hosts.choose("web-1" if kind == "1" else "big-1" if kind == "odd" else "backup-7")
    settle(found)
    found.press("g") if screen in ("services", "alerts", "guardia", "pulse") else None
    settle(found)
    return found


def fleets(screen: str) -> tuple[str, ...]:
    """The fleets whose pictures of a screen are kept."""
    return FLEETS.get(screen, ("50",))


def pictures(screen: str, wide: int, high: int) -> dict[str, str]:
    """A screen in one size, by what it is of."""
    found = {}
    for kind in fleets(screen):
        there = seen(kind, screen)
        found[f"hosts: {kind}"] = there.draw(wide, high).text()
        if kind == "50":
            there.look = PLAIN
            found[f"hosts: {kind}, ASCII"] = there.draw(wide, high).text()
    return found


def colours(canvas: Canvas) -> str:
    """A letter for the colour of each cell, a capital one where it is bold; ``_`` instead of blanks on the bar."""
    lines = []
    for texts, styles in zip(canvas.texts, canvas.styles, strict=True):
        line = ""
        for text, style in zip(texts, styles, strict=True):
            letter = LETTERS.get(style & 0xFF, "x")
            blank = "_" if style & BAR else " "
            line += blank if text == " " else letter.upper() if style & BOLD else letter
        lines.append(line.rstrip())
    return "\n".join(lines) + "\n"


def files() -> Iterator[tuple[str, dict[str, str]]]:
    """Every file by its name, with what it has to hold."""
    for screen in SCREENS:
        for wide, high in SIZES:
            yield f"{screen}-{wide}x{high}.txt", pictures(screen, wide, high)
    yield "colours.txt", {screen: colours(seen("50", screen).draw(80, 24)) for screen in SCREENS}
    small = seen("1", "hosts")
    yield "too-small.txt", {f"{wide}x{high}": small.draw(wide, high).text() for wide, high in SMALL}


def written(found: dict[str, str]) -> str:
    """What a file holds."""
    return "".join(f"@@ {head} @@\n{text}" for head, text in found.items())


def kept(name: str) -> dict[str, str]:
    """The pictures in a file."""
    path = FOLDER / name
    parts = path.read_text(encoding="utf-8").split("@@ ")[1:] if path.exists() else []
    return {head: text for head, _, text in (part.partition(" @@\n") for part in parts)}


def main() -> None:
    """Take them all anew."""
    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.glob("*.txt"):
        path.unlink()
    for name, found in files():
        (FOLDER / name).write_text(written(found), encoding="utf-8")


if __name__ == "__main__":
    main()
