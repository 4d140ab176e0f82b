"""A whole picture: the line of tabs, a screen, the line of keys. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from viewer import keys
from viewer.axis import clock, moment
from viewer.canvas import Canvas, Pane, Span
from viewer.cells import cells, fit, width
from viewer.palette import BAR, BOLD, Role
from viewer.prompt import Prompt
from viewer.replay import Replay
from viewer.scene import Scene
from viewer.screens import SCREENS
from viewer.units import age

LEAST_WIDTH, LEAST_HEIGHT = 40, 10
Others = Literal["names", "digits", "none"]


def draw(scene: Scene, wide: int, high: int) -> Canvas:
    """Draw the model as it is now, and let it know which lines of its lists are seen."""
    canvas = Canvas(max(1, wide), max(1, high), plain=scene.look.plain, console=scene.look.console)
    pane = canvas.pane()
    if wide < LEAST_WIDTH or high < LEAST_HEIGHT:
        _too_small(pane)
    else:
        _header(scene, pane.part(0, 0, wide, 1))
        SCREENS[scene.model.screen](scene, pane.part(0, 1, wide, high - 2))
        _footer(scene, pane.part(0, high - 1, wide, 1))
    scene.settle()
    return canvas


def _too_small(pane: Pane) -> None:
    texts = (
        f"Guardia needs {LEAST_WIDTH}x{LEAST_HEIGHT},",
        f"this is {pane.width}x{pane.height}.",
    )
    for y, text in enumerate(texts):
        if width(text) <= pane.width:
            pane.put(0, y, text)
        elif y == 0:
            short = f"{LEAST_WIDTH}x{LEAST_HEIGHT}"
            pane.put(0, 0, short if len(short) <= pane.width else "", BOLD)


def link_words(scene: Scene) -> tuple[str, int]:
    """How the picture stands to the present, in words."""
    model = scene.model
    link = model.world.link
    wait = "" if link.retry_at is None else f" in {max(0, math.ceil(link.retry_at - scene.now))} s"
    words = {
        "live": ("● LIVE", Role.UP),
        "connecting": ("○ CONNECTING", Role.WARN),
        "reconnecting": (f"◇ RECONNECTING{wait}", Role.WARN),
        "offline": (f"▼ OFFLINE, retry{wait}", Role.DOWN),
    }
    text, style = words[link.state]
    if model.replay is not None:
        return _replay_words(scene, model.replay), Role.WARN
    if model.paused_at is not None:
        behind = age(scene.now - model.paused_at)
        paused = f"■ PAUSED {clock(model.paused_at, scene.look.zone)}, {behind} ago"
        return (paused if link.state == "live" else f"■ PAUSED, {link.state.upper()}"), Role.WARN
    return text, style


def _replay_words(scene: Scene, replay: Replay) -> str:
    at = moment(scene.at, scene.now, scene.look.zone)
    lost = "" if scene.model.world.link.state == "live" else f", {scene.model.world.link.state.upper()}"
    if replay.running:
        return f"▶ REPLAY {at} ×{replay.speed:g}{lost}"
    return f"■ PAUSED {at}, {age(scene.now - scene.at)} ago{lost}"


def _header(scene: Scene, pane: Pane) -> None:
    text, style = link_words(scene)
    x = pane.right(0, text, style | BOLD, x=pane.width - 1)
    address = scene.model.address
    firing = len(scene.firing())
    unread = scene.unread
    forms = (f"▼ {firing} firing", f"▼ {firing}") if firing else ("▼ not read", "▼ ?") if unread else ("",)
    spans, burns = _fitting(scene, x, forms)
    room = x - sum(width(tab) for tab, _ in spans) - 1
    pane.spans(0, 0, spans)
    extra: list[Span] = [(burns, (Role.WARN if unread else Role.DOWN) | BOLD)] if burns else []
    extra.append((address, Role.SOFT))
    for piece, piece_style in extra:
        gap = 1 if piece == burns and width(piece) + 2 > room else 2
        if width(piece) + gap <= room + (piece == burns):
            x = pane.right(0, piece, piece_style, x=x - gap)
            room -= width(piece) + gap
        elif piece == address and room >= 14:
            pane.right(0, fit(piece, room - 2), piece_style, x=x - 2)


def _fitting(scene: Scene, room: int, forms: Sequence[str]) -> tuple[list[Span], str]:
    """The tabs, and in which form it is said how many alarms fire.

    What fires is more than the program's name and the names of the other screens, but not more than their digits: where
    even the number finds no room beside them, the sign alone stands there.
    """
    names, digits = _tabs(scene, "names"), _tabs(scene, "digits")
    for spans in ([(" guardia ", Role.ACCENT | BOLD), *names], names, digits):
        for form in forms[:1] if spans[0][0] == " guardia " else forms:
            if sum(width(tab) for tab, _ in spans) + width(form) + 2 <= room:
                return spans, form
    spans = digits if sum(width(tab) for tab, _ in digits) + 1 <= room else _tabs(scene, "none")
    left = room - sum(width(tab) for tab, _ in spans) - 1
    return spans, next((form for form in forms if width(form) <= left), forms[-1][:1])


def _tabs(scene: Scene, others: Others) -> list[Span]:
    """The tabs of the screens: all with their names, the others with their digits alone, or none of the others."""
    found: list[Span] = []
    for place, name in enumerate(keys.SCREENS, start=1):
        if name == scene.model.behind:
            found.append((f" {place} {name.capitalize()} ", BOLD | BAR))
        elif others != "none":
            found.append((f" {place} {name.capitalize()} " if others == "names" else f" {place} ", Role.SOFT))
    return found


def _footer(scene: Scene, pane: Pane) -> None:
    model = scene.model
    if model.prompt is not None and model.prompt.kind != "filter":
        _asked(pane, model.prompt)
        return
    if model.prompt is not None:
        found = _found(scene)
        x = pane.put(1, 0, "/", Role.ACCENT | BOLD)
        # The end is what is seen of a long text; hints give way to it.
        x = pane.put(x, 0, "".join(cells(model.filter)[-max(16, pane.width - 36) :]), BOLD)
        x = pane.put(x, 0, "▏", Role.ACCENT) + 1
        _line(pane, x, [(f"{found} found", Role.TEXT), ("Enter keep", Role.SOFT), ("Esc clear", Role.SOFT)])
        return
    right = f"{'0 now  ' if model.replay else ''}window {model.window.name} "
    edge = pane.right(0, right, Role.TEXT)
    warning = model.notice or _warning(scene)
    if warning:
        pane.put(1, 0, fit(warning, edge - 2), Role.WARN | BOLD)
        return
    hints = [(_shown(binding), binding.hint) for binding in keys.on(model.screen) if binding.hint]
    if model.screen in keys.SCROLLED:
        hints = [(key, "scroll" if hint == "select" else hint) for key, hint in hints]
    room = edge - 2
    # Whoever finds no other hint still finds the help.
    wanted = sorted(hints, key=lambda hint: hint[1] != "help")
    kept = []
    for key, hint in wanted:
        if width(key) + width(hint) + 3 <= room:
            room -= width(key) + width(hint) + 3
            kept.append((key, hint))
    x = 1
    for key, hint in (one for one in hints if one in kept):
        x = pane.put(x, 0, key, Role.ACCENT | BOLD) + 1
        x = pane.put(x, 0, hint, Role.SOFT) + 2


def _shown(binding: keys.Binding) -> str:
    """The key of a hint: of keys that come in pairs both."""
    pairs = {"down": "↑↓", "zoom_in": "+-", "earlier": "<>"}
    return pairs.get(binding.action, keys.shown(binding.keys[0]))


def _found(scene: Scene) -> int:
    """How many lines the filter lets through."""
    model = scene.model
    if model.screen == "alerts":
        return len(model.alert_rows(scene.now))
    return len(model.service_rows()) if model.screen == "services" else len(model.rows(scene.at))


def _asked(pane: Pane, prompt: Prompt) -> None:
    """What is asked, what was typed, and what may be typed or is wrong; the end of a long text is what is seen."""
    begin = ":" if prompt.kind == "command" else f"{fit(prompt.label, max(12, pane.width // 2))}: "
    x = pane.put(1, 0, begin, Role.ACCENT | BOLD)
    note = prompt.wrong or _offered(prompt) or prompt.hint
    room = max(6, pane.width - x - 2 - min(width(note) + 2, pane.width // 3))
    seen = cells(prompt.text)[-room:]
    x = pane.put(x, 0, "".join(seen), BAR if prompt.fresh else BOLD)
    x = pane.put(x, 0, "▏", Role.ACCENT) + 1
    style = Role.WARN | BOLD if prompt.wrong else Role.SOFT
    pane.put(x, 0, fit(note, max(0, pane.width - x - 1)), style)


def _offered(prompt: Prompt) -> str:
    """What the last word may be made of, from the one that is chosen on."""
    if not prompt.offered:
        return ""
    first = max(0, prompt.turn)
    return "  ".join((*prompt.offered[first:], *prompt.offered[:first]))


def _line(pane: Pane, x: int, spans: list[Span]) -> None:
    for text, style in spans:
        if x + width(text) < pane.width:
            x = pane.put(x, 0, text, style) + 2


def _warning(scene: Scene) -> str:
    """What the person should know that no screen shows."""
    world = scene.model.world
    if world.link.state != "live" and world.link.reason:
        return world.link.reason
    if abs(world.ahead) >= 5:
        return f"the hub's clock is {age(abs(world.ahead))} {'ahead of' if world.ahead > 0 else 'behind'} this one"
    return ""
