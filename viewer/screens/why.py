"""Why there is an alarm, or none: the decisions of the rules on one subject, oldest first. Pure."""

from __future__ import annotations

from bus.explaining import spoken
from viewer.canvas import Pane, Span
from viewer.cells import wrapped
from viewer.incidents import Verdict
from viewer.palette import BOLD, Role
from viewer.panel import nothing, panel
from viewer.scene import Scene
from viewer.screens.alerts import moment

_LOUD = {"firing": Role.DOWN, "clearing": Role.WARN, "pending": Role.WARN, "silenced": Role.UNKNOWN}


def draw(scene: Scene, pane: Pane) -> None:
    """Draw the screen."""
    model = scene.model
    subject, rule = model.why
    found = model.alarms.whys.get(model.why)
    if found is None:
        inner = panel(pane, f"Why {subject}", [("Esc: back", Role.ACCENT)])
        nothing(inner, model.alarms.answered or "asking the hub…")
        return
    lines = lines_of(scene, found, max(20, pane.width - 4)) or [[("no rule concerns it", Role.SOFT)]]
    text(scene, pane, f"Why {rule} on {subject}" if rule else f"Why {subject}", lines)


def text(scene: Scene, pane: Pane, title: str, lines: list[list[Span]]) -> None:
    """Lines in a frame, as far as they are scrolled."""
    high = max(1, pane.height - 2)
    scene.scrolled = top = max(0, min(scene.model.scroll, len(lines) - high))
    foot: list[Span] = []
    if len(lines) > high:
        foot.append((f"↑↓ lines {top + 1}–{min(len(lines), top + high)} of {len(lines)}", Role.SOFT))
    inner = panel(pane, title, [("Esc: back", Role.ACCENT)], foot=foot)
    for y, spans in enumerate(lines[top : top + inner.height]):
        inner.spans(1, y, spans)


def lines_of(scene: Scene, verdicts: tuple[Verdict, ...], wide: int) -> list[list[Span]]:
    """The chains of all verdicts, broken to ``wide`` columns."""
    found: list[list[Span]] = []
    for one in verdicts:
        if found:
            found.append([])
        about = f" [{one.instance}]" if one.instance else ""
        found.append([(f"{one.rule}{about}: ", BOLD), (spoken(one.verdict), _LOUD.get(one.verdict, Role.SOFT) | BOLD)])
        found += [[("  ", 0), (piece, Role.TEXT)] for piece in wrapped(one.detail, wide - 2) if piece]
        column = max((len(decision) for _, decision, _ in one.chain), default=0)
        for at, decision, detail in one.chain:
            word = spoken(decision).ljust(column)
            head = f"  {moment(scene, at)}  {word}"
            room = max(10, wide - len(head) - 2)
            pieces = wrapped(detail, room) if room >= 24 else [""]
            style = _LOUD.get(decision, Role.SOFT)
            found.append([(f"  {moment(scene, at)}  ", Role.SOFT), (word, style), (f"  {pieces[0]}", Role.TEXT)])
            found += [[(" " * (len(head) + 2), 0), (piece, Role.TEXT)] for piece in pieces[1:]]
            if room < 24:
                found += [[("    ", 0), (piece, Role.TEXT)] for piece in wrapped(detail, wide - 4) if piece]
    return found
