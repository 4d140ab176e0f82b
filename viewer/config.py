"""What the viewer is told in ``~/.config/guardia/viewer.toml``; which hub it names stands in ``bus.hubs``.

That file is one flat table. Every fault is a sentence that says where it is and what to type instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bus import hubs
from bus.hubs import Whereabouts
from bus.settings import setting
from viewer.axis import WINDOWS, Window
from viewer.keys import SCREENS

SYMBOLS = ("auto", "braille", "block", "tty", "ascii")
UNITS = ("binary", "decimal", "bits")


@dataclass(frozen=True)
class Viewer(Whereabouts):
    """``viewer.toml``; all keys are optional."""

    refresh_interval: float = setting(
        5.0, minimum=1, maximum=3600, unit="s", help="Time between two readings of the lists."
    )
    time_window_seconds: float = setting(
        300.0, minimum=1, unit="s", help="The window that charts begin with; the next larger one is taken."
    )
    screen: str = setting(
        "auto",
        choices=("auto", *SCREENS),
        help="The screen to begin with; auto: pulse, and hosts where there is one host.",
    )
    symbols: str = setting("auto", choices=SYMBOLS, help="What charts are made of; auto: by locale and terminal.")
    theme: str = setting("okabe", help="okabe, traffic, grey, or a theme file of btop.")
    units: str = setting("binary", choices=UNITS, help="Bytes by 1,024 or 1,000; bits: 1,000, and networks in bits.")
    temperature: str = setting("celsius", choices=("celsius", "fahrenheit"), help="How degrees are counted.")
    max_metrics: int = setting(100, minimum=1, help="Accepted from older files; charts keep what their window needs.")
    debug: bool = setting(False, help="Accepted from older files; has no effect.")

    @property
    def window(self) -> Window:
        """The window that charts begin with."""
        return next((w for w in WINDOWS if w.seconds >= self.time_window_seconds), WINDOWS[-1])


def load(path: Path | None, environment: Mapping[str, str]) -> Viewer:
    """The settings in ``path``, or in the usual place where there is such a file; raises ``ConfigError``."""
    return hubs.load(Viewer, path, environment)
