"""Text from anywhere, cut into cells that a terminal can be trusted with. Pure.

What a host calls itself is not ours: control characters, C1, characters that turn the writing direction and halves of
characters are shown as replacements, so that they can neither act nor hide; what has no width is left out.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from wcwidth import wcwidth

REPLACEMENT = "�"
TURNING = frozenset(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C)))
"""Characters that turn the writing direction."""

_PLAIN = str.maketrans(
    {
        **dict.fromkeys("╭╮╰╯┬┴├┤┼", "+"),
        **dict.fromkeys("─╌┄╴╶╺", "-"),
        **dict.fromkeys("━╸", "="),
        **dict.fromkeys("│┊┆╎", "|"),
        **dict.fromkeys("▶▸›→", ">"),
        **dict.fromkeys("◀◂‹←", "<"),
        **dict.fromkeys("↓▼▾", "v"),
        **dict.fromkeys("↑▲▴", "^"),
        "●": "*",
        "◆": "!",
        "■": "#",
        "◇": "~",
        **dict.fromkeys("○□◌", "o"),
        "–": "-",
        "—": "-",
        "·": "-",
        "…": "~",
        "°": " ",
        "×": "x",
        "µ": "u",
        "✕": "x",
        "✓": "*",
        "▏": "_",
        "█": "#",
        "░": "/",
        **dict.fromkeys("▒▓", ":"),
        "▀": "'",
        "▄": ".",
    }
)

_CONSOLE = str.maketrans(
    {
        **dict(zip("╭╮╰╯", "┌┐└┘", strict=True)),
        **dict.fromkeys("╌┄╴╶╺", "─"),
        **dict.fromkeys("━╸", "■"),
        **dict.fromkeys("┊┆╎", "│"),
        **dict.fromkeys("▶▸›", "►"),
        **dict.fromkeys("◀◂‹", "◄"),
        **dict.fromkeys("●", "•"),
        "◆": "♦",
        "◇": "≈",
        **dict.fromkeys("◦□◌", "○"),
        **dict.fromkeys("–—", "-"),
        "▾": "▼",
        "▴": "▲",
        "…": "~",
        "×": "x",
        "✕": "x",
        "▏": "_",
    }
)
_CODE_PAGE = frozenset(
    "☺☻♥♦♣♠•◘○◙♂♀♪♫☼►◄↕‼¶§▬↨↑↓→←∟↔▲▼ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧"
    "╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■"
)
"""The characters of code page 437 beyond ASCII: what a console's font has wherever one looks."""


@lru_cache(maxsize=8192)
def cells(text: str) -> tuple[str, ...]:
    """The cells of ``text``: one character each, a wide character followed by an empty cell."""
    if text.isascii() and text.isprintable():
        return tuple(text)
    found: list[str] = []
    for character in unicodedata.normalize("NFC", text):
        width = wcwidth(character)
        if width < 0 or character in TURNING or character in "\u2028\u2029\x7f" or "\ud800" <= character <= "\udfff":
            found.append(REPLACEMENT)
        elif width == 1:
            found.append(character)
        elif width == 2:
            found += (character, "")
    return tuple(found)


@lru_cache(maxsize=8192)
def plain_cells(text: str) -> tuple[str, ...]:
    """The same for a terminal that knows ASCII only: drawing characters become their cousins, others ``?``."""
    found = cells(text.translate(_PLAIN))
    return tuple(character if character.isascii() else "?" for character in found if character)


@lru_cache(maxsize=8192)
def console_cells(text: str) -> tuple[str, ...]:
    """The same for a text console, whose font has 256 characters."""
    found = cells(text.translate(_CONSOLE))
    return tuple(c if c.isascii() or c in _CODE_PAGE else "?" for c in found if c)


def width(text: str) -> int:
    """How many columns ``text`` takes."""
    return len(text) if text.isascii() and text.isprintable() else len(cells(text))


def fit(text: str, room: int) -> str:
    """``text`` in at most ``room`` columns, its end made ``…`` where it is longer. For words, not numbers."""
    if len(text) <= room and text.isascii() and text.isprintable():
        return text
    found = cells(text)
    if len(found) <= room:
        return "".join(found)
    if room <= 0:
        return ""
    kept = list(found[: room - 1])
    if kept and found[len(kept)] == "":
        kept.pop()  # the other half of a wide character would be left
    return "".join(kept).rstrip() + "…"


def fit_end(text: str, room: int) -> str:
    """``text`` in at most ``room`` columns, its beginning made ``…`` where it is longer. For paths, which end apart."""
    found = cells(text)
    if len(found) <= room:
        return "".join(found)
    if room <= 0:
        return ""
    kept = found[len(found) - room + 1 :]
    # The other half of a wide character would be left.
    return "…" + "".join(kept if not kept or kept[0] else (" ", *kept[1:]))


def wrapped(text: str, room: int) -> list[str]:
    """``text`` in lines of at most ``room`` columns, broken between words where it can be."""
    found: list[str] = []
    line = ""
    for word in "".join(cells(text)).split(" "):
        if line and width(line) + 1 + width(word) <= room:
            line += f" {word}"
            continue
        if line:
            found.append(line)
        while width(word) > room > 1:
            piece = "".join(cells(word)[:room])
            if width(piece) > room:
                piece = piece[:-1]  # the other half of a wide character would be left
            found.append(piece)
            word = word[len(piece) :]
        line = word
    return [*found, line] if line or not found else found
