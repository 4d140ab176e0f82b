"""The two courses: more and more hosts, more and more days."""

from __future__ import annotations

import contextlib
import os
import shutil
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.databases.peer import size_of
from benchmarks.growth.roles import METRICS, Guest, ReaderRole, Role, SealerRole, WriterRole
from bus.questions import Latest, Question, SeriesText, SeriesTextAnswer, pack_question, read_answer
from bus.timing import DAY, HOUR, MINUTE, SECOND

START = 1_735_689_600 * SECOND
"""2025-01-01: where the simulated time begins."""
STEP = 10 * SECOND
DENSE = 120_000
"""Samples from which the pace is taken, of however many hosts."""
LEAST_ROWS = 24
PAST_DAYS = 7
TURNS = 40


@dataclass
class Point:
    """What it costs with so many hosts or days. Seconds are of CPU where nothing else is said; memory is in bytes."""

    size: int
    samples: int
    samples_per_s: float
    write_cpu: float
    rows_bytes: int
    seal_cpu: float = 0.0
    blocks: dict[str, int] = field(default_factory=dict)
    memory: dict[str, int] = field(default_factory=dict)
    queries: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    """(first, p50, p99) in ms by question."""

    @property
    def bytes(self) -> int:
        """On the disk when what is over is sealed."""
        return sum(self.blocks.values())


def middle(runs: Sequence[Point]) -> Point:
    """The median of each figure of several runs of one size."""
    found = Point(runs[0].size, runs[0].samples, 0.0, 0.0, 0)
    for name in ("samples_per_s", "write_cpu", "rows_bytes", "seal_cpu"):
        setattr(found, name, statistics.median([getattr(one, name) for one in runs]))
    found.blocks = {tier: round(statistics.median([one.blocks[tier] for one in runs])) for tier in runs[0].blocks}
    found.memory = {role: round(statistics.median([one.memory[role] for one in runs])) for role in runs[0].memory}
    for name in runs[0].queries:
        first, p50, p99 = (statistics.median(of) for of in zip(*(one.queries[name] for one in runs), strict=True))
        found.queries[name] = first, p50, p99
    return found


def over_hosts(hosts: int, dense: int = DENSE) -> Point:
    """A week with a value a day of each host, then ``dense`` samples of all together, 10 s apart on each host.

    The questions are asked when all is sealed but what is younger than 70 minutes, as where the sealer runs.
    """
    with _folder() as path, _role(WriterRole, path, hosts) as writer, _role(SealerRole, path) as sealer:
        begin = START + PAST_DAYS * DAY
        for day in range(PAST_DAYS):
            sealer.ask("past", START + day * DAY, hosts, 1)
        sealer.ask("seal", begin + 3 * HOUR)
        before = _blocks(path)
        rows = max(LEAST_ROWS, dense // hosts)
        end = begin + (rows - 1) * STEP
        samples, seconds, cpu = writer.ask("write", begin, STEP, rows)
        found = Point(hosts, samples, samples / seconds, cpu / (samples * METRICS / 1e6), size_of(path / "rows"))
        values, spent = sealer.ask("seal", end)
        writer.ask("remove_sealed")
        _ask(path, found, end)
        more, again = sealer.ask("seal", end + 2 * HOUR)
        found.seal_cpu = (spent + again) / ((values + more) / 1e6)
        found.blocks = {tier: size - before.get(tier, 0) for tier, size in _blocks(path).items()}
        found.memory |= {"writer": writer.peak, "sealer": sealer.peak}
        return found


def over_days(days: tuple[int, ...], hosts: int = 2) -> Iterator[Point]:
    """A sample a minute for so many days; those of ``days`` have one in ten seconds and go through the writer.

    The days before are put there as raw blocks; the sealer makes their rollups and months. What is too old is dropped
    day by day, by the rules that hold where nobody sets others.
    """
    with _folder() as path, _role(WriterRole, path, hosts) as writer, _role(SealerRole, path) as sealer:
        for day in range(max(days)):
            begin = START + day * DAY
            if day + 1 not in days:
                sealer.ask("past", begin, hosts, DAY // MINUTE)
                sealer.ask("seal", begin + DAY + 3 * HOUR)
                continue
            samples, seconds, cpu = writer.ask("write", begin, STEP, DAY // STEP)
            found = Point(day + 1, samples, samples / seconds, cpu / (samples * METRICS / 1e6), size_of(path / "rows"))
            values, spent = sealer.ask("seal", begin + DAY + 3 * HOUR)
            writer.ask("remove_sealed")
            found.seal_cpu, found.blocks = spent / (values / 1e6), _blocks(path)
            _ask(path, found, begin + DAY - STEP)
            found.memory |= {"writer": writer.peak, "sealer": sealer.peak}
            yield found


def questions(end: int) -> dict[str, Question]:
    """What is asked, of the first host, as of ``end``."""
    host, metric = "host-0", ("walk[[]0].value", "walk[0].value")
    return {
        "last 5 min": SeriesText(host, metric, end - 5 * MINUTE, end),
        "24 h at 1 min": SeriesText(host, metric, end - DAY, end, step=MINUTE),
        "30 d in 500": SeriesText(host, metric, end - 30 * DAY, end, points=500),
        "all in 500": SeriesText(host, metric, START, end, points=500),
        "latest of all": Latest("sample"),
    }


def _ask(path: Path, found: Point, end: int) -> None:
    """Ask each question so many times, each time as of a second later: a chart that is drawn again."""
    desk = path.parent / "desk"
    with _role(ReaderRole, path, desk) as reader, contextlib.closing(Guest(desk)) as guest:
        for name in questions(end):
            first, *took = [_asked(guest, questions(end - turn * SECOND)[name]) for turn in range(TURNS, -1, -1)]
            took.sort()
            found.queries[name] = first, statistics.median(took), took[int(len(took) * 0.99)]
            reader.ask("ready")
        found.memory["reader"] = reader.peak


def _asked(guest: Guest, question: Question) -> float:
    """How long the answer took, ms."""
    seconds, reply = guest.ask(pack_question(question))
    answer = read_answer(question, reply)
    if not (answer.points if isinstance(answer, SeriesTextAnswer) else answer.records):
        raise SystemExit(f"nothing answers {question}")
    return seconds * 1000


def _blocks(path: Path) -> dict[str, int]:
    folder = path / "blocks" / "sample"
    return {tier: size_of(folder / tier) for tier in ("raw", "1m", "5m", "1h") if (folder / tier).exists()}


@contextlib.contextmanager
def _role(work: type[object], *given: object) -> Iterator[Role]:
    role = Role(work, *given)
    try:
        role.ask("ready")
        yield role
    finally:
        role.close()


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="guardia-growth-", dir=os.environ.get("BENCH_DIR", "/var/tmp")))
    try:
        yield folder / "store"
    finally:
        shutil.rmtree(folder, ignore_errors=True)
