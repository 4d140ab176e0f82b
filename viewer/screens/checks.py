"""A service's checks one by one, and how much of a window they cover. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from viewer.axis import Axis
from viewer.canvas import Pane, Span
from viewer.cells import fit
from viewer.events import Check
from viewer.palette import BOLD, Role
from viewer.panel import nothing, panel
from viewer.scene import Scene, sign, state_role
from viewer.screens.alerts import moment
from viewer.table import Column
from viewer.table import draw as draw_table
from viewer.units import milliseconds


def history(scene: Scene, pane: Pane, checks: Sequence[Check]) -> None:
    """The newest checks, newest first; what went wrong in words."""
    bad = sum(check.status != "up" for check in checks)
    facts: list[Span] = [(f"{bad} of {len(checks)} not up", Role.WARN if bad else Role.SOFT)] if checks else []
    inner = panel(pane, "Checks", facts)
    if not checks:
        nothing(inner, "no checks in this window")
        return
    rows = list(reversed(checks))[: max(0, inner.height - 1)]
    columns: list[Column[Check]] = [
        Column("at", "TIME", 8, lambda one, wide: [(_time(scene, one, wide), Role.SOFT)], most=15, to_right=False),
        Column("state", "STATE", 10, _state, to_right=False),
        Column("ms", "RESPONSE", 8, lambda one, wide: [(milliseconds(one.response_ms), Role.TEXT)], rank=1),
        Column("code", "CODE", 4, _code, rank=2),
        Column("error", "WHAT", 8, lambda one, wide: [(fit(one.error, wide), Role.DOWN)], 3, most=80, to_right=False),
    ]
    draw_table(inner, columns, rows, gap=1 if inner.width < 58 else 2)


def _time(scene: Scene, one: Check, wide: int) -> str:
    text = moment(scene, one.at)
    return text if len(text) <= wide else text[-wide:]


def _state(one: Check, wide: int) -> list[Span]:
    style = state_role(one.status) | (0 if one.status == "up" else BOLD)
    return [(f"{sign(one.status)} {fit(one.status, wide - 2)}", style)]


def _code(one: Check, wide: int) -> list[Span]:
    return [("–" if one.code is None else str(one.code)[:4], Role.SOFT if one.code is None else Role.TEXT)]


def coverage(checks: Sequence[Check], line: Axis) -> float | None:
    """The share of the window, in percent, in which the service was checked as often as usual.

    A check speaks for the time to the next one, at most for two and a half of the usual pauses. None without checks.
    """
    inside = [check.at for check in checks if line.start <= check.at <= line.end]
    if not inside:
        return None
    pauses = sorted(b - a for a, b in pairwise(inside))
    hold = 2.5 * pauses[len(pauses) // 2] if pauses else line.step
    spoken = sum(min(b - a, hold) for a, b in pairwise(inside)) + min(line.end - inside[-1], hold)
    return min(100.0, 100 * spoken / (line.end - line.start))
