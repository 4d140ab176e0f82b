"""All services in a table, and the chosen one's response times below it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise

from viewer.axis import Axis
from viewer.canvas import Pane, Span
from viewer.cells import fit, width
from viewer.charts import nice
from viewer.events import Check
from viewer.listing import seen_of
from viewer.palette import BOLD, Role
from viewer.panel import draw_area, frame, nothing, one, panel
from viewer.scene import Scene, state_role
from viewer.screens.checks import coverage, history
from viewer.table import Column
from viewer.table import draw as draw_table
from viewer.units import age, milliseconds, percent, share
from viewer.world import ORDER, Service

BESIDE, BELOW = 110, 24
"""Columns from which the single checks stand beside the chart, and rows from which they stand below it."""
EXPIRING = "certificate-expiring"
"""The rule that Guardia brings for certificates."""


def draw(scene: Scene, pane: Pane) -> None:
    """Draw the screen."""
    rows = scene.model.service_rows()
    chosen = scene.model.service()
    high = pane.height
    if chosen and pane.height >= 14:
        high = max(5, min(len(rows) + 3, pane.height - 9, pane.height // 2))
    _list(scene, pane.part(0, 0, pane.width, high), rows)
    if chosen and high < pane.height:
        _detail(scene, pane.part(0, high, pane.width, pane.height - high), chosen)


def _list(scene: Scene, pane: Pane, rows: Sequence[Service]) -> None:
    model = scene.model
    seen = seen_of(scene, "services", pane, rows, lambda service: service.name)
    tone = Role.TEXT if scene.live else Role.STALE
    facts = [*scene.as_of(), *scene.tally(Counter(service.state for service in model.world.services.values()))]
    inner = panel(pane, "Services", facts, foot=seen.foot)
    if not rows:
        known = model.world.services_told
        nothing(inner, "no service matches" if model.filter else "no services are checked" if known else "asking…")
        return
    wide = max(width(scene.service_state(service)[0]) for service in seen.rows)
    named = max(max(len(service.name) for service in rows), max(width(service.name) for service in seen.rows))
    columns: list[Column[Service]] = [
        Column("state", "STATE", min(wide, 11), state(scene), to_right=False),
        Column(
            "name",
            "SERVICE",
            8 if inner.width < 58 else max(8, min(named, 20)),
            lambda s, wide: [(fit(s.name, wide), BOLD)],
            most=max(8, min(named, 60)),
            to_right=False,
            first=True,
        ),
        Column("response", "RESPONSE", 8, lambda s, wide: [(milliseconds(s.response_ms), tone)], rank=1),
        Column("checked", "CHECKED", 7, checked(scene), rank=2),
        Column("tls", "CERT", 6, _certificate(scene), rank=4),
        Column("url", "URL", 10, lambda s, wide: [(fit(s.url, wide), Role.SOFT)], rank=3, most=60, to_right=False),
    ]
    draw_table(
        inner,
        columns,
        seen.rows,
        chosen=seen.chosen,
        sorted_by=model.services.sort,
        reverse=model.services.reverse,
        marked=seen.marked,
    )


def state(scene: Scene) -> Callable[[Service, int], list[Span]]:
    """The cells of a column for states."""

    def cell(service: Service, wide: int) -> list[Span]:
        text, style = scene.service_state(service)
        return [(fit(text, wide), style)]

    return cell


def checked(scene: Scene) -> Callable[[Service, int], list[Span]]:
    """The cells of a column for how long ago each was checked."""

    def cell(service: Service, wide: int) -> list[Span]:
        if service.checked is None:
            return [("never", Role.SOFT)]
        return [(age(scene.hub_time - service.checked), Role.SOFT)]

    return cell


def _certificate(scene: Scene) -> Callable[[Service, int], list[Span]]:
    expiring = {one.subject for one in scene.model.alarms.firing() if one.kind == "service" and one.rule == EXPIRING}

    def cell(service: Service, wide: int) -> list[Span]:
        days = service.tls_days
        if days is None:
            return [("–", Role.SOFT)]
        # One that lives for days alone has few of them all the time: its check and the rule know how long it lives.
        soon = days < 0 or service.state != "up" or service.name in expiring
        style = Role.DOWN if days < 7 else Role.WARN if days < 30 else Role.TEXT
        return [(f"{max(-999, min(days, 9999))} d", style if soon else Role.TEXT)]

    return cell


def _detail(scene: Scene, pane: Pane, service: Service) -> None:
    past = scene.model.pasts.service(service.name, scene.model.window)
    known = [check for check in past.checks if check.response_ms is not None]
    if pane.width >= BESIDE:
        left = pane.width * 3 // 5
        history(scene, pane.part(left, 0, pane.width - left, pane.height), past.checks)
        pane = pane.part(0, 0, left, pane.height)
    elif pane.height >= BELOW:
        high = pane.height * 2 // 5
        history(scene, pane.part(0, pane.height - high, pane.width, high), past.checks)
        pane = pane.part(0, 0, pane.width, pane.height - high)
    facts: list[Span] = [(milliseconds(service.response_ms), Role.INWARD | BOLD if scene.live else Role.STALE)]
    covered = coverage(past.checks, scene.axis(max(1, pane.width)))
    if past.uptime is not None:
        facts.append((f"up in {percent(past.uptime)} of {past.total} checks", Role.TEXT))
        if covered is not None:
            facts.append((f"{share(covered)} of {scene.model.window.name} checked", Role.SOFT))
    inner = panel(pane, f"{service.name} response", facts)
    last = service.last or (past.checks[-1] if past.checks else None)
    if why := service.why or (last.error if last else None):
        inner.put(0, 0, fit(why, inner.width), Role.SOFT if service.state == "unknown" else Role.DOWN)
        inner = inner.part(0, 1, inner.width, inner.height - 1)
    chart = inner.part(0, 0, inner.width, inner.height - 1)
    line = scene.axis(max(1, chart.width))
    top = max((c.response_ms or 0.0 for c in known if c.at >= line.start), default=None)
    scale = nice(top, least=10.0)
    shape = frame(scene, pane, chart, scale, milliseconds)
    line = scene.axis(max(1, shape.plot.width))
    times, states = _columns(past.checks, line)
    draw_area(scene, shape.plot, times, (), scale, one(Role.INWARD))
    _strip(inner.part(shape.plot.left - inner.left, inner.height - 1, shape.plot.width, 1), states, line)
    if not any(states):
        nothing(shape.plot, "no checks in this window" if past.loaded else "no history yet")


def _columns(checks: Sequence[Check], line: Axis) -> tuple[list[float | None], list[str]]:
    """The response times and the worst state in each column; a check holds until the next one."""
    times: list[float | None] = [None] * line.count
    states = [""] * line.count
    gaps = [b.at - a.at for a, b in pairwise(checks)]
    hold = 2.5 * sorted(gaps)[len(gaps) // 2] if gaps else line.step
    for place, check in enumerate(checks):
        until = min(checks[place + 1].at if place + 1 < len(checks) else check.at + line.step, check.at + hold)
        first = line.column(check.at)
        for column in range(max(0, first), min(line.count, max(first + 1, line.column(until)))):
            times[column] = check.response_ms
            if not states[column] or ORDER.index(_known(check.status)) < ORDER.index(states[column]):
                states[column] = _known(check.status)
    return times, states


def _known(status: str) -> str:
    return status if status in ORDER else "unknown"


def _strip(pane: Pane, states: Sequence[str], line: Axis) -> None:
    """One sign for each cell: the worst that was found in its time."""
    each = max(1, line.count // max(1, pane.width))
    marks = {"up": "━", "degraded": "◆", "down": "▼"}
    for x in range(pane.width):
        found = [state for state in states[x * each : (x + 1) * each] if state]
        if found:
            worst = min(found, key=ORDER.index)
            pane.put(x, 0, marks.get(worst, "○"), state_role(worst))
