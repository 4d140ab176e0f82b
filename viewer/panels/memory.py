"""How much memory and swap is used, now and over time. Pure."""

from __future__ import annotations

from viewer.canvas import Pane, Span
from viewer.charts import PERCENT, nice
from viewer.palette import BOLD, Role
from viewer.panel import Gauge, backdrop, draw_area, empty_reason, frame, gauges, nothing, one, panel
from viewer.panels.base import Need, Panel, columns, peak, stalled, track
from viewer.scene import Scene, alarm
from viewer.units import share
from viewer.world import Host


def need(scene: Scene, host: Host, width: int) -> Need | None:
    """A line for memory, one for swap where there is any, and a chart where there is room."""
    return Need(2 + _lines(host), 5 + _lines(host), 6 + _lines(host), 1)


def draw(scene: Scene, pane: Pane, host: Host) -> None:
    """Draw the panel."""
    used = host.value("memory.percent")
    past = track(scene, host)
    most = past.most("memory.percent", scene.axis(max(1, pane.width - 7)))
    facts: list[Span] = [
        (share(used), scene.tone(host, alarm(used, Role.MEMORY, warn=90)) | BOLD),
        *peak(most, share(most)),
    ]
    free = host.value("memory.available")
    if free is not None:
        facts.append((f"{scene.units.size(free)} available", scene.tone(host)))
    facts[1:1] = stalled(scene, host, "memory")
    if host.value("memory.oom_kills_per_s"):
        facts.insert(1, ("killing", scene.tone(host, Role.DOWN) | BOLD))
    if wrong := sum(fields.get("uncorrected_errors") or 0.0 for fields in host.instances("ecc").values()):
        facts.insert(1, (f"{wrong:.0f} ECC errors", scene.tone(host, Role.DOWN) | BOLD))
    inner = panel(pane, "Memory", facts)
    gauges(inner, _gauges(scene, host)[: inner.height], scene.units)
    lines = _lines(host)
    chart = inner.part(0, lines, inner.width, inner.height - lines)
    if chart.height < 2:
        return
    scale = nice(most) if scene.model.own_scale else PERCENT
    shape = frame(scene, pane, chart, scale, share)
    means, peaks = columns(scene, host, "memory.percent", scene.axis(shape.plot.width))
    backdrop(scene, shape, host.name, "memory.percent")
    draw_area(scene, shape.plot, means, peaks, scale, one(Role.MEMORY))
    if not any(value is not None for value in means):
        nothing(shape.plot, empty_reason(scene, past))


def _gauges(scene: Scene, host: Host) -> list[Gauge]:
    found = []
    for kind, label, role in (("memory", "RAM", Role.MEMORY), ("swap", "Swap", Role.SWAP)):
        total, percent = host.value(f"{kind}.total"), host.value(f"{kind}.percent")
        if kind == "memory" or total:
            style = scene.tone(host, alarm(percent, role, warn=90))
            found.append(Gauge(label, percent, host.value(f"{kind}.used"), total, style))
    return found


def _lines(host: Host) -> int:
    return 2 if host.value("swap.total") else 1


PANEL = Panel("Memory", need, draw)
