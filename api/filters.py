"""What a query string asks for: times, limits, globs, flags. Pure.

Every fault is a ``BadParameter`` that names the parameter and says what was expected.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import parse_qsl

from bus import timing
from bus.timing import SECOND

MAX_FIELDS = 100
MAX_GLOBS = 50
MAX_GLOB = 200
MAX_METRIC = 300
"""Of a pattern that may be the whole name of a metric, of which the longest has 291 characters."""
_LAST = 2**63 - 1
_MILLISECONDS_FROM = 100_000_000_000
"""Epoch numbers from here on are milliseconds: as seconds they would lie beyond the year 5138."""

_PLAIN = re.compile(r"\d{1,12}(\.\d{1,9})?\Z", re.ASCII)
_NUMBER = re.compile(r"(\d{1,19})(?:\.(\d{1,9})\d*)?\Z", re.ASCII)
_INSTANT = re.compile(
    r"(\d{4}-\d\d-\d\d)"
    r"(?:[Tt ](\d\d:\d\d)(?::(\d\d)(?:[.,](\d{1,9})\d*)?)?"
    r"(?:([Zz])|([-+ ])(\d\d):?(\d\d))?)?\Z",
    re.ASCII,
)
NO_TIME = "no time; write 2026-01-31T12:00:00Z, epoch seconds or milliseconds, or 7d back from now"


class BadParameter(ValueError):
    """A parameter that cannot be obeyed; the text is for the person who typed it."""

    def __init__(self, parameter: str, text: str) -> None:
        super().__init__(f"{parameter}: {text}")
        self.parameter = parameter


@lru_cache(maxsize=256)
def _values(query_string: str) -> Mapping[str, list[str]]:
    """The values by name: a page asks for the same again and again. Raises ValueError when there are too many."""
    found: dict[str, list[str]] = {}
    for name, value in parse_qsl(query_string, keep_blank_values=True, max_num_fields=MAX_FIELDS):
        found.setdefault(name, []).append(value)
    return found


class Query:
    """The parameters of one request. Unknown ones are ignored, repeated single ones refused."""

    def __init__(self, query_string: str) -> None:
        try:
            self._values = _values(query_string)
        except ValueError:
            raise BadParameter("query", f"more than {MAX_FIELDS} parameters") from None

    def text(self, name: str) -> str | None:
        """The value of ``name``; None when it is not there."""
        values = self._values.get(name)
        if values is None:
            return None
        if len(values) > 1:
            raise BadParameter(name, f"given {len(values)} times, expected once")
        return values[0]

    def moment(self, name: str, now: int) -> int | None:
        """A time in ns since the epoch, which may be told as a length back from ``now``; None when it is not there."""
        text = self.text(name)
        return None if text is None else parse_moment(text, name, now)

    def time(self, name: str, default: int, now: int) -> int:
        """The same; ``default`` when it is not there."""
        found = self.moment(name, now)
        return default if found is None else found

    def span(self, lasting: int, now: int) -> tuple[int, int]:
        """``start`` and ``end``; what is not there is ``now``, and so long (ns) before the end."""
        end = self.time("end", now, now)
        return self.time("start", max(0, end - lasting), now), end

    def limit(self, name: str, default: int, most: int, *, of: str = "") -> int:
        """A count, of which more than ``most`` is cut to ``most``; ``of`` names what shows nothing where it is 0."""
        text = self.text(name)
        if text is None:
            return default
        if not text.isascii() or not text.isdigit():
            raise BadParameter(name, f"{text[:40]!r} is no whole number of 0 or more")
        found = most if len(text) > 18 else min(int(text), most)
        if of and found == 0:
            raise BadParameter(name, f"0 {of} show nothing; expected 1 or more")
        return found

    def duration(self, name: str) -> int | None:
        """A length of time in ns, more than none: ``5m``, ``90s`` or seconds; None when it is not there."""
        text = self.text(name)
        if text is None:
            return None
        try:
            seconds = float(text) if _PLAIN.match(text) else timing.seconds(text)
        except ValueError:
            seconds = 0.0
        if not 1e-9 <= seconds <= _LAST / SECOND:
            raise BadParameter(name, f"{text[:40]!r} is no length of time such as 30s, 5m, 1h or seconds")
        return round(seconds * SECOND)

    def word(self, name: str, allowed: Sequence[str], default: str) -> str:
        """One of the words ``allowed``."""
        text = self.text(name)
        if text is None:
            return default
        if text not in allowed:
            raise BadParameter(name, f"{text[:40]!r} is none of {', '.join(allowed)}")
        return text

    def flag(self, name: str) -> bool:
        """Whether ``name`` is on: ``true``, ``1`` or nothing behind it."""
        text = self.text(name)
        if text is None or text in ("false", "0", "no"):
            return False
        if text in ("", "true", "1", "yes"):
            return True
        raise BadParameter(name, f"{text[:40]!r} is neither true nor false")

    def globs(
        self, name: str, *, most: int = MAX_GLOBS, longest: int = MAX_GLOB, commas: bool = False
    ) -> tuple[str, ...]:
        """The patterns of ``name``, which may be repeated, or with ``commas`` written with these between them."""
        values = self._parts(name) if commas else self._values.get(name, [])
        if len(values) > most:
            raise BadParameter(name, f"{len(values)} patterns, at most {most}")
        for value in values:
            if not 0 < len(value) <= longest:
                raise BadParameter(name, f"a pattern of {len(value)} characters, expected 1 to {longest}")
        return tuple(values)

    def texts(self, name: str, most: int) -> tuple[str, ...]:
        """The values of ``name``, which may be repeated or written with commas between them."""
        found = self._parts(name)
        if len(found) > most:
            raise BadParameter(name, f"{len(found)} of them, at most {most}")
        return tuple(found)

    def words(self, name: str, allowed: Iterable[str], default: frozenset[str]) -> frozenset[str]:
        """Words separated by commas, each one of ``allowed``; ``*`` stands for all of them."""
        found = frozenset(self._parts(name))
        if not found:
            return default
        allowed = frozenset(allowed)
        if found == {"*"}:
            return allowed
        for word in sorted(found):
            if word not in allowed:
                raise BadParameter(name, f"{word[:40]!r} is none of {', '.join(sorted(allowed))}")
        return found

    def _parts(self, name: str) -> list[str]:
        return [part for value in self._values.get(name, []) for part in value.split(",") if part]


def parse_moment(text: str, parameter: str, now: int) -> int:
    """As ``parse_time``; or ``now`` less a length: ``7d``, which may be written ``-7d`` and ``now-7d``, or ``now``."""
    told = text.strip()
    if told == "now":
        return now
    with suppress(ValueError):
        return max(0, now - round(timing.back(told) * SECOND))
    return parse_time(text, parameter)


def parse_time(text: str, parameter: str) -> int:
    """Nanoseconds since the epoch.

    RFC 3339 with any offset; a blank may stand for the ``T`` and for the ``+`` that nobody escaped; without an
    offset it is UTC. A bare number is epoch seconds, or milliseconds from 100,000,000,000 on.
    """
    text = text.strip()
    number = _NUMBER.match(text)
    found = _from_number(*number.groups()) if number else _from_instant(text)
    if found is None:
        raise BadParameter(parameter, f"{text[:60]!r} is {NO_TIME}")
    if not 0 <= found <= _LAST:
        raise BadParameter(parameter, f"{text[:60]!r} is outside 1970 to 2262")
    return found


def _from_number(whole: str, fraction: str | None) -> int:
    unit = SECOND // 1000 if int(whole) >= _MILLISECONDS_FROM else SECOND
    return int(whole) * unit + int((fraction or "0").ljust(9, "0")) * unit // SECOND


def _from_instant(text: str) -> int | None:
    match = _INSTANT.match(text)
    if match is None:
        return None
    day, clock, second, fraction, _, sign, hours, minutes = match.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{clock or '00:00'}:{second or '00'}").replace(tzinfo=UTC)
    except ValueError:
        return None
    offset = (int(hours) * 3600 + int(minutes) * 60) if sign else 0
    if offset > 24 * 3600:
        return None
    seconds = int(moment.timestamp()) - (-offset if sign == "-" else offset)
    return seconds * SECOND + int((fraction or "0").ljust(9, "0"))


def matches(glob: str, name: str) -> bool:
    """Whether ``name`` fits ``glob``: ``*`` is any run of characters, ``?`` any one, all else is itself.

    Whatever the pattern, it takes some microseconds: both may be made to be slow, and a request may compare thousands.
    """
    if "?" in glob:
        return _pattern(glob).match(name) is not None
    head, *parts = glob.split("*")
    if not parts:
        return glob == name
    *parts, tail = parts
    at, end = len(head), len(name) - len(tail)
    if at > end or not (name.startswith(head) and name.endswith(tail)):
        return False
    for part in parts:  # where each is first found leaves the most room for those after it
        at = name.find(part, at, end)
        if at < 0:
            return False
        at += len(part)
    return True


@lru_cache(maxsize=1024)
def _pattern(glob: str) -> re.Pattern[str]:
    # A translated one does not go back beyond a star.
    return re.compile(fnmatch.translate(re.sub(r"([\[\]])", r"[\1]", glob)))


def matcher(globs: tuple[str, ...]) -> Callable[[str], bool]:
    """A test for names that fit any of ``globs``, all names without one; it remembers its answers."""
    if not globs:
        return lambda name: True

    @lru_cache(maxsize=20_000)
    def fits(name: str) -> bool:
        return any(matches(glob, name) for glob in globs)

    return fits
