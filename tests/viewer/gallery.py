"""Draws the pictures of README and docs anew, from invented hosts at noon: ``python -m tests.viewer.gallery``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tests.viewer import snapshots
from tests.viewer.fleet import fleet
from tests.viewer.given import NOON, HubInMemory, session, settle
from viewer import travel
from viewer.canvas import Canvas
from viewer.events import RulesTold, RuleTold
from viewer.incidents import Incident
from viewer.session import Session
from viewer.svg import svg

README = Path(__file__).resolve().parents[2] / "README.md"
PAGE = README.parent / "docs" / "viewer.md"
FRAMES = PAGE.parent / "frames"
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
    travel.visit(past.model, NOON - 340, NOON)
    settle(past)
    yield "replay", past.draw(110, 36)
    pulse = snapshots.seen("50", "pulse")
    pulse.model.pulse.held = False
    yield "pulse", pulse.draw(110, 30)


def page(text: str, frame: str) -> str:
    """A page with its picture in text as it is now: the block of text whose first line has the tabs of the screens."""
    return re.sub(
        r"```text\n [^\n]*1 [A-Z][a-z]+  2 .*?\n```\n",
        lambda _: f"```text\n{frame}```\n",
        text,
        count=1,
        flags=re.DOTALL,
    )


def files() -> Iterator[tuple[Path, str]]:
    """Every file that holds a picture, and what it has to hold."""
    for name, canvas in pictures():
        yield FRAMES / f"{name}.svg", svg(canvas)
    for path, frame in ((PAGE, seen("hosts").draw(100, 30)), (README, seen("host").draw(100, 36))):
        yield path, page(path.read_text(encoding="utf-8"), frame.text())


def main() -> None:
    """Write them."""
    FRAMES.mkdir(exist_ok=True)
    for path, text in files():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
