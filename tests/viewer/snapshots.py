"""Pictures of screens at noon, kept in ``snapshots.txt``: ``python -m tests.viewer.snapshots`` takes them anew."""

from __future__ import annotations

import json
from pathlib import Path

from tests.viewer import burning
from tests.viewer.fleet import fleet
from tests.viewer.given import NOON, HubInMemory, session
from viewer import parse_alerts
from viewer.events import IncidentsTold, ServiceEntry
from viewer.session import Session
from viewer.wishes import AskIncidents, AskWhy

FILE = Path(__file__).with_name("snapshots.txt")
SCREENS = ("pulse", "alerts", "guardia", "why")
SIZES = ((40, 20), (80, 24), (120, 30))
FLEETS = (1, 50)


def session_of(hosts: int, screen: str) -> Session:
    """A fleet of invented hosts with alarms, as the API would tell of them."""
    known = fleet(hosts, NOON)
    hub = HubInMemory(known)
    hub.services = tuple(
        ServiceEntry(name, f"https://{name}", state, 80.0, NOON - 5)
        for name, state in (("shop", "up"), ("mail", "down"), ("search", "degraded"))
    )
    hub.alarms = list(parse_alerts.alarms(json.dumps({"alerts": burning.alarms(known, NOON)})))
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
    if screen == "why":
        return session(hub, "w", screen="alerts")
    return session(hub, screen=screen)


def pictures() -> dict[str, str]:
    """Every picture by what it is of."""
    found = {}
    for hosts in FLEETS:
        for screen in SCREENS:
            seen = session_of(hosts, screen)
            for wide, high in SIZES:
                found[f"{screen} {wide}x{high}, hosts: {hosts}"] = seen.draw(wide, high).text()
    return found


def kept() -> dict[str, str]:
    """The pictures in the file."""
    parts = FILE.read_text(encoding="utf-8").split("=== ")[1:]
    return {head: text for head, _, text in (part.partition(" ===\n") for part in parts)}


if __name__ == "__main__":
    FILE.write_text("".join(f"=== {head} ===\n{text}" for head, text in pictures().items()), encoding="utf-8")
