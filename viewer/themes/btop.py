"""Theme files of btop: lines such as ``theme[main_fg]="#cc"``; what they leave out stays as it is. Pure.

A colour is ``#rrggbb``, ``#gg`` (a grey), ``red green blue`` in decimals, or empty for the terminal's own. The names
are those of btop's own themes; see ``themes/`` of https://github.com/aristocratos/btop.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from viewer.palette import COLOURS, HEATS, OWN, SERIES, Colour, Role, Theme, basic
from viewer.themes.traffic import between

_LINE = re.compile(r"""theme\[([a-z0-9_]+)\]\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s#"']*))\s*(?:#.*)?\Z""")
_HEX = re.compile(r"#([0-9a-fA-F]{6}|[0-9a-fA-F]{2})\Z")

_ROLES: dict[int, tuple[str, ...]] = {
    Role.TEXT: ("main_fg",),
    Role.SOFT: ("graph_text", "inactive_fg"),
    Role.LINE: ("div_line", "cpu_box"),
    Role.TITLE: ("title",),
    Role.ACCENT: ("hi_fg",),
    Role.UP: ("cpu_start",),
    Role.WARN: ("cpu_mid",),
    Role.DOWN: ("cpu_end",),
    Role.UNKNOWN: ("proc_misc",),
    Role.STALE: ("inactive_fg",),
    Role.MEMORY: ("used_mid", "used_end", "used_start"),
    Role.SWAP: ("cached_mid", "cached_end", "cached_start"),
    Role.INWARD: ("download_mid", "download_end", "download_start"),
    Role.OUTWARD: ("upload_mid", "upload_end", "upload_start"),
}
"""Which colours of the file each role may take, the best first."""
_SERIES = ("temp_end", "download_end", "free_end", "upload_end", "cached_end", "available_end")


def read(text: str, name: str) -> tuple[Theme, list[str]]:
    """The theme in a file, and its faults as ``LINE: sentence``."""
    known: dict[str, Colour] = {}
    faults = []
    for number, line in enumerate(text.splitlines(), start=1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        match = _LINE.match(line)
        found = colour(next((part for part in match.groups()[1:] if part is not None), "")) if match else None
        if match is None:
            faults.append(f'{number}: found {line[:60]!r}, expected theme[NAME]="#rrggbb"')
        elif found is None:
            faults.append(f"{number}: theme[{match[1]}] is no colour; expected #rrggbb, #gg or three numbers to 255")
        else:
            known[match[1]] = found
    if not known and not faults:
        faults.append('1: found no line such as theme[main_fg]="#cccccc"; is this a theme of btop?')
    return _theme(name, known), faults[:20]


def colour(text: str) -> Colour | None:
    """What a value means; None for what means nothing."""
    if not text.strip():
        return OWN
    match = _HEX.match(text.strip())
    if match:
        digits = match[1] if len(match[1]) == 6 else match[1] * 3
        parts = [int(digits[place : place + 2], 16) for place in (0, 2, 4)]
    else:
        words = text.split()
        if len(words) != 3 or not all(word.isascii() and word.isdecimal() and len(word) < 4 for word in words):
            return None
        parts = [int(word) for word in words]
        if max(parts) > 255:
            return None
    return _made(parts[0], parts[1], parts[2])


def _made(red: int, green: int, blue: int) -> Colour:
    return Colour(red, green, blue, basic(red, green, blue))


def _theme(name: str, known: Mapping[str, Colour]) -> Theme:
    colours = dict(COLOURS)
    for role, names in _ROLES.items():
        found = next((known[one] for one in names if one in known and (known[one] != OWN or role < Role.UP)), None)
        if found is not None:
            colours[role] = found
    stops = [known[key] for key in ("cpu_start", "cpu_mid", "cpu_end") if known.get(key, OWN) != OWN]
    if len(stops) > 1:
        run = tuple((one.red, one.green, one.blue) for one in stops)
        colours |= {Role.HEAT0 + step: _made(*between(run, step / (HEATS - 1))) for step in range(HEATS)}
    for place, key in enumerate(_SERIES[:SERIES]):
        if known.get(key, OWN) != OWN:
            colours[Role.SERIES0 + place] = known[key]
    back = known.get("main_bg", OWN)
    marked, on = known.get("selected_bg", OWN), known.get("selected_fg", OWN)
    plain = Theme(name, colours, background=None if back == OWN else back)
    return Theme(
        name,
        colours,
        plain.bar_back if marked == OWN else marked,
        plain.bar_text if on == OWN else on,
        plain.background,
    )
