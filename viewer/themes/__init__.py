"""The drawer of themes: one file, one entry. Pure but for ``load``, which reads a theme file of btop."""

from __future__ import annotations

from pathlib import Path

from viewer.palette import OKABE, Theme
from viewer.themes import btop, grey, traffic

THEMES: dict[str, Theme] = {
    "okabe": OKABE,
    "traffic": traffic.THEME,
    "grey": grey.THEME,
}


class Unfit(ValueError):
    """There is no such theme, or its file is none; the text says what to give instead."""


def load(name: str, folder: Path = Path()) -> Theme:
    """A theme by its name, or out of a file of btop's kind; raises ``Unfit``."""
    if name in THEMES:
        return THEMES[name]
    path = folder / Path(name).expanduser()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "it is no text"
        known = ", ".join(THEMES)
        raise Unfit(f"theme {name!r}: {reason.lower()}; expected one of {known}, or a theme file of btop") from None
    found, faults = btop.read(text, path.stem)
    if faults:
        raise Unfit("\n".join(f"{path}:{fault}" for fault in faults))
    return found
