"""How pictures look: by flags, then the settings, then what the locale and the terminal can be trusted with."""

from __future__ import annotations

import argparse
import locale
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from viewer.charts import Glyphs
from viewer.config import SYMBOLS, UNITS, Viewer
from viewer.palette import Theme
from viewer.scene import Look
from viewer.themes import load
from viewer.units import Units

_SETS: dict[str, Glyphs] = {"braille": "braille", "block": "block", "tty": "tty"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What flags ask for; None where they leave it to the settings."""

    symbols: str | None = None
    units: str | None = None
    fahrenheit: bool = False

    @classmethod
    def of(cls, given: argparse.Namespace) -> Wanted:
        """Out of the parsed arguments."""
        return cls("ascii" if given.ascii else given.symbols, given.units, given.fahrenheit)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The flags about looks."""
    parser.add_argument("--symbols", choices=SYMBOLS, help="what charts are made of")
    parser.add_argument("--theme", metavar="NAME", help="okabe, traffic, grey, or a theme file of btop")
    parser.add_argument(
        "--units", choices=UNITS, help="bytes by 1,024 or by 1,000; bits: by 1,000, and networks in bits per second"
    )
    parser.add_argument("--fahrenheit", action="store_true", help="temperatures in Fahrenheit")


def look(settings: Viewer, environment: Mapping[str, str], codeset: str, wanted: Wanted) -> Look:
    """Which characters and units are drawn."""
    kind = wanted.units or settings.units
    units = Units(kind != "binary", kind == "bits", wanted.fahrenheit or settings.temperature == "fahrenheit")
    symbols = wanted.symbols or settings.symbols
    if symbols == "ascii" or codeset.lower().replace("-", "") != "utf8":
        return Look("ascii", plain=True, units=units)
    if symbols == "auto":
        # The fonts of a text console have 256 characters, and braille is not among them.
        symbols = "tty" if environment.get("TERM") == "linux" else "braille"
    return Look(_SETS[symbols], console=symbols == "tty", units=units)


def theme(settings: Viewer, wanted: str | None, folder: Path) -> Theme:
    """The theme by flag or setting, a file beside the settings where it is one; raises ``themes.Unfit``."""
    return load(settings.theme, folder) if wanted is None else load(wanted)


def encoding() -> str:
    """What the terminal reads, by its locale."""
    try:
        locale.setlocale(locale.LC_CTYPE, "")
    except locale.Error:
        return "ascii"
    return locale.nl_langinfo(locale.CODESET)
