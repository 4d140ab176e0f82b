"""The table of keys: what the program obeys, the help shows and the documentation prints. Pure."""

from __future__ import annotations

from dataclasses import dataclass

SCREENS = ("hosts", "host", "services", "alerts")
"""The screens that have a tab, in the order of their digits."""


@dataclass(frozen=True, slots=True)
class Binding:
    """Keys that do the same, and on which screens (none named: on all)."""

    keys: tuple[str, ...]
    action: str
    text: str
    hint: str = ""
    """For the bottom line; empty where it is not shown there."""
    screens: tuple[str, ...] = ()


LISTS = ("hosts", "services", "alerts")

BINDINGS = (
    Binding(("up", "k"), "up", "the line above; on Host: the host above"),
    Binding(("down", "j"), "down", "the line below; on Host: the host below", "select"),
    Binding(("pageup",), "page_up", "a page up; on Host: the panels before"),
    Binding(("pagedown", " "), "page_down", "a page down; on Host: more panels"),
    Binding(("g", "home"), "first", "the first line"),
    Binding(("G", "end"), "last", "the last line"),
    Binding(("enter", "right", "l"), "enter", "open the chosen host", "open", ("hosts",)),
    Binding(("escape", "left", "h"), "back", "back; clears the filter; never quits", "back"),
    Binding(("tab",), "next_screen", "the next screen"),
    Binding(("backtab",), "previous_screen", "the screen before"),
    *(
        Binding((str(place),), f"screen_{name}", f"the screen {name.capitalize()}")
        for place, name in enumerate(SCREENS, start=1)
    ),
    Binding(("/",), "filter", "filter by name or state, as `web down`", "filter", ("hosts", "services")),
    Binding(("s",), "sort", "sort by the next column", "sort", ("hosts",)),
    Binding(("S",), "reverse", "sort the other way round", "", ("hosts",)),
    Binding(("+", "="), "zoom_in", "a shorter window of time", "zoom"),
    Binding(("-", "_"), "zoom_out", "a longer window of time"),
    Binding(("<", ","), "earlier", "go back in time by a quarter of the window", "time"),
    Binding((">", "."), "later", "go forward in time, at the end back to now"),
    Binding(("b",), "incident", "go to where the incident before began; on Host: of this host"),
    Binding(("0",), "zoom_reset", "back to now, and to the window that the program began with"),
    Binding(("p",), "pause", "hold the picture, or let it go on; in the past: let it move, or stand", "pause"),
    Binding(("]",), "faster", "replay faster"),
    Binding(("[",), "slower", "replay slower"),
    Binding(("r",), "refresh", "ask the hub again now; when it is away: try to reach it now"),
    Binding(("?", "f1"), "help", "what the keys of this screen do", "help"),
    Binding(("q", "ctrl-c"), "quit", "quit", "quit"),
)

TYPED = (
    ("Enter", "keep the filter"),
    ("Esc", "give it up"),
    ("Backspace", "take back a character"),
)
"""What keys do while a filter is typed."""

_SHOWN = {
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "home": "Home",
    "end": "End",
    "enter": "Enter",
    "escape": "Esc",
    "tab": "Tab",
    "backtab": "Shift-Tab",
    "backspace": "Backspace",
    "f1": "F1",
    "ctrl-c": "Ctrl-C",
    " ": "Space",
}


def action(key: str, screen: str) -> str | None:
    """What ``key`` does on ``screen``; None where it does nothing."""
    for binding in BINDINGS:
        if key in binding.keys and (not binding.screens or screen in binding.screens):
            return binding.action
    return None


def shown(key: str) -> str:
    """The name of a key as people know it."""
    return _SHOWN.get(key, key)


def on(screen: str) -> list[Binding]:
    """The bindings of one screen."""
    return [binding for binding in BINDINGS if not binding.screens or screen in binding.screens]


def markdown() -> str:
    """The table for the documentation."""
    lines = ["| key | what it does | where |", "|---|---|---|"]
    for binding in BINDINGS:
        keys = " ".join(f"`{shown(key)}`" for key in binding.keys)
        where = ", ".join(name.capitalize() for name in binding.screens) or "everywhere"
        lines.append(f"| {keys} | {binding.text} | {where} |")
    lines += [f"| `{key}` | {text} | while a filter is typed |" for key, text in TYPED]
    return "\n".join(lines) + "\n"
