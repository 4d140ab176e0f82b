"""What a panel of a host is, and what several of them do alike. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from viewer.axis import Axis
from viewer.canvas import Pane, Span
from viewer.charts import Scale, nice
from viewer.history import Columns, Track
from viewer.palette import BOLD, Role
from viewer.panel import Frame, backdrop, draw_area, empty_reason, frame, nothing, one, panel
from viewer.scene import Scene, alarm
from viewer.units import share
from viewer.world import Host

MANY = 10
"""Readings in a column from which their mean no longer shows the highest."""


class Need(NamedTuple):
    """Rows of a panel, frame included."""

    least: int
    """Below this it says nothing."""
    good: int
    """From here on it shows all that it is there for; panels after it are given up before it gets less."""
    want: int
    weight: int = 0
    """Its share of what is left over."""


class Panel(NamedTuple):
    """A panel: its title, its need for a host in a width, and how it draws itself."""

    title: str
    need: Callable[[Scene, Host, int], Need | None]
    draw: Callable[[Scene, Pane, Host], None]


def track(scene: Scene, host: Host) -> Track:
    """The host's past in the window that is shown."""
    return scene.model.pasts.track(host.name, scene.model.window)


def join(scene: Scene, host: Host, axis: Axis) -> float:
    """Seconds of silence up to which two readings belong to one line."""
    return 2.5 * max(host.interval, track(scene, host).step, axis.step)


def columns(scene: Scene, host: Host, name: str, axis: Axis) -> Columns:
    """Means of a metric for the columns of a chart; and peaks, where a column stands for many readings."""
    means, peaks = track(scene, host).columns(name, axis, join(scene, host, axis))
    return means, peaks if axis.step >= MANY * host.interval else []


def unseen(rows: Sequence[object], room: int, text: str = "more not shown") -> list[Span]:
    """How many rows find no room, for the lower edge."""
    hidden = len(rows) - max(0, room)
    return [(f"{hidden} {text}", Role.SOFT)] if hidden > 0 else []


def busiest(scene: Scene, host: Host, group: str, fields: tuple[str, str], names: list[str]) -> str | None:
    """Of several interfaces or devices the one that moved most in this window."""
    past = track(scene, host)
    line = scene.axis(8)

    def moved(name: str) -> float:
        metrics = [f"{group}[{name}].{field}" for field in fields]
        # Before there is a past, the present decides.
        return sum(past.total(metric, line) + 1e-9 * (host.value(metric) or 0.0) for metric in metrics)

    return max(sorted(names), key=moved, default=None)


def peak(value: float | None, text: str) -> list[Span]:
    """The highest value in a chart, as it stands in its upper edge; nothing of a chart without one."""
    return [] if value is None else [(f"max {text}", Role.SOFT)]


def stalled(scene: Scene, host: Host, what: str) -> list[Span]:
    """In which share of the time tasks waited for memory or disks, where that is worth a word."""
    value = host.value(f"pressure.{what}_percent")
    if value is None or value < 1:
        return []
    return [(f"{share(value)} stalled", scene.tone(host, alarm(value, warn=20, grave=50)))]


def mirrored(
    scene: Scene,
    pane: Pane,
    host: Host,
    title: str,
    metrics: tuple[str, str],
    signs: tuple[str, str],
    *,
    network: bool = False,
    more: Sequence[Span] = (),
) -> None:
    """A chart of two flows: the first grows upwards, the second downwards, on one scale or each on its own.

    ``more`` stands behind them in its upper edge.
    """
    now = [host.value(name) for name in metrics]
    styles = (Role.INWARD, Role.OUTWARD)
    line = scene.axis(max(1, pane.width - 2 - 5))
    past = track(scene, host)
    most = [past.most(name, line) for name in metrics]
    facts: list[Span] = [
        (f"{sign} {scene.units.rate(value, network=network)}", scene.tone(host, style) | BOLD)
        for sign, value, style in zip(signs, now, styles, strict=True)
    ]
    top = max((value for value in most if value is not None), default=None)
    facts += [*more, *peak(top, scene.units.rate(top, network=network))]
    inner = panel(pane, title, facts)
    if inner.height < 2:
        return
    scales = [_flows(scene, one if scene.model.own_scale else top, network=network) for one in most]

    def text(value: float) -> str:
        return scene.units.flow(value, network=network)

    shape = frame(scene, pane, inner, scales[0], lambda value: text(value) if value == scales[0].high else "")
    plot = shape.plot
    up = (plot.height + 1) // 2
    if plot.left > inner.left:
        margin = inner.part(0, 0, plot.left - inner.left - 1, inner.height)
        margin.right(inner.height - 1, f"   {text(scales[1].high)}", Role.SOFT)
        if inner.height >= 4:
            margin.right(up - 1, "   0", Role.SOFT)
    line = scene.axis(plot.width)
    drawn = False
    halves = (plot.part(0, 0, plot.width, up), plot.part(0, up, plot.width, plot.height - up))
    for place, half in enumerate(halves):
        ends = (0, up - 1) if place == 0 else (half.height - 1,)
        backdrop(scene, Frame(half, pane, scales[place], text, ends), host.name, metrics[place], hang=place == 1)
        means, peaks = columns(scene, host, metrics[place], line)
        drawn = drawn or any(value is not None for value in means)
        draw_area(scene, half, means, peaks, scales[place], one(styles[place]), hang=place == 1)
    if not drawn:
        nothing(plot, empty_reason(scene, past))


def _flows(scene: Scene, top: float | None, *, network: bool) -> Scale:
    """A scale for bytes per second that ends at a round number in the person's units."""
    # Bits are counted by 1,000, and eight of them make a byte.
    decimal = scene.units.decimal or (network and scene.units.bits)
    eighth = 8.0 if network and scene.units.bits else 1.0
    least = 1000.0 if decimal else 1024.0
    return Scale(0.0, nice((top or 0.0) * eighth, least=least, base=10.0 if decimal else 1024.0).high / eighth)
