"""One host with everything that it measures. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from viewer.canvas import Pane, Span
from viewer.cells import fit, width
from viewer.palette import BOLD, Role
from viewer.panel import nothing
from viewer.panels import PANELS
from viewer.panels.base import Need
from viewer.scene import Scene
from viewer.units import age, uptime
from viewer.world import Host

_DETAILS = ("containers", "units", "own", "processes", "pressure")
ORDERS: dict[int, tuple[tuple[str, ...], ...]] = {
    1: (("alarms", "cpu", "memory", "disks", "network", "io", "temperatures", "gpus", "batteries", *_DETAILS),),
    2: (
        ("alarms", "memory", "disks", "io", "own"),
        ("network", "temperatures", "gpus", "batteries", "containers", "units", "processes", "pressure"),
    ),
    3: (
        ("alarms", "memory", "disks", "own"),
        ("network", "io", "gpus", "containers", "units", "pressure"),
        ("temperatures", "batteries", "processes"),
    ),
}
"""Which panels stand under each other, by the number of columns; with several, the CPU lies above them."""


def draw(scene: Scene, pane: Pane) -> None:
    """Draw the screen."""
    scene.model.rows(scene.at)  # chooses the first host where nobody has chosen
    host = scene.model.host()
    if host is None:
        known = scene.model.world.hosts_told
        nothing(pane, "no host has reported yet" if known else "asking the hub…")
        return
    body(scene, pane, host)


def body(scene: Scene, pane: Pane, host: Host) -> None:
    """Draw a host into whatever room there is."""
    lines = 2 if pane.width >= 60 and pane.height >= 20 else 1
    rest = pane.part(0, lines, pane.width, pane.height - lines)
    columns = 1 if pane.width < 64 else 2 if pane.width < 140 else 3
    above: list[str] = []
    below: list[str] = []
    if columns > 1:
        high = max(6, min(20, rest.height * 2 // 5))
        PANELS["cpu"].draw(scene, rest.part(0, 0, rest.width, high), host)
        rest = rest.part(0, high, rest.width, rest.height - high)
    left = 0
    for place, names in enumerate(ORDERS[columns]):
        right = rest.width * (place + 1) // columns
        column = rest.part(left, 0, right - left, rest.height)
        passed, missing = _column(scene, column, host, names)
        above += passed
        below += missing
        left = right
    _head(scene, pane.part(0, 0, pane.width, lines), host, above, below)


@dataclass(frozen=True, slots=True)
class _Laid:
    name: str
    need: Need


def _column(scene: Scene, pane: Pane, host: Host, names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Draw panels under each other; returns those that were passed over and those that found no room."""
    wanted = [_Laid(name, need) for name in names if (need := PANELS[name].need(scene, host, pane.width))]
    heights = share_out(pane.height, [laid.need for laid in wanted])
    passed: list[str] = []
    while 0 in heights and len(passed) < scene.model.scroll and len(wanted) > 1:
        # Those that are passed over make room for those that found none.
        passed.append(wanted.pop(0).name)
        heights = share_out(pane.height, [laid.need for laid in wanted])
    scene.scrolled = max(scene.scrolled or 0, len(passed))
    y = 0
    for laid, high in zip(wanted, heights, strict=True):
        if high:
            PANELS[laid.name].draw(scene, pane.part(0, y, pane.width, high), host)
            y += high
    return passed, [laid.name for laid, high in zip(wanted, heights, strict=True) if not high]


def share_out(total: int, needs: Sequence[Need]) -> list[int]:
    """Rows for each of several panels: the first ones that fit get what is good for them, then what they want.

    Panels of the same kind share alike. What is left over goes by weight, so that charts grow and lists do not.
    """
    heights = [0] * len(needs)
    left = total
    for place, need in enumerate(needs):
        rows = need.good if need.good <= left else need.least
        if rows > left:
            break
        heights[place] = rows
        left -= rows
    there = [place for place, high in enumerate(heights) if high]
    for place in sorted(there, key=lambda place: needs[place].weight > 0):
        more = max(0, needs[place].want - heights[place])
        # Lists come first; nobody takes everything while others of the kind wait for theirs.
        kind = needs[place].weight > 0
        waiting = sum(max(0, n.want - h) for n, h in zip(needs, heights, strict=True) if h and (n.weight > 0) == kind)
        given = min(more, left, -(-left * more // waiting)) if waiting else 0
        heights[place] += given
        left -= given
    growing = [place for place in there if needs[place].weight] or there[-1:]
    while left and growing:
        for place in growing:
            given = min(left, max(1, needs[place].weight))
            heights[place] += given
            left -= given
    return heights


def _head(scene: Scene, pane: Pane, host: Host, above: Sequence[str], below: Sequence[str]) -> None:
    """Who it is, how it is, and which panels found no room; what does not fit is left out whole."""
    seen = host.age(scene.at)
    name = host.display if host.display == host.name else f"{host.display} ({host.name})"
    state: list[Span] = [scene.state(host)]
    past = scene.model.replay is not None
    when = f"reading {age(seen)} old" if past else f"{age(seen)} ago"
    if seen is None:
        when = "not seen then" if past else "never seen"
    state.append((when, Role.SOFT if scene.fresh(host) else Role.WARN))
    room = pane.width - 2 - sum(width(text) + 2 for text, _ in state)
    x = pane.put(1, 0, fit(name, room), Role.TITLE | BOLD) + 2
    for text, style in state:
        x = pane.put(x, 0, text, style) + 2
    end = pane.width
    more = _more(scene, above, below, end - x - 1)
    if more:
        end = pane.right(0, more, Role.ACCENT, x=end - 1)
    facts = _facts(scene, host)
    if pane.height > 1:
        _line(pane, 1, 1, facts)
    else:
        _line(pane.part(0, 0, end, 1), x, 0, facts)


def _more(scene: Scene, above: Sequence[str], below: Sequence[str], room: int) -> str:
    """What found no room, and how to see it; shorter or nothing where that does not fit either."""
    if not above and not below:
        return ""
    verb = "more" if scene.model.screen != "host" else "PgDn" if below else "PgUp"
    titles = [PANELS[name].title for name in below or above]
    for text in (f"{verb}: {', '.join(titles)}", f"{verb}: {len(titles)} more", verb):
        if width(text) <= room:
            return text
    return ""


def _line(pane: Pane, x: int, y: int, facts: Sequence[Span]) -> None:
    for place, (text, style) in enumerate(facts):
        begin = 3 if place else 0
        if x + begin + width(text) > pane.width - 1:
            break
        if place:
            pane.put(x, y, " · ", Role.LINE)
        x = pane.put(x + begin, y, text, style)


def _facts(scene: Scene, host: Host) -> list[Span]:
    found: list[Span] = []
    if host.error:
        found.append((host.error, Role.WARN))
    if host.late:
        found.append((f"readings arrive {age(host.late)} late", Role.WARN))
    up = host.value("system.uptime_seconds")
    if up is not None:
        found.append((f"up {uptime(up)}", scene.tone(host)))
    facts = host.facts

    def word(key: str) -> str:
        value = facts.get(key)
        return value if isinstance(value, str) else ""

    system = " ".join(text for text in (word("os_name"), word("os_version")) if text)
    texts = [system, word("kernel"), word("arch"), word("cpu_model")]
    memory = facts.get("memory_total")
    if isinstance(memory, int | float) and not isinstance(memory, bool):
        texts.append(f"{scene.units.size(float(memory))} RAM")
    interval = facts.get("interval")
    if isinstance(interval, int | float) and not isinstance(interval, bool):
        texts.append(f"every {interval:g} s")
    if word("version"):
        texts.append(f"guardia {word('version')}")
    return [*found, *((text, Role.SOFT) for text in texts if text)]
