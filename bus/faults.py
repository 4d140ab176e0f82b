"""What is wrong with a configuration, said so that a tired person knows what to type. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from bus.harmless import safe


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: where it stands, what was found there, what was expected, what to do."""

    file: str
    place: str
    """``[store] batch_seconds``; empty where the whole file is meant."""
    line: int | None
    found: str
    expected: str
    remedy: str = ""

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        place = f" {self.place}:" if self.place else ""
        remedy = f"; {self.remedy}" if self.remedy else ""
        # What stands in the file may be anything, and is shown on a terminal.
        return safe(f"{where}:{place} found {self.found}, expected {self.expected}{remedy}")


class ConfigError(Exception):
    """The configuration cannot be used; ``faults`` are all the reasons, in the order of the file."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(faults, key=lambda fault: (fault.line is None, fault.line or 0)))
        super().__init__("\n".join(str(fault) for fault in self.faults))


@dataclass(frozen=True)
class Objection:
    """What a table has against its own values taken together; ``key`` is where the reader should look."""

    key: str
    found: str
    expected: str
    remedy: str = ""


def in_words(error: Exception) -> str:
    """What is wrong, for people: of the system's errors the file and the reason, of our own the text."""
    if not isinstance(error, OSError) or error.strerror is None:
        return str(error)
    return f"{error.filename}: {error.strerror.lower()}" if error.filename else error.strerror.lower()


LEAST_BEGIN = 3
"""A word of so many letters may be meant by one that begins with it."""


def nearest(word: str, words: Iterable[str]) -> str | None:
    """The one of ``words`` that ``word`` was probably meant to be; None where none is near."""
    by_lower, meant = {w.lower(): w for w in words}, word.lower()
    close = difflib.get_close_matches(meant, by_lower, n=1, cutoff=0.6)
    # Of what is far longer than the right word difflib says that it is not near: saturday, web-1.example.org.
    close = close or [max((w for w in by_lower if len(w) >= LEAST_BEGIN and meant.startswith(w)), key=len, default="")]
    return by_lower.get(close[0])


def did_you_mean(word: str, words: Iterable[str]) -> str:
    """``did you mean writer?``, or nothing."""
    near = nearest(word, words)
    return f"did you mean {near}?" if near else ""


MOST_NAMED = 12


def meant(word: str, words: Sequence[str]) -> str:
    """What to say to somebody who named ``word``, which is none of ``words``: the nearest, else what there is."""
    if near := did_you_mean(word, words):
        return near
    if not words:
        return "there are none"
    more = f" and {len(words) - MOST_NAMED} more" if len(words) > MOST_NAMED else ""
    return f"there are: {', '.join(words[:MOST_NAMED])}{more}"


def fitting_none(globs: Iterable[str], words: Sequence[str]) -> str:
    """The first of ``globs`` that fits none of ``words``; empty where each fits one."""
    return next((glob for glob in globs if not any(fnmatchcase(word, glob) for word in words)), "")


def listed(words: Iterable[str], last: str = "or") -> str:
    """``a, b or c``; with another ``last``, as ``and``, that before the last one."""
    *most, end = list(words)
    return f"{', '.join(most)} {last} {end}" if most else end
