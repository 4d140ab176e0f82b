"""Draws the pictures of README and docs anew, from invented hosts at noon: ``python -m tests.viewer.gallery``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tests.viewer.fleet import fleet
from tests.viewer.given import NOON, HubInMemory, session, settle
from viewer.burning import Incident
from viewer.canvas import Canvas
from viewer.events import RulesTold, RuleTold
from viewer.session import Session
from viewer.svg import svg

DOCS = Path(__file__).resolve().parents[2] / "docs"
FRAMES = DOCS / "frames"
RULES = (
    RuleTold("cpu-busy", "mean(cpu.percent, 1m) > 75", "warning", 60.0),
    RuleTold("disk-nearly-full", "disk[*].percent > 90", "critical", 300.0),
)
BURNS = (
    Incident(
        *("a1", "disk-nearly-full", "web-1", "critical", "firing", NOON - 2400, NOON - 2400),
        instance="/srv/backup",
        value=93.0,
        threshold=90.0,
        reason="disk[/srv/backup].percent is 93, above 90 for 5 min",
        owner="anna",
    ),
    Incident("a2", "cpu-busy", "web-1", "warning", "resolved", NOON - 820, NOON - 900, NOON - 820),
    Incident("a3", "cpu-busy", "web-1", "warning", "resolved", NOON - 360, NOON - 450, NOON - 360),
)


def seen(screen: str) -> Session:
    """Four hosts, one of them down, one with alarms."""
    hub = HubInMemory(fleet(4))
    hub.hosts["queue-1"].state, hub.hosts["queue-1"].silent_since = "down", NOON - 400
    hub.incidents, hub.alarms = list(BURNS), list(BURNS[:1])
    found = session(hub, screen=screen)
    found.model.take(RulesTold(RULES), NOON)
    found.model.hosts.chosen, found.model.hosts.held = "web-1", True
    settle(found)
    return found


def pictures() -> Iterator[tuple[str, Canvas]]:
    """The pictures by name."""
    yield "hosts", seen("hosts").draw(110, 24)
    host = seen("host")
    host.press("-")
    settle(host)
    yield "host", host.draw(110, 36)
    past = seen("host")
    past.model.travel.visit(NOON - 340, NOON)
    settle(past)
    yield "replay", past.draw(110, 36)


def page(text: str, frame: str) -> str:
    """The viewer's page with its picture in text as it is now."""
    return re.sub(r"```text\n guardia .*?\n```\n", lambda _: f"```text\n{frame}```\n", text, count=1, flags=re.DOTALL)


def main() -> None:
    """Write them."""
    FRAMES.mkdir(exist_ok=True)
    for name, canvas in pictures():
        (FRAMES / f"{name}.svg").write_text(svg(canvas), encoding="utf-8")
    path = DOCS / "viewer.md"
    path.write_text(page(path.read_text(encoding="utf-8"), seen("hosts").draw(100, 30).text()), encoding="utf-8")


if __name__ == "__main__":
    main()
