"""The table of keys: what the program obeys, the help shows and the documentation prints. Pure."""

from __future__ import annotations

from dataclasses import dataclass

SCREENS = ("pulse", "hosts", "host", "services", "alerts", "guardia")
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


LISTS = ("pulse", "hosts", "services", "alerts")
SUBJECTS = ("pulse", "hosts", "host", "services", "alerts", "why")
"""Where something is chosen that acts can concern."""
FILTERED = ("hosts", "services", "alerts")
OPENS = ("pulse", "hosts", "alerts")
SCROLLED = ("guardia", "help", "why", "backtest")
"""Where nothing is chosen, and lines are passed over."""
TEXTS = ("host", *SCROLLED)

BINDINGS = (
    Binding(("up", "k"), "up", "the line above; on Host: the host above"),
    Binding(("down", "j"), "down", "the line below; on Host: the host below", "select"),
    Binding(("pageup",), "page_up", "a page up; on Host: the panels before"),
    Binding(("pagedown",), "page_down", "a page down; on Host: more panels"),
    Binding((" ",), "page_down", "a page down", "", TEXTS),
    Binding(("g", "home"), "first", "the first line"),
    Binding(("G", "end"), "last", "the last line"),
    Binding(("enter", "right", "l"), "enter", "open the chosen host; on Alerts: why it is so", "open", OPENS),
    Binding(("escape", "left", "h"), "back", "back; clears marks, then the filter; never quits", "back"),
    Binding(("tab",), "next_screen", "the next screen"),
    Binding(("backtab",), "previous_screen", "the screen before"),
    *(
        Binding((str(place),), f"screen_{name}", f"the screen {name.capitalize()}")
        for place, name in enumerate(SCREENS, start=1)
    ),
    Binding((" ",), "mark", "mark the line, so that an act concerns all that are marked", "", LISTS),
    Binding(("a",), "acknowledge", "acknowledge what fires there, with a note", "ack", SUBJECTS),
    Binding(("s",), "silence", "silence it: asks for how long and why", "silence", SUBJECTS),
    Binding(("e",), "end", "end the chosen silence", "", ("alerts",)),
    Binding(("w",), "why", "why an alarm came, or did not", "why", SUBJECTS),
    Binding(("t",), "backtest", "try the alarm's rule on the last week, with another condition", "", ("alerts", "why")),
    Binding(("/",), "filter", "filter by words: a name, a state, a label, as `web down`", "filter", FILTERED),
    Binding((":",), "command", "type a command; Tab completes it", "command"),
    Binding(("o",), "sort", "sort by the next column", "sort", ("hosts", "services")),
    Binding(("O",), "reverse", "sort the other way round", "", ("hosts", "services")),
    Binding(("+", "="), "zoom_in", "a shorter window of time", "zoom"),
    Binding(("-", "_"), "zoom_out", "a longer window of time"),
    Binding(("<", ","), "earlier", "go back in time by a quarter of the window", "time"),
    Binding((">", "."), "later", "go forward in time, at the end back to now"),
    Binding(("b",), "incident", "go to where the incident before began; on Host: of this host"),
    Binding(("0",), "zoom_reset", "back to now, and to the window that the program began with"),
    Binding(("p",), "pause", "hold the picture, or let it go on; in the past: let it move, or stand", "pause"),
    Binding(("y",), "scale", "each chart up to its own highest value, or one scale for charts of a kind"),
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

ASKED = (
    ("Enter", "do it"),
    ("Esc", "give it up"),
    ("Tab", "complete a command; again: the next that fits"),
    ("↑ ↓", "commands that were typed before"),
    ("Ctrl-U", "clear the line"),
    ("Ctrl-W", "take back a word"),
)
"""What keys do while a command or an answer is typed."""

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
    lines += [f"| `{key}` | {text} | while a command or an answer is typed |" for key, text in ASKED]
    return "\n".join(lines) + "\n"
