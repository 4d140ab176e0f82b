"""All hosts in a table, and the chosen one's charts beside or below it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from viewer.canvas import Pane, Span
from viewer.cells import fit, width
from viewer.charts import PERCENT, spark
from viewer.listing import seen_of
from viewer.palette import BOLD, Role, heat
from viewer.panel import nothing, panel
from viewer.panels import PANELS
from viewer.pasts import SPARK_POINTS
from viewer.scene import Scene, alarm
from viewer.screens import host as host_screen
from viewer.table import Column
from viewer.table import draw as draw_table
from viewer.units import age, number, percent, share
from viewer.world import Host

BESIDE = 120
"""Columns from which the chosen host is shown beside the list."""
BELOW = 18
"""Rows from which it is shown below."""
FEW = 4
"""A list that fills no more than this part of the height stands above the host even where there is room beside."""


def draw(scene: Scene, pane: Pane) -> None:
    """Draw the screen."""
    rows = scene.model.rows(scene.at)
    chosen = scene.model.host()
    if pane.width >= BESIDE and chosen and (len(rows) + 3) * FEW <= pane.height:
        high = len(rows) + 3
        _list(scene, pane.part(0, 0, pane.width, high), rows)
        host_screen.body(scene, pane.part(0, high, pane.width, pane.height - high), chosen)
        return
    if pane.width >= BESIDE:
        left = max(54, min(80, pane.width * 2 // 5))
        _list(scene, pane.part(0, 0, left, pane.height), rows)
        if chosen:
            host_screen.body(scene, pane.part(left, 0, pane.width - left, pane.height), chosen)
        return
    if pane.height < BELOW or not chosen:
        _list(scene, pane, rows)
        return
    high = max(4, min(len(rows) + 3, pane.height - 8, pane.height * 3 // 5))
    _list(scene, pane.part(0, 0, pane.width, high), rows)
    _brief(scene, pane.part(0, high, pane.width, pane.height - high), chosen)


def _brief(scene: Scene, pane: Pane, chosen: Host) -> None:
    """The chosen host in two charts."""
    half = pane.width if pane.width < 64 else (pane.width + 1) * 3 // 5
    PANELS["cpu"].draw(scene, pane.part(0, 0, half, pane.height), chosen)
    if half < pane.width:
        PANELS["memory"].draw(scene, pane.part(half, 0, pane.width - half, pane.height), chosen)


def _list(scene: Scene, pane: Pane, rows: Sequence[Host]) -> None:
    model = scene.model
    seen = seen_of(scene, "hosts", pane, rows, lambda host: host.name)
    inner = panel(pane, "Hosts", _counts(scene), foot=seen.foot)
    if not rows:
        nothing(inner, _why_none(scene))
        return
    narrow = inner.width < 58
    # Over all rows, so that scrolling does not move the columns; names count more than the numbers at the right.
    named = max(max(len(host.display) for host in rows), max(width(host.display) for host in seen.rows))
    columns = _columns(scene, seen.rows, named, narrow=narrow)
    draw_table(
        inner,
        columns,
        seen.rows,
        chosen=seen.chosen,
        sorted_by=model.hosts.sort,
        reverse=model.hosts.reverse,
        gap=1 if narrow else 2,
        marked=seen.marked,
    )


def _why_none(scene: Scene) -> str:
    world = scene.model.world
    if world.hosts:
        return "no host matches the filter"
    if world.hosts_told:
        return "no host has reported yet"
    return "asking the hub…" if world.link.state in ("connecting", "live") else "the hub cannot be reached"


def _counts(scene: Scene) -> list[Span]:
    counts = scene.model.world.counts()
    total = sum(counts.values())
    found: list[Span] = [(f"{total} host{'' if total == 1 else 's'}", Role.SOFT)] if total else []
    if total and not scene.model.world.hosts_told:
        found = [(f"{total} so far", Role.WARN)]  # what the stream told; the whole list is asked for
    found += scene.as_of()
    states = scene.tally(counts)
    return [*states, *found] if scene.model.world.hosts_told else [*found, *states]


def _columns(scene: Scene, seen: Sequence[Host], named: int, *, narrow: bool) -> list[Column[Host]]:
    window = scene.model.window.name
    state = max(6, max((width(scene.state(host)[0]) for host in seen), default=4))
    least = 8 if narrow else max(8, min(named, 20))
    number_cell = _cell(scene)

    def flow(value: float | None) -> str:
        return scene.units.flow(value, network=True)

    columns = [
        Column("state", "STATE", min(state, 10), _state(scene), to_right=False),
        Column("name", "HOST", least, _name(scene), most=min(named, 60), to_right=False, first=True),
        Column("cpu", "CPU", 5, number_cell(lambda h: h.value("cpu.percent"), percent, True), rank=1),
        Column("spark", window, 6, _spark(scene), rank=4 if narrow else 3, most=SPARK_POINTS, to_right=False),
        Column("mem", "MEM", 4, number_cell(lambda h: h.value("memory.percent"), share, True), rank=3 if narrow else 2),
        Column("load", "LOAD", 5, number_cell(lambda h: h.value("load.1m"), number), rank=6),
        Column("disk", "DISK", 4, number_cell(lambda h: h.digest.disk and h.digest.disk[1], share, True), rank=5),
        Column("net", "IN/s", 5, number_cell(lambda h: h.digest.inward, flow), rank=7),
        Column("out", "OUT/s", 5, number_cell(lambda h: h.digest.outward, flow), rank=7),
        Column(
            "temp",
            "TEMP",
            6,
            number_cell(lambda h: h.digest.heat and h.digest.heat[1], scene.units.temperature),
            rank=8,
        ),
        Column("labels", "LABELS", 8, _labels(scene), rank=9, most=40, to_right=False),
        Column("seen", "SEEN", 5, _seen(scene), rank=2 if narrow else 4),
    ]
    # A column that would be empty for everybody takes no room.
    return [column for column in columns if column.name != "labels" or scene.model.present.labels.hosts]


CellOf = Callable[[Host, int], list[Span]]


def _state(scene: Scene) -> CellOf:
    def cell(host: Host, wide: int) -> list[Span]:
        text, style = scene.state(host)
        return [(fit(text, wide), style)]

    return cell


def _name(scene: Scene) -> CellOf:
    return lambda host, wide: [(fit(host.display, wide), scene.tone(host) | BOLD if scene.fresh(host) else Role.STALE)]


def _cell(scene: Scene) -> Callable[..., CellOf]:
    """Makes cells of numbers: grey when they are old, loud when they are much."""

    def make(
        value_of: Callable[[Host], float | None], text: Callable[[float | None], str], loud: bool = False
    ) -> CellOf:
        def cell(host: Host, wide: int) -> list[Span]:
            value = value_of(host)
            style = alarm(value) if loud else Role.TEXT
            return [(text(value), scene.tone(host, style if value is not None else Role.SOFT))]

        return cell

    return make


def _spark(scene: Scene) -> CellOf:
    def cell(host: Host, wide: int) -> list[Span]:
        past = scene.model.pasts.sparks.get(host.name)
        if past is None or scene.model.pasts.spark_label != scene.model.pasts.label(scene.model.window):
            return []
        line = scene.spark_axis(wide)
        means, _ = past.columns("cpu.percent", line, 2.5 * max(host.interval, past.step, line.step))
        text = spark(means, wide, PERCENT, scene.look.glyphs)
        found: list[Span] = []
        for character, value in zip(text, means[-wide:], strict=False):
            style = heat((value or 0.0) / 100)
            if found and found[-1][1] == style:
                found[-1] = (found[-1][0] + character, style)
            else:
                found.append((character, style))
        return found

    return cell


def _labels(scene: Scene) -> CellOf:
    labels = scene.model.present.labels.hosts
    return lambda host, wide: [(fit(" ".join(labels.get(host.name, ())), wide), Role.SOFT)]


def _seen(scene: Scene) -> CellOf:
    def cell(host: Host, wide: int) -> list[Span]:
        return [(age(host.age(scene.at)), Role.SOFT if scene.fresh(host) else Role.WARN)]

    return cell
