"""Guardia itself: its programs, their rates and queues, storage, and what became of everybody's messages. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from viewer.canvas import Pane, Span
from viewer.cells import fit
from viewer.incidents import Hub, Ledger, Part, Program
from viewer.palette import BOLD, Role
from viewer.panel import nothing, panel
from viewer.scene import Scene
from viewer.table import Column
from viewer.table import draw as draw_table
from viewer.units import NOTHING, USUAL, Units, age, count, number, percent, uptime

SIGNS = {"ok": ("●", Role.UP), "degraded": ("◆", Role.WARN), "down": ("▼", Role.DOWN)}
BESIDE = 160
"""Columns from which programs and messages stand beside each other."""
QUIET = 60.0
"""Seconds after which a program that told nothing of itself is no longer believed."""
RATES = (
    "received_per_s",
    "records_per_s",
    "judged_per_s",
    "requests_per_s",
    "questions_per_s",
    "checks_per_s",
    "frames_per_s",
)
"""What a program does, the most telling first."""


def draw(scene: Scene, pane: Pane) -> None:
    """Draw the screen."""
    hub = scene.model.own
    if hub is None:
        failed = scene.model.world.link.reason or "asking the hub…"
        nothing(panel(pane, "Guardia"), failed)
        return
    parts = min(len(hub.parts) + 2, max(3, pane.height // 3))
    wide = pane.width >= 100
    left = pane.width // 2 if wide else pane.width
    _parts(scene, pane.part(0, 0, left, parts), hub)
    y = parts
    if wide:
        _storage(scene, pane.part(left, 0, pane.width - left, parts), hub)
    elif pane.height - parts >= 14:
        _storage(scene, pane.part(0, y, pane.width, 5), hub)
        y += 5
    rest = pane.height - y
    scene.scrolled = 0
    if pane.width >= BESIDE:
        left = pane.width // 2
        _programs(scene, pane.part(0, y, left, rest), hub)
        _ledgers(scene, pane.part(left, y, pane.width - left, rest), hub)
        return
    programs = min(len(programs_of(hub)) + 3, max(4, rest * 3 // 5)) if rest >= 8 else rest
    _programs(scene, pane.part(0, y, pane.width, programs), hub)
    _ledgers(scene, pane.part(0, y + programs, pane.width, rest - programs), hub)


def _scrolled(scene: Scene, total: int, page: int, foot: list[Span]) -> int:
    """The first line to show of a list: what is scrolled goes through this list, then through the ones below it."""
    before, hidden = scene.scrolled or 0, max(0, total - page)
    scene.scrolled = before + hidden
    first = max(0, min(scene.model.scroll - before, hidden))
    if hidden:
        foot.append((f"↑↓ {first + 1}–{min(total, first + page)} of {total}", Role.SOFT))
    return first


def programs_of(hub: Hub) -> list[Program]:
    """The programs; what the API's workers send to themselves through the whole hub is none."""
    return [one for one in hub.programs if not one.name.startswith("canary")]


def current(scene: Scene) -> bool:
    """Whether what the hub told of itself may be shown as current."""
    return scene.model.world.link.state == "live" and scene.at - scene.model.own_at <= QUIET


def _tone(scene: Scene, style: int = Role.TEXT) -> int:
    return style if current(scene) else Role.STALE


def _parts(scene: Scene, pane: Pane, hub: Hub) -> None:
    facts: list[Span] = [("as it is now", Role.WARN)] if scene.model.replay is not None else []
    if not current(scene):
        facts.append((f"as of {age(scene.at - scene.model.own_at)} ago", Role.WARN))
    ill = sum(part.status != "ok" for part in hub.parts)
    facts.append((f"{ill} of {len(hub.parts)} not well", Role.WARN) if ill else ("all well", _tone(scene, Role.UP)))
    world = scene.model.present
    events = "event missed" if world.missed == 1 else "events missed"
    missed = [(world.missed, events), (world.garbage, "not understood")]
    foot: list[Span] = [(f"{count(number)} {what}", Role.WARN) for number, what in missed if number]
    # What is ill comes first: the rest may find no room.
    if (hidden := len(hub.parts) - max(0, pane.height - 2)) > 0:
        foot.append((f"{hidden} more", Role.SOFT))
    inner = panel(pane, "Parts", facts, foot=foot)
    for y, part in enumerate(sorted(hub.parts, key=lambda part: part.status == "ok")[: inner.height]):
        sign, style = SIGNS.get(part.status, ("○", Role.UNKNOWN))
        x = inner.put(1, y, f"{sign} {part.status:<9}", _tone(scene, style) | BOLD)
        x = inner.put(x + 1, y, fit(part.name, 16), _tone(scene)) + 2
        inner.put(x, y, fit(part.reason, max(0, inner.width - x)), Role.SOFT)


def _storage(scene: Scene, pane: Pane, hub: Hub) -> None:
    inner = panel(pane, "Storage")
    stats = hub.stats
    rows: list[tuple[str, float | None, Callable[[float | None], str]]] = [
        ("samples", stats.get("storage.total_metrics"), count),
        ("checks", stats.get("storage_metrics.total_service_checks"), count),
        ("commits", stats.get("storage.flush_count"), count),
        ("deleted", stats.get("storage.total_metrics_deleted"), count),
        ("hosts", stats.get("servers_monitored"), count),
        ("services", stats.get("services_monitored"), count),
    ]
    writer = next((one.values for one in hub.programs if "store.commit_seconds" in one.values), {})
    rows.append(("commit", writer.get("store.commit_seconds"), _seconds))
    rows.append(("written", writer.get("store.bytes_per_s"), scene.units.rate))
    rows.append(("disk free", writer.get("store.free_bytes"), scene.units.size))
    columns = max(1, inner.width // 26)
    for place, (label, value, text) in enumerate(rows[: columns * inner.height]):
        x, y = (place % columns) * (inner.width // columns), place // columns
        inner.put(x + 1, y, label, Role.SOFT)
        inner.put(x + 15, y, text(value), _tone(scene) | BOLD)


def _programs(scene: Scene, pane: Pane, hub: Hub) -> None:
    found = programs_of(hub)
    page, foot = max(0, pane.height - 3), list[Span]()
    first = _scrolled(scene, len(found), page, foot)
    facts: list[Span] = [(f"{len(found)} of the hub", Role.SOFT)] if found or not hub.refused else []
    inner = panel(pane, "Programs", facts, foot=foot)
    if not found:
        nothing(inner, hub.refused or "no program has told of itself yet")
        return

    def plain(
        value_of: Callable[[Program], float | None], text: Callable[[float | None], str]
    ) -> Callable[[Program, int], list[Span]]:
        def cell(one: Program, wide: int) -> list[Span]:
            value = value_of(one)
            fresh = current(scene) and heard(scene, one)
            return [(text(value), Role.STALE if not fresh else Role.TEXT if value is not None else Role.SOFT)]

        return cell

    def queue(one: Program, wide: int) -> list[Span]:
        text = queued(one.values, scene.units)
        fresh = current(scene) and heard(scene, one)
        return [(text, Role.STALE if not fresh else Role.SOFT if text == NOTHING else Role.TEXT)]

    columns: list[Column[Program]] = [
        Column("name", "PROGRAM", 12, lambda one, wide: [(fit(one.name, wide), BOLD)], most=24, to_right=False),
        Column("seen", "SEEN", 5, _seen(scene)),
        Column("rate", "RATE/s", 6, plain(lambda one: rate_of(one.values), number), rank=1),
        Column("queue", "QUEUE", 6, queue, rank=2),
        Column("cpu", "CPU", 5, plain(lambda one: one.values.get("process.cpu_percent"), percent), rank=3),
        Column("rss", "MEM", 4, plain(lambda one: one.values.get("process.rss_bytes"), scene.units.amount), rank=4),
        Column("slow", "SLOWEST", 7, plain(lambda one: one.values.get("loop.longest_seconds"), _seconds), rank=6),
        Column("lost", "DROPPED", 7, plain(lambda one: dropped(one.values), count), rank=5),
        Column("up", "UP", 8, plain(lambda one: one.values.get("process.uptime_seconds"), uptime), rank=7),
    ]
    draw_table(inner, columns, found[first : first + page], gap=1 if inner.width < 58 else 2)


def _seconds(value: float | None) -> str:
    """A short time, in at most 7 characters: ``4.2 ms``, ``120 ms``, ``12 s``."""
    if value is None:
        return NOTHING
    if value >= 9.9995:
        return f"{min(value, 9999):.0f} s"
    return f"{value * 1000:.{0 if value >= 0.00995 else 1}f} ms"


def _seen(scene: Scene) -> Callable[[Program, int], list[Span]]:
    def cell(one: Program, wide: int) -> list[Span]:
        ago = None if one.heard is None else scene.hub_time - one.heard
        return [(age(ago), Role.SOFT if heard(scene, one) else Role.WARN)]

    return cell


def heard(scene: Scene, one: Program) -> bool:
    """Whether a program told of itself lately."""
    return one.heard is not None and scene.hub_time - one.heard <= QUIET


def rate_of(values: Mapping[str, float]) -> float | None:
    """What a program does, in things a second."""
    for wanted in RATES:
        for name, value in values.items():
            if name.rpartition(".")[2] == wanted:
                return value
    return None


def queued(values: Mapping[str, float], units: Units = USUAL) -> str:
    """What waits in a program: notices or questions, or bytes that are not written yet."""
    waiting = [v for name, v in values.items() if name.rpartition(".")[2] in ("waiting", "queued", "depth")]
    unwritten = [v for name, v in values.items() if name.endswith(".pending_bytes")]
    return count(sum(waiting)) if waiting else f"{units.amount(sum(unwritten))}B" if unwritten else NOTHING


def dropped(values: Mapping[str, float]) -> float | None:
    """What a program could not keep or did not understand, since its start.

    What the api or the door refuses is none of it: whoever scans a port is refused a lot, and nothing is lost by that.
    """
    ends = ("dropped_total", "malformed_total", "missed_total", "failed_total", "rejected_total")
    found = [v for name, v in values.items() if name.endswith(ends)]
    return sum(found) if found else None


def _ledgers(scene: Scene, pane: Pane, hub: Hub) -> None:
    """What became of each producer's messages: those that lost the most first."""
    if pane.height < 4:
        return
    facts: list[Span] = []
    if hub.ledgers or not hub.refused:
        facts.append((f"{count(hub.lost)} lost", Role.DOWN | BOLD if hub.lost else _tone(scene, Role.UP)))
        facts.append((f"{count(sum(one.waiting for one in hub.ledgers))} under way", Role.SOFT))
    page, foot = max(0, pane.height - 3), list[Span]()
    first = _scrolled(scene, len(hub.ledgers), page, foot)
    inner = panel(pane, "Messages", facts, foot=foot)
    if not hub.ledgers:
        nothing(inner, hub.refused or "nobody has sent anything yet")
        return
    draw_table(inner, _ledger_columns(scene), hub.ledgers[first : first + page], gap=1 if inner.width < 58 else 2)


def _ledger_columns(scene: Scene) -> Sequence[Column[Ledger]]:
    def tally(value_of: Callable[[Ledger], int], bad: bool = False) -> Callable[[Ledger, int], list[Span]]:
        def cell(one: Ledger, wide: int) -> list[Span]:
            value = value_of(one)
            return [(count(value), _tone(scene, Role.DOWN | BOLD if bad and value else Role.TEXT))]

        return cell

    def reasons(one: Ledger, wide: int) -> list[Span]:
        return [(fit(", ".join(f"{count(n)} {name}" for name, n in one.reasons if n), wide), Role.SOFT)]

    return [
        Column("source", "FROM", 12, lambda one, wide: [(fit(one.source, wide), BOLD)], most=28, to_right=False),
        Column("sent", "SENT", 5, tally(lambda one: one.sent), rank=2),
        Column("stored", "STORED", 6, tally(lambda one: one.stored), rank=1),
        Column("lost", "LOST", 5, tally(lambda one: one.lost, True)),
        Column("waiting", "UNDER WAY", 9, tally(lambda one: one.waiting), rank=3),
        Column("rejected", "REJECTED", 8, tally(lambda one: one.rejected, True), rank=4),
        Column("why", "WHY", 12, reasons, rank=5, most=60, to_right=False),
    ]


def ill(parts: Sequence[Part]) -> list[Part]:
    """The parts that are not well, the worst first."""
    return sorted((part for part in parts if part.status != "ok"), key=lambda part: part.status != "down")
