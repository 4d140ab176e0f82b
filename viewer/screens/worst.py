"""The hosts that need a look, the worst first, and why. Pure."""

from __future__ import annotations

import heapq
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from viewer.canvas import Pane, Span
from viewer.cells import fit, width
from viewer.incidents import Incident
from viewer.listing import seen_of
from viewer.palette import BOLD, Role
from viewer.panel import nothing, panel
from viewer.replay import NOT_READ
from viewer.scene import Scene, alarm, state_role
from viewer.screens.alerts import SEVERITIES
from viewer.table import Column
from viewer.table import draw as draw_table
from viewer.units import age, percent, share
from viewer.world import Host

MOST = 200
"""Hosts that are listed as the worst."""
UNREAD = 9.5
"""The weight of hosts of which a replay knows nothing yet."""
CALM = 9.0
"""The weight of hosts that need no look."""
FULL_DISK = 7.0
"""The weight of hosts with a filesystem that is nearly full."""
FULL = 90.0
"""The percentage from which a filesystem, memory or CPU is worth a look."""


def why_none(scene: Scene, told: bool, empty: str) -> str:
    """Why there is nothing to count; ``empty`` where the hub told that there is nothing."""
    if told:
        return empty
    return "asking the hub…" if scene.model.world.link.state in ("connecting", "live") else "the hub is away"


@dataclass(frozen=True, slots=True)
class Bad:
    """A host that is worth a look, and why; ``weight`` sorts the worst first."""

    host: Host
    weight: tuple[float, ...]
    why: str
    style: int


def worst_hosts(scene: Scene) -> list[Bad]:
    """The hosts that need a look, the worst first; then the busiest ones."""
    burning: dict[str, Incident] = {}
    for one in reversed(scene.firing()):
        burning[one.subject] = one
    world, picking = scene.model.world, scene.model.pulse
    if picking.due((world.changes, world.hosts_told, tuple(burning)), scene.at):
        at = scene.at
        # Among equals the order of names stays.
        every = [(_weight(host, burning.get(host.name), at), host.name) for host in world.named()]
        scene.model.needing = sum(weight[0] < CALM for weight, _ in every)
        picking.pick([name for _, name in heapq.nsmallest(MOST, every, key=operator.itemgetter(0))], world.hosts_told)
    return [_bad(scene, world.hosts[name], burning.get(name)) for name in picking.order if name in world.hosts]


def _weight(host: Host, firing: Incident | None, at: float) -> tuple[float, float]:
    """Sorts the worst first: by kind, then by how much of it."""
    state = host.state
    if host.state == NOT_READ and firing is None:
        return UNREAD, 0.0
    if state in ("down", "degraded"):
        return 0.0 if state == "down" else 1.0, 0.0
    if firing is not None:
        return {"critical": 2.0, "warning": 3.0}.get(firing.severity, 4.0), 0.0
    if state != "up" or not host.fresh(at):
        return 5.0 if state == "stale" else 6.0, 0.0
    values = host.values
    most = max(values.get("cpu.percent") or 0.0, values.get("memory.percent") or 0.0)
    disk = host.digest.disk
    if disk is not None and disk[1] >= FULL:
        return FULL_DISK, -disk[1]
    return 8.0 if most >= FULL else CALM, -most


def _bad(scene: Scene, host: Host, firing: Incident | None) -> Bad:
    weight = _weight(host, firing, scene.at)
    kind = weight[0]
    if kind == UNREAD:
        return Bad(host, weight, "not read yet", Role.SOFT)
    if kind <= 1.0:
        why = host.error or f"{host.state} for {age(host.age(scene.at))}"
        return Bad(host, weight, why, state_role(host.state))
    if kind <= 4.0 and firing is not None:
        return Bad(host, weight, f"{firing.rule}: {firing.reason}", SEVERITIES.get(firing.severity, Role.WARN))
    if kind <= 6.0:
        seen = host.age(scene.at)
        why = host.error or ("never seen" if seen is None else f"last reading {age(seen)} ago")
        return Bad(host, weight, why, Role.WARN)
    disk = host.digest.disk
    if kind == FULL_DISK and disk is not None:
        return Bad(host, weight, f"{disk[0]} is {share(disk[1])} full", alarm(disk[1]))
    if kind < CALM:
        cpu, memory = host.value("cpu.percent") or 0.0, host.value("memory.percent") or 0.0
        why = f"memory {share(memory)}" if memory >= cpu else f"CPU {percent(cpu)}"
        return Bad(host, weight, why, alarm(max(cpu, memory)))
    return Bad(host, weight, "", Role.SOFT)


def worst_panel(scene: Scene, pane: Pane, worst: Sequence[Bad]) -> None:
    """Draw the list, and remember which of it is seen."""
    model = scene.model
    bad = model.needing
    whole = "" if len(worst) == len(model.world.hosts) else f"the {len(worst)} worst"
    seen = seen_of(scene, "pulse", pane, worst, lambda one: one.host.name, whole=whole)
    facts: list[Span] = (
        [(f"{bad} need{'s' if bad == 1 else ''} a look", Role.WARN) if bad else ("none needs a look", Role.SOFT)]
        if worst
        else []
    )
    if worst and not model.world.hosts_told:
        facts = [(f"{bad} so far", Role.WARN)]
    inner = panel(pane, "Worst hosts", facts, foot=seen.foot)
    if not worst:
        nothing(inner, why_none(scene, model.world.hosts_told, "no host has reported yet"))
        return
    draw_table(
        inner,
        _columns(scene, seen.rows, max(width(one.host.display) for one in worst), wide=inner.width >= 58),
        seen.rows,
        chosen=seen.chosen,
        gap=1 if inner.width < 58 else 2,
        marked=seen.marked,
    )


def _columns(scene: Scene, seen: Sequence[Bad], named: int, *, wide: bool) -> list[Column[Bad]]:
    def state(one: Bad, wide: int) -> list[Span]:
        text, style = scene.state(one.host)
        return [(fit(text, wide), style)]

    def value(name: str) -> Callable[[Bad, int], list[Span]]:
        def cell(one: Bad, wide: int) -> list[Span]:
            found = one.host.value(name)
            return [(share(found), scene.tone(one.host, alarm(found) if found is not None else Role.SOFT))]

        return cell

    def disk(one: Bad, wide: int) -> list[Span]:
        found = one.host.digest.disk
        return [(share(found[1] if found else None), scene.tone(one.host, alarm(found[1] if found else None)))]

    def seen_cell(one: Bad, wide: int) -> list[Span]:
        return [(age(one.host.age(scene.at)), Role.SOFT if scene.fresh(one.host) else Role.WARN)]

    longest = max((width(scene.state(one.host)[0]) for one in seen), default=6)
    return [
        Column("state", "STATE", max(6, min(10, longest)), state, to_right=False),
        Column(
            "name",
            "HOST",
            max(8, min(named, 20)) if wide else 8,
            lambda one, wide: [(fit(one.host.display, wide), BOLD)],
            most=min(named, 60),
            to_right=False,
            first=True,
        ),
        Column("cpu", "CPU", 4, value("cpu.percent"), rank=2),
        Column("mem", "MEM", 4, value("memory.percent"), rank=3),
        Column("disk", "DISK", 4, disk, rank=4),
        Column("seen", "SEEN", 5, seen_cell, rank=5),
        Column("why", "WHY", 12, lambda one, wide: [(fit(one.why, wide), one.style)], 1, most=120, to_right=False),
    ]
