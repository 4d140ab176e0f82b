"""Prometheus's text format, as readings (https://prometheus.io/docs/instrumenting/exposition_formats/).

What a series is called and means is found out once and kept by the text before its number, which programs hardly ever
change: two thousand series are read again in a few milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from agent import distribution, series
from agent.admission import WAITS, Admission
from agent.distribution import PERCENTILES, Distribution
from agent.names import skipped
from agent.readings import Count, Reading
from agent.series import SHOWN, Unfit

LONGEST_LINE = 65_536
MOST_KEPT = 20_000
"""Series whose meaning is kept; of more it is found out each time."""
MOST_REASONS = 3
"""Reasons why something is left out that are told."""
_VALUE, _COUNT, _BUCKET, _SUM, _TIMES = range(5)
_PARTS = {"_bucket": _BUCKET, "_sum": _SUM, "_count": _TIMES}
_DISTRIBUTIONS = ("histogram", "summary")
_NEW = object()


class NotTold(Exception):
    """The answer is none; the text says why."""


class Place(NamedTuple):
    """What the number of a series is for."""

    kind: int
    name: str
    """The metric; of a part of a distribution, what stands before its field, and the family."""
    bound: float = 0.0
    """Up to which a bucket counts."""
    begin: int = 0
    """Of a part of a distribution: how much of the name stands before the field."""
    size: int = 1
    """So many metrics come of it."""


class Output(NamedTuple):
    """The readings by name, how many series there were, how many are left out, and why."""

    readings: dict[str, Reading]
    series: int
    left_out: int
    faults: list[str]


class Exposition:
    """What one program tells, answer after answer."""

    def __init__(self, group: str, keep: tuple[str, ...], skip: tuple[str, ...], most: int, now: float) -> None:
        self._group, self._keep, self._skip = group, keep, skip
        self._admission: Admission[Place] = Admission(most, now)
        self._types: dict[str, str] = {}
        self._places: dict[bytes, Place | Unfit] = {}
        self._skipped: set[bytes] = set()
        """Names that are not to be told: of what tells very much a little is wanted often."""
        self._before: dict[str, Distribution] = {}

    def read(self, pieces: Iterable[bytes], now: float) -> Output:
        """The readings in an answer that comes in pieces; raises ``NotTold`` where it is no such text."""
        self._admission.begin(now)
        answer = _Answer(self._admission)
        for line in lines(pieces):
            self._line(line, answer)
        if answer.faults and not answer.series:
            raise NotTold(f"it answers with what is no text of Prometheus's: {answer.faults[0]}")
        for place in answer.wholes:
            answer.make(place, self._before.get(place.name))
        self._before = answer.distributions
        for gone in self._admission.end(now):
            answer.readings |= dict.fromkeys(_names(gone))
        if len(self._places) > 2 * answer.series:
            self._places.clear()  # most of them are no more
        # By name: a program may tell them in another order each time, and each would be a layout of its own.
        return Output(dict(sorted(answer.readings.items())), answer.series, answer.left_out, answer.faults)

    def _line(self, line: bytes, answer: _Answer) -> None:
        key, _, number = line.rpartition(b" ")
        place = self._places.get(key, _NEW)
        if place is _NEW:
            if line.partition(b"{")[0].partition(b" ")[0] in self._skipped:
                answer.series += 1
                return
            before, _, timed = key.rpartition(b" ")  # its time may stand behind the number
            if before in self._places and _number(number) is not None:
                place, number = self._places[before], timed
        if place is _NEW:
            text = line.strip()
            if not text or text.startswith(b"#"):
                self._comment(text)
                return
            try:
                number, place = self._found(text)
            except ValueError as fault:
                answer.leave(str(fault) if isinstance(fault, Unfit) else f"{shown(text)} is no UTF-8")
                return
        value = _number(number)
        if value is None:
            answer.leave(f"{shown(line)} has no number at its end")
            return
        answer.series += 1
        if type(place) is Place:
            answer.take(place, value)
        elif place is not None:
            answer.leave(str(place))

    def _comment(self, text: bytes) -> None:
        words = text.split()
        if len(words) == 4 and words[1] == b"TYPE":
            self._learn(words[2].decode("utf-8", "replace"), words[3].decode("utf-8", "replace"))

    def _learn(self, name: str, kind: str) -> None:
        """The family ``name`` is of this type."""
        if self._types.get(name) != kind:
            if len(self._types) >= MOST_KEPT:
                self._types.clear()
            self._types[name] = kind
            if self._admission.has_told:  # what it told before may have been taken for something else
                self._places.clear()
                self._skipped.clear()

    def _found(self, text: bytes) -> tuple[bytes, Place | Unfit | None]:
        """The number in a line, and what it is for; raises ``ValueError`` for what is no series."""
        name, labels, rest = series.split(text.decode())
        # Behind the number there may be its time, and in OpenMetrics an example.
        words = rest.partition("#")[0].split()
        if not words or len(words) > 2 or (len(words) == 2 and _number(words[1].encode()) is None):
            raise Unfit(f"{shown(text)} is not a series and a number")
        try:
            place: Place | Unfit | None = self._place(name, labels)
        except Unfit as fault:
            place = fault
        if place is None:
            if len(self._skipped) < MOST_KEPT:
                self._skipped.add(name.encode())
        elif len(self._places) < MOST_KEPT:
            self._places[text[: len(text) - len(rest.encode())]] = place
        return words[0].encode(), place

    def _place(self, name: str, labels: dict[str, str]) -> Place | None:
        family, part, kind = self._family(name, labels)
        if part == "_created" or not skipped(family, self._keep) or skipped(family, self._skip):
            return None
        bound = 0.0
        field = series.per_second(name) if kind == "counter" else ""
        if kind == "summary" and "quantile" in labels:
            field = series.within(family, series.percentile(_limit(labels.pop("quantile"))))
        elif part == "_bucket":
            bound = _limit(labels.pop("le", ""))
        before = series.begin(self._group, labels, name)
        if part:
            size = len(_fields(family, kind == "histogram"))
            return Place(_PARTS[part], before + family, bound, len(before), size)
        return Place(_COUNT if kind == "counter" else _VALUE, before + (field or series.field(name)))

    def _family(self, name: str, labels: dict[str, str]) -> tuple[str, str, str]:
        """The family of a series, which part of a distribution it is or ``_created``, and the family's type."""
        kind = self._types.get(name)
        for base, part in series.bases(name):
            of = self._types.get(base)
            if part == "_created" and (of in ("counter", *_DISTRIBUTIONS) or f"{base}_total" in self._types):
                return base, part, ""  # when a counter began: some libraries tell it as a family of its own
            if kind is not None:
                continue
            if part == "_total":
                return name, "", "counter"
            if part == "_bucket" and of is None and "le" in labels:
                self._learn(base, of := "histogram")  # as some programs have no types
            if part in _PARTS and of in _DISTRIBUTIONS:
                return base, part, of
        if kind is None and "quantile" in labels:
            self._learn(name, kind := "summary")
        return name, "", kind or ""


class _Answer:
    """What was read of one answer so far."""

    def __init__(self, admission: Admission[Place]) -> None:
        self.readings: dict[str, Reading] = {}
        self.distributions: dict[str, Distribution] = {}
        self.wholes: list[Place] = []
        """A place of each distribution."""
        self.series = self.left_out = 0
        self.faults: list[str] = []
        self._admission = admission

    def leave(self, reason: str) -> None:
        """A series is left out; what waits is in order."""
        self.left_out += 1
        if reason != WAITS and len(self.faults) < MOST_REASONS and reason not in self.faults:
            self.faults.append(reason)

    def take(self, place: Place, value: float) -> None:
        """The series of this place has this value."""
        kind, name, bound, _, _ = place
        if not self._admission.took(name):
            reason = self._admission.reason(place)
            if reason is not None:
                self.leave(reason)
                return
            if kind >= _BUCKET:
                self.distributions[name] = Distribution()
                self.wholes.append(place)
        elif kind < _BUCKET:
            self.leave(f"{name} stands there twice")
            return
        if kind == _VALUE:
            self.readings[name] = value
        elif kind == _COUNT:
            self.readings[name] = Count(value)
        elif not self.distributions[name].take(bound if kind == _BUCKET else None, kind == _SUM, value):
            self.leave(f"{name} stands there twice")

    def make(self, place: Place, before: Distribution | None) -> None:
        """The metrics of a distribution, which was so ``before``."""
        now = self.distributions[place.name]
        since = distribution.grown(before, now)
        per_s = None if now.count is None else Count(now.count)
        values = (per_s, distribution.mean(since), *distribution.percentiles(since))
        for name, value in zip(_names(place), values, strict=False):
            if self.readings.setdefault(name, value) is not value:
                self.leave(f"{name} stands there twice")


def lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of what comes in pieces; raises ``NotTold`` for one that is too long.

    Many a script leaves the end of the last one out, and Prometheus reads it all the same.
    """
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        yield from whole
        if len(rest) > LONGEST_LINE:
            raise NotTold(f"it answers with a line of more than {LONGEST_LINE >> 10} kB")
    if rest:
        yield rest


def shown(text: bytes) -> str:
    """The begin of a line, harmless."""
    return repr(text[:SHOWN].decode("utf-8", "replace"))


def _names(place: Place) -> list[str]:
    """The metrics that come of a place."""
    if place.kind < _BUCKET:
        return [place.name]
    begin, family = place.name[: place.begin], place.name[place.begin :]
    return [begin + field for field in _fields(family, place.size > 2)]


def _fields(family: str, histogram: bool) -> list[str]:
    """The fields that are made of a distribution; of a summary it tells its percentiles itself."""
    names = [series.field(family, "_count_per_s"), series.within(family, "mean")]
    return names + [series.within(family, series.percentile(share)) for share in PERCENTILES if histogram]


def _limit(text: str) -> float:
    found = _number(text.encode())
    if found is None:
        raise Unfit(f"{text[:SHOWN]!r} is no bound of a distribution")
    return found


def _number(text: bytes) -> float | None:
    try:
        return float(text) if b"_" not in text else None  # which Python takes
    except ValueError:
        return None
