"""How everything is, at a glance: counts by state, what fires, lag and losses, and the hosts that need a look. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from viewer.canvas import Pane, Span
from viewer.cells import fit, width
from viewer.incidents import Incident
from viewer.palette import BOLD, Role
from viewer.panel import nothing, panel
from viewer.replay import NOT_READ
from viewer.scene import Scene, sign, state_role
from viewer.screens import ailing, host, lately
from viewer.screens.alerts import SEVERITIES, SIGNS, longest
from viewer.screens.guardia import SIGNS as PART_SIGNS
from viewer.screens.guardia import current
from viewer.screens.guardia import ill as ill_parts
from viewer.screens.worst import Bad, why_none, worst_hosts, worst_panel
from viewer.table import Column, rows_in
from viewer.table import draw as draw_table
from viewer.units import NOTHING, age, count
from viewer.world import ORDER

THREE, TWO = 112, 72
"""Columns from which three boxes stand beside each other, and two."""
LATELY = 8
"""Rows from which what fired lately has a box."""
CHARTS = 16
"""Rows from which the chosen host's charts stand below the lists."""
SHOWN = ("up", "degraded", "down", "unknown")
"""States that are counted even where there are none; others when there are."""


def draw(scene: Scene, pane: Pane) -> None:
    """Draw the screen."""
    if pane.width >= THREE:
        third = pane.width // 3
        _hosts(scene, pane.part(0, 0, third, 6))
        _services(scene, pane.part(third, 0, third, 6))
        _hub(scene, pane.part(2 * third, 0, pane.width - 2 * third, 6))
        y = 6
    elif pane.width >= TWO and pane.height >= 18:
        half = pane.width // 2
        _hosts(scene, pane.part(0, 0, half, 6))
        _services(scene, pane.part(half, 0, pane.width - half, 6))
        y = 6 + _strip(scene, pane.part(0, 6, pane.width, 2))
    else:
        y = _lines(scene, pane)
    _below(scene, pane.part(0, y, pane.width, pane.height - y))


def _below(scene: Scene, pane: Pane) -> None:
    """What fires, and the worst hosts: beside each other where there is room."""
    firing = scene.firing()
    worst = worst_hosts(scene)
    if pane.width >= 140:
        _beside(scene, pane, firing, worst)
        return
    # What fires takes two fifths, and what the worst hosts leave.
    most = max(4, pane.height * 2 // 5, pane.height - len(worst) - 3)
    high = min(len(firing) + 3, most) if firing else 3
    if pane.height < 9 and not firing:
        high = 0
    elif pane.height - high < 3:
        high = pane.height
    _burning(scene, pane.part(0, 0, pane.width, high), firing)
    worst_panel(scene, pane.part(0, high, pane.width, pane.height - high), worst)


def _beside(scene: Scene, pane: Pane, firing: Sequence[Incident], worst: Sequence[Bad]) -> None:
    """The worst hosts at the left; at the right what fires, services, and what fired lately, as far as there is room.

    Where few hosts leave room, what fired lately stands below them, and the chosen host's charts at the right.
    """
    half = pane.width // 2
    left, right = pane.part(0, 0, half, pane.height), pane.part(half, 0, pane.width - half, pane.height)
    many = len(scene.model.world.services)
    burning = min(len(firing) + 3, max(4, pane.height // (3 if many else 2))) if firing else 3
    checked = min(many + 3, max(0, (pane.height - burning) // 2)) if many else 0
    if pane.height - burning - checked < LATELY:
        burning, checked = (burning, pane.height - burning) if checked >= 4 else (pane.height, 0)
    used = burning + checked
    _burning(scene, right.part(0, 0, right.width, burning), firing)
    if checked:
        ailing.draw(scene, right.part(0, burning, right.width, checked))
    rest = right.part(0, used, right.width, right.height - used)
    high = min(left.height, len(worst) + 3)
    if left.height - high < LATELY:
        high = left.height
        lately.draw(scene, rest)
    else:
        lately.draw(scene, left.part(0, high, left.width, left.height - high))
    worst_panel(scene, left.part(0, 0, left.width, high), worst)
    chosen = scene.model.world.hosts.get(scene.model.pulse.chosen or "")
    if high < left.height and rest.height >= CHARTS and chosen:
        scene.beside = chosen.name
        host.body(scene, rest, chosen)


# -- counts ---


def _states(scene: Scene, counts: Mapping[str, int], *, told: bool) -> list[Span]:
    """Each state with its sign, its count and its word; until the hub ``told``, none is known to be 0."""
    live = scene.live and told
    names = [*SHOWN, *(state for state in counts if state not in SHOWN)]
    found: list[Span] = []
    for state in names:
        many = counts.get(state, 0)
        style = Role.STALE if not live else Role.SOFT if not many else state_role(state)
        found.append(
            (
                f"{sign(state)} {many if many or told else NOTHING} {state}",
                style | (BOLD if many and state != "up" else 0),
            )
        )
    return found


def _two_columns(pane: Pane, spans: Sequence[Span]) -> None:
    half = max(width(text) for text, _ in spans) + 3 if spans else 0
    for place, (text, style) in enumerate(spans):
        x = 1 + (place % 2) * half
        if x + width(text) <= pane.width:
            pane.put(x, place // 2, text, style)


def _bar(pane: Pane, counts: Mapping[str, int]) -> None:
    """The states' shares of the whole, in the last line; each that occurs has at least one cell."""
    total = sum(counts.values())
    if not total or pane.width < 6:
        return
    room = pane.width - 2
    there = [state for state in ORDER if counts.get(state)] + [s for s in counts if s not in ORDER and counts[s]]
    lengths = {state: max(1, math.floor(counts[state] / total * room)) for state in there}
    most = max(there, key=lambda state: counts[state])
    lengths[most] = max(1, lengths[most] + room - sum(lengths.values()))
    marks = {"up": "━", "degraded": "◆", "down": "▼", "stale": "◇"}
    x = 1
    for state in there:
        x = pane.put(
            x, pane.height - 1, marks.get(state, "○") * min(lengths[state], pane.width - 1 - x), state_role(state)
        )


def _hosts(scene: Scene, pane: Pane) -> None:
    counts = scene.model.world.counts()
    total = sum(counts.values())
    told = scene.model.world.hosts_told
    facts: list[Span] = [(f"{total} in all", Role.SOFT) if told else (f"{total} so far", Role.WARN)]
    inner = panel(pane, "Hosts", (scene.as_of() or facts) if total else [])
    if not total:
        nothing(inner, why_none(scene, told, "no host has reported yet"))
        return
    _two_columns(inner, _states(scene, counts, told=_known(told, counts)))
    if told:
        _bar(inner, counts)


def _services(scene: Scene, pane: Pane) -> None:
    world = scene.model.world
    counts = Counter(service.state for service in world.services.values())
    facts: list[Span] = [(f"{len(world.services)} in all", Role.SOFT)] if world.services else []
    inner = panel(pane, "Services", facts)
    if not counts:
        nothing(inner, why_none(scene, world.services_told, "no services are checked"))
        return
    _two_columns(inner, _states(scene, counts, told=_known(world.services_told, counts)))
    _bar(inner, counts)


def _known(told: bool, counts: Mapping[str, int]) -> bool:
    """Whether a state that nobody has is known to have none."""
    return told and not counts.get(NOT_READ)


def _hub(scene: Scene, pane: Pane) -> None:
    inner = panel(pane, "Guardia", [_health(scene)])
    for y, (label, pieces, style) in enumerate(_flow(scene)[: inner.height]):
        inner.put(1, y, label, Role.SOFT)
        inner.put(10, y, _whole(pieces, inner.width - 11), style)


def _whole(pieces: Sequence[str], room: int) -> str:
    """As many of the pieces as fit: numbers are never cut; words alone may be."""
    found = ""
    for piece in pieces:
        longer = f"{found}, {piece}" if found else piece
        if width(longer) > room:
            return found or (fit(piece, max(0, room)) if not any(map(str.isdigit, piece)) else "")
        found = longer
    return found


def _strip(scene: Scene, pane: Pane) -> int:
    """The same in two lines; returns how many were used."""
    x, y = 1, 0
    spans = [(*_health(scene), "hub")]
    for label, pieces, style in _flow(scene):
        spans.append((", ".join(pieces), style, label))
    for text, style, label in spans:
        if x > 1 and x + width(label) + width(text) + 4 > pane.width:
            x, y = 1, y + 1
        if y >= pane.height:
            return pane.height
        x = pane.put(x, y, label, Role.SOFT) + 1
        x = pane.put(x, y, fit(text, max(0, pane.width - x - 1)), style) + 3
    return y + 1


def _health(scene: Scene) -> Span:
    own = scene.model.own
    if scene.model.replay is not None:
        return "not kept of that time", Role.SOFT
    if own is None:
        return "not told", Role.SOFT
    bad = ill_parts(own.parts)
    if not current(scene):
        return f"as of {age(scene.at - scene.model.own_at)} ago", Role.WARN
    if not bad:
        return "● all well", Role.UP
    mark, style = PART_SIGNS.get(bad[0].status, ("○", Role.UNKNOWN))
    return f"{mark} {bad[0].name} {bad[0].status}", style | BOLD


def _flow(scene: Scene) -> list[tuple[str, list[str], int]]:
    """How old readings are, how many are late, what was lost, what is held back."""
    model = scene.model
    found: list[tuple[str, list[str], int]]
    median, oldest, late = model.world.lag(scene.at)
    if median is None:
        found = [("lag", ["no host is up"], Role.SOFT)]
    else:
        pieces = [age(median), *([f"{late} late"] if late else []), f"oldest {age(oldest)}"]
        found = [("lag", pieces, Role.WARN if late else Role.TEXT)]
    own = model.own
    if model.replay is not None:
        # Of that time nobody knows what was lost or silenced.
        return [*found, ("alerts", [f"{len(scene.firing())} fired then"], Role.TEXT)]
    if own is None:
        found.append(("lost", ["not told"], Role.SOFT))
    else:
        style = Role.STALE if not current(scene) else Role.DOWN | BOLD if own.lost else Role.UP
        under_way = sum(one.waiting for one in own.ledgers)
        found.append(("lost", [f"{count(own.lost)} messages", f"{count(under_way)} under way"], style))
    alarms = model.alarms
    if not alarms.told:
        found.append(("alerts", [alarms.failed or "not told"], Role.WARN if alarms.failed else Role.SOFT))
    else:
        pending = sum(not one.burns for one in alarms.standing)
        firing = len(scene.firing())
        pieces = [f"{firing} firing", f"{pending} pending"]
        stale = Role.STALE if not scene.live or alarms.failed else 0
        found.append(("alerts", pieces, stale or (Role.DOWN | BOLD if firing else Role.TEXT)))
        held = sum(bool(one.holds) for one in alarms.standing)
        found.append(("silenced", [f"{held} held back", f"silences: {len(alarms.silences)}"], stale or Role.TEXT))
    return found


def _lines(scene: Scene, pane: Pane) -> int:
    """The same counts for narrow terminals, a line or two each; returns how many lines they took."""
    world = scene.model.world
    hosts = world.counts()
    groups: list[tuple[str, list[Span]]] = [("hosts", _states(scene, hosts, told=_known(world.hosts_told, hosts)))]
    services = Counter(service.state for service in world.services.values())
    if services:
        groups.append(("services", _states(scene, services, told=_known(world.services_told, services))))
    y = 0
    for label, spans in groups:
        pane.put(1, y, label, Role.SOFT)
        x = 10
        for text, style in spans:
            if x + width(text) >= pane.width and x > 10:
                x, y = 10, y + 1
            x = pane.put(x, y, text, style) + 2
        y += 1
    for label, pieces, style in _flow(scene)[: max(0, pane.height - y - 8)]:
        pane.put(1, y, label, Role.SOFT)
        pane.put(10, y, _whole(pieces, pane.width - 11), style)
        y += 1
    return y


# -- what fires ---


def _burning(scene: Scene, pane: Pane, firing: Sequence[Incident]) -> None:
    alarms = scene.model.alarms
    facts: list[Span] = [(f"{len(firing)} in all", Role.DOWN | BOLD)] if firing else []
    if scene.unread:
        facts = [("not read now", Role.WARN)]
    facts = scene.as_of() or facts
    more = len(firing) - rows_in(pane.height - 2)
    inner = panel(pane, "Firing", facts, foot=[(f"{more} more on Alerts", Role.SOFT)] if more > 0 else [])
    if not firing:
        empty = "nothing fires" if alarms.told else alarms.failed or why_none(scene, False, "")
        nothing(inner, scene.unread or empty)
        return
    firing = firing[: rows_in(inner.height)]
    subject, rule = longest(lambda one: one.about, firing, 40), longest(lambda one: one.rule, firing, 30)
    columns: list[Column[Incident]] = [
        Column("state", "STATE", 10, _state, to_right=False),
        Column(
            "about",
            "ABOUT",
            8,
            lambda one, wide: [(fit(one.about, wide), BOLD)],
            most=subject,
            to_right=False,
            first=True,
        ),
        Column("rule", "RULE", 8, lambda one, wide: [(fit(one.rule, wide), Role.TEXT)], 1, rule, False, True),
        Column("for", "FOR", 5, lambda one, wide: [(_since(scene, one), Role.TEXT)], rank=2),
        Column("ack", "ACK", 6, _owner, rank=4, most=10, to_right=False),
        Column("why", "WHY", 12, lambda one, wide: [(fit(one.reason, wide), Role.SOFT)], 3, most=120, to_right=False),
    ]
    draw_table(inner, columns, firing, gap=1 if inner.width < 58 else 2)


def _state(one: Incident, wide: int) -> list[Span]:
    return [
        (
            fit(f"{SIGNS['clearing' if one.state == 'clearing' else 'firing']} {one.severity}", wide),
            SEVERITIES.get(one.severity, Role.WARN) | BOLD,
        )
    ]


def _since(scene: Scene, one: Incident) -> str:
    return age(scene.hub_time - one.began)


def _owner(one: Incident, wide: int) -> list[Span]:
    return [(fit(one.owner, wide) if one.owner else "nobody", Role.TEXT if one.owner else Role.WARN)]
