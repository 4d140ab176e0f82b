"""What fires, what is silenced, what fired lately: a list, and the chosen line in full below it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from viewer.alarms import Row
from viewer.axis import Axis, clock, local
from viewer.canvas import Pane, Span
from viewer.cells import fit, width, wrapped
from viewer.incidents import Incident, Silence
from viewer.listing import seen_of
from viewer.palette import BOLD, Role
from viewer.panel import nothing, panel
from viewer.scene import Scene
from viewer.table import Column
from viewer.table import draw as draw_table
from viewer.units import age, number

T = TypeVar("T")

SEVERITIES = {"critical": Role.DOWN, "warning": Role.WARN, "info": Role.ACCENT}
SIGNS = {"firing": "▼", "clearing": "◆", "pending": "◇", "resolved": "●", "silence": "■"}
INDENT = 10
"""Columns for the labels of the chosen line in full."""
DETAIL = 15
"""Rows from which the chosen line is shown in full below the list."""


def draw(scene: Scene, pane: Pane) -> None:
    """Draw the screen."""
    rows = scene.model.alert_rows(scene.now)
    chosen = next((row for row in rows if row.key == scene.model.alerts.chosen), None)
    high = pane.height
    if chosen is not None and pane.height >= DETAIL:
        full = 2 + len(laid(_lines(scene, chosen), pane.width - 2))
        high = max(6, min(len(rows) + 3, pane.height - min(max(full, 8), pane.height // 2)))
    _list(scene, pane.part(0, 0, pane.width, high), rows)
    if chosen is not None and high < pane.height:
        _detail(scene, pane.part(0, high, pane.width, pane.height - high), chosen)


def _list(scene: Scene, pane: Pane, rows: Sequence[Row]) -> None:
    seen = seen_of(scene, "alerts", pane, rows, lambda row: row.key)
    inner = panel(pane, "Alerts", _counts(scene), foot=[*seen.foot, *_rest(scene)])
    if not rows:
        nothing(inner, _why_none(scene))
        return
    draw_table(
        inner,
        _columns(scene, seen.rows),
        seen.rows,
        chosen=seen.chosen,
        gap=1 if inner.width < 58 else 2,
        marked=seen.marked,
    )


def _counts(scene: Scene) -> list[Span]:
    alarms = scene.model.alarms
    if scene.model.replay is not None:
        return [(f"▼ {len(scene.firing())} fired then", Role.WARN)]
    if not alarms.told:
        return [(alarms.failed, Role.WARN)] if alarms.failed else []
    style = Role.STALE if scene.model.world.link.state != "live" or alarms.failed else Role.TEXT
    firing, pending = alarms.firing(), [one for one in alarms.standing if not one.burns]
    found: list[Span] = [
        *scene.as_of(),
        (f"▼ {len(firing)} firing", style or (Role.DOWN | BOLD if firing else Role.SOFT)),
    ]
    if pending:
        found.append((f"◇ {len(pending)} pending", style or Role.WARN))
    if known := sum(bool(one.owner) for one in firing):
        found.append((f"{known} acknowledged", Role.SOFT))
    if alarms.silences:
        count = len(alarms.silences)
        found.append((f"■ {count} silence{'' if count == 1 else 's'}", Role.SOFT))
    found += [
        (f"■ maintenance {one.name} until {moment(scene, one.until)}", Role.SOFT)
        for one in alarms.maintenance
        if one.starts <= scene.hub_time < one.until
    ]
    if alarms.failed:
        found.insert(0, ("not read now", Role.WARN))
    return found


def _rest(scene: Scene) -> list[Span]:
    """How far back the list goes, where the hub had more to tell."""
    alarms = scene.model.alarms
    if not alarms.more or not alarms.past:
        return []
    oldest = min(one.began for one in alarms.past)
    count = f"newest {len(alarms.past)} incidents"
    return [(count, Role.WARN), (f"back to {moment(scene, oldest)}", Role.WARN), ("b < older", Role.ACCENT)]


def _why_none(scene: Scene) -> str:
    alarms = scene.model.alarms
    if not alarms.told:
        return alarms.failed or "asking the hub…"
    if scene.model.filter:
        return "nothing matches the filter"
    return scene.unread or "nothing fires and nothing fired lately"


def _columns(scene: Scene, seen: Sequence[Row]) -> list[Column[Row]]:
    axis = scene.spark_axis
    subject, rule, owner = longest(_subject, seen, 40), longest(_rule, seen, 30), longest(_cares, seen, 14)

    def state(row: Row, wide: int) -> list[Span]:
        word, style = state_of(row)
        return [(fit(f"{SIGNS.get(word, '○')} {word}", wide), style)]

    def timeline(row: Row, wide: int) -> list[Span]:
        return stretch(row, axis(wide))

    return [
        Column("state", "STATE", 10, state, to_right=False),
        Column("severity", "SEVERITY", 8, lambda row, wide: [_severity(row)], 3, to_right=False),
        Column("about", "ABOUT", 8, _about, most=subject, to_right=False, first=True),
        Column("rule", "RULE", 8, lambda row, wide: [(fit(_rule(row), wide), Role.TEXT)], 1, rule, False, True),
        Column("since", "SINCE", 5, _since(scene), rank=2),
        Column("value", "VALUE", 5, _value, rank=7),
        Column("line", scene.model.window.name, 12, timeline, rank=6, most=40, to_right=False),
        Column("owner", "ACK", 6, _owner, rank=4, most=owner, to_right=False),
        Column("reason", "WHY", 24, _reason, rank=5, most=120, to_right=False),
    ]


def state_of(row: Row) -> tuple[str, int]:
    """A line's state and its style."""
    if row.incident is None:
        return "silence", Role.UNKNOWN
    if row.kind == "past":
        return "resolved", Role.SOFT
    one = row.incident
    # In a replay it fired then, whatever became of it.
    state = "firing" if one.state == "resolved" else one.state
    style = SEVERITIES.get(one.severity, Role.WARN) if state != "pending" else Role.WARN
    return state, style | (BOLD if state != "pending" else 0)


def _severity(row: Row) -> Span:
    one = row.incident
    if one is None:
        return "", Role.SOFT
    return fit(one.severity, 8), Role.SOFT if row.kind == "past" else SEVERITIES.get(one.severity, Role.WARN)


def longest(text: Callable[[T], str], rows: Sequence[T], most: int) -> int:
    """How wide a column of words needs to be, at most."""
    return min(most, max((width(text(row)) for row in rows), default=0))


def _subject(row: Row) -> str:
    return row.incident.about if row.incident else " ".join(row.silence.matches) if row.silence else ""


def _about(row: Row, wide: int) -> list[Span]:
    return [(fit(_subject(row), wide), Role.SOFT if row.kind == "past" else BOLD)]


def _rule(row: Row) -> str:
    return row.incident.rule if row.incident else ""


def _since(scene: Scene) -> Callable[[Row, int], list[Span]]:
    def cell(row: Row, wide: int) -> list[Span]:
        since = scene.hub_time - began(row)
        comes = row.silence is not None and since < 0
        return [(age(None if comes else since), Role.TEXT if row.kind == "alarm" else Role.SOFT)]

    return cell


def began(row: Row) -> float:
    """When it began; of what is over, when it ended."""
    if row.silence is not None:
        return row.silence.starts
    assert row.incident is not None
    one = row.incident
    if row.kind == "past" and one.ended is not None:
        return one.ended
    return one.began


def _value(row: Row, wide: int) -> list[Span]:
    return [(number(row.incident.value if row.incident else None), Role.SOFT if row.kind == "past" else Role.TEXT)]


def _cares(row: Row) -> str:
    return row.silence.owner if row.silence else row.incident.owner if row.incident else ""


def _owner(row: Row, wide: int) -> list[Span]:
    owner = _cares(row)
    return [(fit(owner, wide) if owner else "–", Role.TEXT if owner else Role.SOFT)]


def _reason(row: Row, wide: int) -> list[Span]:
    if row.silence is not None:
        return [(fit(row.silence.reason, wide), Role.SOFT)]
    assert row.incident is not None
    held = f"held back: {row.incident.holds[0]}" if row.incident.holds else ""
    return [(fit(held or row.incident.reason, wide), Role.SOFT)]


def stretch(row: Row, line: Axis) -> list[Span]:
    """When it burned (or was silenced), a sign for each column of the window: ``━`` while it did."""
    one = row.incident
    if row.silence is not None:
        begin, end = row.silence.starts, row.silence.until
    elif one is not None and one.started is not None and one.state != "pending":
        begin, end = one.started, one.ended if one.ended is not None else line.end
    else:
        return []
    style = state_of(row)[1]
    first, last = max(0, line.column(begin)), min(line.count - 1, line.column(max(begin, end - 1e-6)))
    if first > last:
        return [("·" * line.count, Role.LINE)]
    return [
        ("·" * first, Role.LINE),
        (("━" if row.incident else "─") * (last - first + 1), style),
        ("·" * (line.count - 1 - last), Role.LINE),
    ]


def _detail(scene: Scene, pane: Pane, row: Row) -> None:
    """The chosen line in full."""
    if row.silence is not None:
        inner = panel(pane, "Silence", [("e ends it", Role.ACCENT)])
        paragraphs(inner, _lines(scene, row))
        return
    assert row.incident is not None
    one = row.incident
    keys: list[Span] = [("w why", Role.ACCENT)]
    if row.kind == "alarm" and one.burns and not one.owner:
        keys.append(("a acknowledge", Role.ACCENT))
    if row.kind == "alarm":
        keys.append(("s silence", Role.ACCENT))
    inner = panel(pane, f"{one.rule} on {one.about}", keys)
    paragraphs(inner, _lines(scene, row))


def _lines(scene: Scene, row: Row) -> list[tuple[str, str, int]]:
    """What is to say of a line: labels of at most 8 columns, texts, styles."""
    if row.silence is not None:
        return _silenced(scene, row.silence)
    return _burning(scene, row, row.incident) if row.incident is not None else []


def laid(lines: Sequence[tuple[str, str, int]], wide: int) -> list[tuple[str, str, int]]:
    """The same, broken between words to ``wide`` columns; the label stands at the first line of its text."""
    return [
        (label if not place else "", piece, style)
        for label, text, style in lines
        for place, piece in enumerate(wrapped(text, max(10, wide - INDENT - 1)))
    ]


def paragraphs(pane: Pane, lines: Sequence[tuple[str, str, int]]) -> None:
    """Lines with a label each, broken between words; the last one that fits tells that more would follow."""
    found = laid(lines, pane.width)
    for y, (label, text, style) in enumerate(found[: pane.height]):
        if y == pane.height - 1 and len(found) > pane.height:
            text = f"{wrapped(text, pane.width - INDENT - 3)[0]} …"  # whole words: no number is cut
        pane.put(1, y, label, Role.SOFT)
        pane.put(INDENT, y, text, style)


def _burning(scene: Scene, row: Row, one: Incident) -> list[tuple[str, str, int]]:
    word, style = state_of(row)
    when = f"{moment(scene, began(row))}, {age(scene.hub_time - began(row))} ago"
    found = [
        ("state", f"{SIGNS.get(word, '○')} {word}, {one.severity}", style),
        ("ended" if row.kind == "past" else "since", when, Role.TEXT),
    ]
    if row.kind == "past" and one.started is not None and one.ended is not None:
        lasted = age(one.ended - one.started)
        found.append(("fired", f"from {moment(scene, one.started)} for {lasted}", Role.TEXT))
    found.append(("why", one.reason or "–", Role.TEXT))
    if one.advice and one.burns:
        found.append(("do", one.advice, Role.TEXT))
    if one.threshold is not None:
        found.append(("value", f"{number(one.value)}, limit {number(one.threshold)}", Role.TEXT))
    if one.owner:
        found.append(("ack by", f"{one.owner}{f': {one.note}' if one.note else ''}", Role.UP))
    elif row.kind == "alarm" and one.burns:
        found.append(("ack by", "nobody", Role.WARN))
    found += [("held", hold, Role.UNKNOWN) for hold in one.holds]
    return found


def _silenced(scene: Scene, one: Silence) -> list[tuple[str, str, int]]:
    left, ahead = one.until - scene.hub_time, one.starts - scene.hub_time
    return [
        ("matches", ", ".join(one.matches), BOLD),
        ("by", one.owner, Role.TEXT),
        ("reason", one.reason, Role.TEXT),
        *([("from", f"{moment(scene, one.starts)}, in {age(ahead)}", Role.TEXT)] if ahead > 0 else []),
        ("until", f"{moment(scene, one.until)}, {'over' if left <= 0 else f'in {age(left)}'}", Role.TEXT),
        ("id", one.id, Role.SOFT),
    ]


def moment(scene: Scene, at: float) -> str:
    """A time of the hub's clock: of today the time alone."""
    zone = scene.look.zone
    if local(at, zone).date() == local(scene.now, zone).date():
        return clock(at, zone)
    return local(at, zone).strftime("%d %b %H:%M:%S")
