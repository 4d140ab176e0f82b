"""What the commands take as arguments: how a mistake in them is told, and types for ``argparse``."""

from __future__ import annotations

import argparse
import re
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

from bus import timing
from bus.faults import did_you_mean, listed

CONFIG = "the configuration (default: GUARDIA_CONFIG or etc/guardia.toml)"
"""What ``--config`` of most commands is."""
MISUSED = 100
DAY = timedelta(days=1)
_CLOCK = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d))?Z?\Z", re.ASCII)
HUBS = ("--hub", "--url", "-u")
"""How commands are told which hub to ask (``bus.hubs``)."""


class Parser(argparse.ArgumentParser):
    """A mistake is told in one line, with the word that was probably meant; the exit code is 100."""

    def __init__(self, *args: Any, at_home: str = "", **given: Any) -> None:
        """``at_home`` says why the command asks no hub of another machine, for who gives it ``--hub`` all the same."""
        super().__init__(*args, **given)
        self._at_home = at_home
        # A length back from now is no flag: --since -7d.
        self._negative_number_matcher = re.compile(r"-\d[\w. ]*\Z")
        # Descriptions are docstrings, whose marks nobody needs on a terminal.
        self.description = self.description and self.description.replace("``", "")

    def error(self, message: str) -> NoReturn:
        """End with a line that says what is wrong."""
        kind, _, words = message.partition(": ")
        if kind == "unrecognized arguments":
            wrong = next((word for word in words.split() if word.startswith("-")), "").partition("=")[0]
            if self._at_home and wrong in HUBS:
                self.exit(MISUSED, f"{self.prog}: {wrong} is not for this command: {self._at_home}\n")
            meant = did_you_mean(wrong, self._option_string_actions) if wrong else ""
            message = f"{words} is not understood" + (f"; {meant}" if meant else "")
        self.exit(MISUSED, f"{self.prog}: {message}; see {self.prog} --help\n")

    def _get_value(self, action: argparse.Action, arg_string: str) -> Any:
        if action.type in (int, float):
            try:
                return super()._get_value(action, arg_string)
            except argparse.ArgumentError:
                wanted = "a whole number" if action.type is int else "a number"
                raise argparse.ArgumentError(action, f"found {arg_string!r}, expected {wanted}") from None
        return super()._get_value(action, arg_string)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            words = [str(choice) for choice in action.choices]
            meant = did_you_mean(str(value), words)
            raise argparse.ArgumentError(
                action, f"found {value!r}, expected {listed(words)}" + (f"; {meant}" if meant else "")
            )


def duration(text: str) -> float:
    """The seconds that ``text`` means, as ``30s`` or ``7d``."""
    try:
        return timing.seconds(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def back(text: str) -> float:
    """The seconds that ``text`` lies back from now, as ``7d`` or ``-7d``."""
    try:
        return timing.back(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def instant(text: str) -> int:
    """A time that a person wrote, as ns; without a zone it is UTC, without a day it is the last one that was."""
    with suppress(ValueError):
        return max(0, time.time_ns() - int(timing.back(text) * 1e9))
    now = datetime.now(UTC)
    at = _written(text, now, "2h back from now")
    return _ns(at - DAY if at > now and _CLOCK.match(text) else at, text)


def coming(text: str) -> int:
    """A time to come that a person wrote, as ns; without a zone it is UTC, without a day it is the next one."""
    with suppress(ValueError):
        return time.time_ns() + int(timing.seconds(text) * 1e9)
    now = datetime.now(UTC)
    at = _written(text, now, "2h from now")
    return _ns(at + DAY if at < now and _CLOCK.match(text) else at, text)


def _written(text: str, now: datetime, length: str) -> datetime:
    try:
        if found := _CLOCK.match(text):
            return now.replace(hour=int(found[1]), minute=int(found[2]), second=int(found[3] or 0), microsecond=0)
        at = datetime.fromisoformat(text)
    except ValueError:
        said = f"{text!r} is no time such as 2024-05-01T12:00Z, 12:00 or {length}"
        raise argparse.ArgumentTypeError(said) from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _ns(at: datetime, text: str) -> int:
    found = int(at.timestamp()) * 1_000_000_000
    if not 0 <= found < 2**63:  # what travels is a number of 64 bits
        raise argparse.ArgumentTypeError(f"{text!r} is outside 1970 to 2262")
    return found
