"""What the commands take as arguments, as types for ``argparse``."""

from __future__ import annotations

import argparse

from bus import timing


def duration(text: str) -> float:
    """The seconds that ``text`` means, as ``30s`` or ``7d``."""
    try:
        return timing.seconds(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
