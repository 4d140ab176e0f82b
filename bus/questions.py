"""What may be asked about the past, and the shape of each answer. Pure.

A question travels to the store's reader as [number, question] and its answer comes back as [number, answer],
both msgpack maps; ``ask`` names the question. Times are ns since the epoch, both ends of a range included. An
answer that could not be given is a map with ``error``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgpack

from bus.fields import Unfit, build, names_of, plain

MAX_RECORDS = 10_000
MAX_POINTS = 10_000
AGGREGATES = ("mean", "min", "max", "last", "count")


@dataclass(frozen=True, slots=True)
class Subjects:
    """Which subjects have records of ``kind``."""

    kind: str


@dataclass(frozen=True, slots=True)
class Subject:
    """One subject; ``received`` is when the collector received its newest record, which may be an ``imported`` one."""

    subject: str
    first_at: int
    last_at: int
    received: int
    imported: bool = False


@dataclass(frozen=True, slots=True)
class SubjectList:
    """The answer to ``Subjects``, by name."""

    subjects: tuple[Subject, ...]


@dataclass(frozen=True, slots=True)
class Latest:
    """The newest record of ``kind`` of each of these subjects; of all without ``subjects``."""

    kind: str
    subjects: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Range:
    """The newest ``limit`` records between two times; of one instant, where these are one, after ``skip`` newer."""

    kind: str
    subject: str
    start: int
    end: int
    limit: int = 1000
    skip: int = 0


@dataclass(frozen=True, slots=True)
class Stored:
    """One record as it came on the wire, and when the collector received it."""

    received: int
    record: bytes


@dataclass(frozen=True, slots=True)
class Records:
    """The answer to ``Latest`` (by subject) and ``Range`` (oldest first)."""

    records: tuple[Stored, ...]


@dataclass(frozen=True, slots=True)
class Layouts:
    """The names behind these layout ids."""

    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LayoutNames:
    """The answer to ``Layouts``; an id that nobody announced is absent."""

    layouts: dict[int, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Series:
    """Metrics of a host that match any of the globs ``metrics``, in at most ``points`` steps of equal length.

    ``[`` and ``]`` in a glob stand for themselves; ``*`` and ``?`` are wild. ``step`` (ns) names the length of a step
    instead; it is made longer when there would be more than ``MAX_POINTS`` of them. Of the ``aggregates`` those that
    nobody asked for are left out of the answer.
    """

    subject: str
    metrics: tuple[str, ...]
    start: int
    end: int
    points: int = 300
    step: int | None = None
    aggregates: tuple[str, ...] = AGGREGATES


@dataclass(frozen=True, slots=True)
class SeriesText(Series):
    """The same, answered as the JSON that clients read: a worker that hands it on need not look at the numbers."""


@dataclass(frozen=True, slots=True)
class Column:
    """One metric, a value per step; None where the step has no reading. ``count`` is of readings.

    An aggregate that nobody asked for is empty.
    """

    metric: str
    mean: tuple[float | None, ...]
    min: tuple[float | None, ...]
    max: tuple[float | None, ...]
    last: tuple[float | None, ...]
    count: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SeriesAnswer:
    """``times`` are the starts of the steps, ``step`` their length; ``coverage`` is the share of the range measured.

    ``tier`` names what was read, the coarsest first, joined by ``+``: ``1h``, ``5m``, ``1m`` (rollups), ``blocks``,
    ``rows``.
    """

    times: tuple[int, ...]
    step: int
    tier: str
    coverage: float
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class SeriesTextAnswer:
    """``text`` is ``{"times": [...], "series": [{"metric", "unit", "mean" ...}, ...]}``, times in ms.

    It is of so many ``metrics`` and ``points``; all else is as in ``SeriesAnswer``.
    """

    step: int
    tier: str
    coverage: float
    metrics: int
    points: int
    text: bytes


@dataclass(frozen=True, slots=True)
class Availability:
    """How long a service was up, degraded, down or unknown from ``start`` on and before ``end``.

    A check's verdict holds until the next one from the same place, but no longer than ``horizon`` (ns); after that
    it is unknown. ``apart`` are maintenance windows, begin and end by turns.
    """

    subject: str
    start: int
    end: int
    horizon: int
    apart: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """How long (ns) each state held as seen from a ``place``; empty: from the hub."""

    place: str = ""
    up: int = 0
    degraded: int = 0
    down: int = 0
    unknown: int = 0
    maintenance: int = 0


@dataclass(frozen=True, slots=True)
class AvailabilityAnswer:
    """``whole`` is as most places saw it, ``outages`` when that was down, begin and end by turns."""

    checks: int
    whole: Held
    places: tuple[Held, ...]
    outages: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Statistics:
    """What the store holds and has done."""


@dataclass(frozen=True, slots=True)
class StoreStatistics:
    """The answer to ``Statistics``; ``records`` and ``deleted`` are counts by kind since the store was made."""

    records: dict[str, int] = field(default_factory=dict)
    deleted: dict[str, int] = field(default_factory=dict)
    commits: int = 0
    bytes: int = 0
    partitions: int = 0
    last_cleanup: int | None = None
    last_commit: int | None = None
    generation: int = 0
    tiers: dict[str, tuple[int, int, int, int]] = field(default_factory=dict)
    """What is sealed, by ``kind/tier``: files, bytes, from, to (ns)."""
    lacking: str = ""
    """What answers lack for now, in a sentence, as an archive whose disk is not mounted."""
    returning: int = 0
    """Of ``bytes`` those of rows that are to be sealed by now, or are sealed and about to go."""
    missing: dict[str, int] = field(default_factory=dict)
    """Records by kind that could not be read any more when the others of their hour or day were sealed."""


@dataclass(frozen=True, slots=True)
class Holdings:
    """The same, how long it is kept, and how large it will become."""


@dataclass(frozen=True, slots=True)
class HoldingsAnswer:
    """``lines`` are (kind, tier, files, bytes, days held, days kept, bytes when full); ``most`` bytes, if not 0."""

    held: StoreStatistics
    lines: tuple[tuple[str, str, int, int, float, float, int], ...]
    most: int


@dataclass(frozen=True, slots=True)
class Gaps:
    """What became of the messages of ``source`` (None: of every producer) since ``start`` (None: ever)."""

    source: str | None = None
    start: int | None = None


@dataclass(frozen=True, slots=True)
class GapEntry:
    """An entry of the ledger: the numbers ``first`` to ``last`` of an epoch; found again when ``reason`` says so."""

    at: int
    epoch: int
    first: int
    last: int
    reason: str


@dataclass(frozen=True, slots=True)
class Accounted:
    """What became of one producer's messages from ``since`` until now.

    ``sent`` counts the numbers that the producer gave, ``waiting`` those of them that have neither come nor been
    given up, whenever they were sent. ``reasons`` adds up the ledger, of which ``entries`` are the newest.
    """

    source: str
    since: int
    seen: int
    sent: int
    stored: int
    duplicates: int
    rejected: int
    lost: int
    waiting: int
    reasons: dict[str, int] = field(default_factory=dict)
    entries: tuple[GapEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class GapsAnswer:
    """The answer to ``Gaps``, by name."""

    producers: tuple[Accounted, ...]


Question = Subjects | Latest | Range | Layouts | Series | SeriesText | Availability | Statistics | Holdings | Gaps
ANSWERS: dict[type[Any], type[Any]] = {
    Subjects: SubjectList,
    Latest: Records,
    Range: Records,
    Layouts: LayoutNames,
    Series: SeriesAnswer,
    SeriesText: SeriesTextAnswer,
    Availability: AvailabilityAnswer,
    Statistics: StoreStatistics,
    Holdings: HoldingsAnswer,
    Gaps: GapsAnswer,
}
QUESTIONS: dict[str, type[Any]] = {question.__name__: question for question in ANSWERS}
A = TypeVar("A")


class Unanswered(Exception):
    """The store could not answer; the text says why."""


class TooMuch(Unanswered, Unfit):
    """The answer would be too large: who asks for less gets one. The store raises it, and then whoever asked it."""


def pack_question(question: Any) -> bytes:
    """The bytes of a question, to the store or to another program."""
    told = {"ask": type(question).__name__, **{name: getattr(question, name) for name in names_of(question.__class__)}}
    return msgpack.packb(told, default=plain)  # type: ignore[no-any-return]


def read_question(data: bytes) -> Question:
    """The question in ``data``; raises ``Unfit`` when it is none."""
    return question_in(data, QUESTIONS, most=100_000)  # type: ignore[no-any-return]


def question_in(data: bytes, known: Mapping[str, type[Any]], *, most: int) -> Any:
    """One of the ``known`` questions, whose lists have ``most`` items at most; raises ``Unfit``."""
    try:
        value = msgpack.unpackb(data, strict_map_key=False, max_array_len=most, max_map_len=256)
    except (ValueError, TypeError, msgpack.UnpackException, RecursionError) as error:
        raise Unfit(f"no msgpack: {error}") from None
    name = value.get("ask") if type(value) is dict else None
    if type(name) is not str or name not in known:
        raise Unfit(f"nobody knows the question {str(name)[:40]!r}")
    return build(known[name], value, name)


def pack_answer(answer: Any) -> bytes:
    """The bytes of an answer."""
    return msgpack.packb(_plain(answer))  # type: ignore[no-any-return]


def pack_refusal(text: str, *, much: bool = False) -> bytes:
    """The bytes that make ``read_answer`` raise ``Unanswered(text)``, or with ``much`` ``TooMuch(text)``."""
    return msgpack.packb({"error": text, "much": True} if much else {"error": text})  # type: ignore[no-any-return]


def read_answer(question: Question, data: bytes) -> Any:
    """The answer of the type that belongs to ``question``; raises ``Unanswered``."""
    # Our own reader made it, on this machine: its lists may be as long as the question allowed.
    value = msgpack.unpackb(data, strict_map_key=False, use_list=False)
    if type(value) is dict and "error" in value:
        raise (TooMuch if value.get("much") else Unanswered)(value["error"])
    return _READERS[ANSWERS[type(question)]](value)


def _plain(answer: Any) -> Any:
    if isinstance(answer, Records):
        return {"records": [(stored.received, stored.record) for stored in answer.records]}
    if isinstance(answer, SubjectList):
        return {"subjects": [(s.subject, s.first_at, s.last_at, s.received, s.imported) for s in answer.subjects]}
    if isinstance(answer, SeriesAnswer):
        columns = [(c.metric, c.mean, c.min, c.max, c.last, c.count) for c in answer.columns]
        told = {"times": answer.times, "step": answer.step, "tier": answer.tier, "coverage": answer.coverage}
        return {**told, "columns": columns}
    if isinstance(answer, SeriesTextAnswer):
        return (answer.step, answer.tier, answer.coverage, answer.metrics, answer.points, answer.text)
    return plain(answer)


_READERS: dict[type[Any], Any] = {
    SubjectList: lambda value: SubjectList(tuple(Subject(*row) for row in value["subjects"])),
    Records: lambda value: Records(tuple(Stored(*row) for row in value["records"])),
    LayoutNames: lambda value: LayoutNames(value["layouts"]),
    SeriesAnswer: lambda value: SeriesAnswer(
        value["times"],
        value["step"],
        value["tier"],
        value["coverage"],
        tuple(Column(*column) for column in value["columns"]),
    ),
    SeriesTextAnswer: lambda value: SeriesTextAnswer(*value),
    AvailabilityAnswer: lambda value: AvailabilityAnswer(
        value["checks"],
        Held(**value["whole"]),
        tuple(Held(**place) for place in value["places"]),
        value["outages"],
    ),
    StoreStatistics: lambda value: StoreStatistics(**value),
    HoldingsAnswer: lambda value: HoldingsAnswer(StoreStatistics(**value["held"]), value["lines"], value["most"]),
    GapsAnswer: lambda value: GapsAnswer(
        tuple(
            Accounted(**{**row, "entries": tuple(GapEntry(**entry) for entry in row["entries"])})
            for row in value["producers"]
        )
    ),
}
