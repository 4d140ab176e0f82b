"""What a rule would have done with another condition on the stored past. Pure."""

from __future__ import annotations

from bus.timing import in_words
from viewer.canvas import Pane, Span
from viewer.cells import width, wrapped
from viewer.palette import BOLD, Role
from viewer.panel import nothing, panel
from viewer.scene import Scene
from viewer.screens.why import text


def draw(scene: Scene, pane: Pane) -> None:
    """Draw the screen."""
    model = scene.model
    trial = model.trial
    if trial is None:
        nothing(panel(pane, "Back-test", [("Esc: back", Role.ACCENT)]), "choose an alarm and press t")
        return
    title = f"Back-test {trial.rule}, {in_words(trial.seconds)}"
    told = model.alarms.backtest
    if told is None or told.wish != trial:
        nothing(
            panel(pane, title, [("Esc: back", Role.ACCENT)]),
            model.alarms.answered or "the hub judges the past again; this may take a minute",
        )
        return
    wide = max(20, pane.width - 4)
    lines: list[list[Span]] = [[("when ", Role.SOFT), (trial.when or "as it is", BOLD)], []]
    for line in told.lines:
        head = line.isupper() or line.endswith(":")
        # What is too long goes on below: a number that is cut would look like another one.
        first, *others = wrapped(line, wide) if width(line) > wide else [line]
        others = wrapped(" ".join(others), wide - 2) if others else []
        lines += [[(piece, BOLD if head else Role.TEXT)] for piece in (first, *(f"  {piece}" for piece in others))]
    text(scene, pane, title, lines)
