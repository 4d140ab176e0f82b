"""Questions over HTTP while 10,000 samples a second of 1,000 hosts come in: Guardia, VictoriaMetrics, Prometheus."""

from __future__ import annotations

import contextlib
import json
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import requests

from benchmarks.databases import load, prometheus, victoriametrics
from benchmarks.databases.client import Line, cpu_seconds, got, pushed
from benchmarks.databases.data import Readings
from benchmarks.databases.fleet import HOSTS, LONG, NAMES, Load, Sent, long_history, openmetrics, recent_history
from benchmarks.databases.past import stored
from benchmarks.databases.peer import Peer, running
from benchmarks.hub import hub

METRIC = NAMES[0]
DAY, MONTH = 86_400, 30 * 86_400
STEP_30_DAYS = 7200
"""Seconds: the shortest round step with which thirty days are no more than 500 points."""
QUESTIONS = (
    "last 5 min of one metric",
    "24 h at 1 min",
    "30 d in at most 500 points",
    "latest of 1,000 hosts, one metric",
    "top 10 of 1,000 hosts",
    "latest of 1,000 hosts, all 60 metrics",
)
RANGES = QUESTIONS[:3]
"""They end at the second that it is: of those within it only the first is another question than the one before."""
SELDOM = QUESTIONS[-1]
SELDOM_SHARE = 0.2
"""The longest answer is asked for when no more of the time than this went into it."""
WARM_TURNS = 3

Asked = Callable[[float], bytes]
"""The request for a question at a time, seconds."""
Count = Callable[[Any], int]


class Watch(Protocol):
    """How much time is left."""

    def left(self) -> float: ...

    def say(self, text: str) -> None: ...

    def tried(self, name: str, work: Callable[[], Answers]) -> Answers | None: ...


@dataclass
class Answers:
    """What one database showed."""

    name: str
    sent: Sent
    cores: float
    """CPU that its programs used meanwhile, of one core."""
    turns: int
    took: dict[str, list[float]] = field(default_factory=dict)
    """ms of each question."""
    firsts: dict[str, list[float]] = field(default_factory=dict)
    """The same of those that were not put just before."""

    def cell(self, question: str) -> str:
        """p50 and p99 for a table."""
        return self._cell(self.took.get(question, []))

    def cell_of_firsts(self, question: str) -> str:
        """The same of those that were not put just before."""
        return self._cell(self.firsts.get(question, []))

    @staticmethod
    def _cell(took: Sequence[float]) -> str:
        found = sorted(took)
        if not found:
            return ""
        return f"{statistics.median(found):.2f} / {found[int(len(found) * 0.99)]:.1f}"


@dataclass(frozen=True)
class Served:
    """A database that is up and holds the history."""

    name: str
    port: int
    pids: Callable[[], Sequence[int]]
    requests: dict[str, Asked]
    points: dict[str, Count]
    load: Load


Serve = Callable[[Readings, Readings, float], contextlib.AbstractContextManager[Served]]


def measured(watch: Watch, names: Sequence[str], *, quick: bool) -> str:
    """The table."""
    now_ms = int(time.time()) // 10 * 10_000
    seconds = 8.0 if quick else 30.0
    long, recent = long_history(now_ms), recent_history(now_ms)
    watch.say("history is made")
    found = []
    served: dict[str, Serve] = {"ours": ours, "victoriametrics": victoria, "prometheus": prometheus_served}
    for name, serve in served.items():
        if name not in names or watch.left() < 60:
            continue
        answers = watch.tried(name, partial(_served, watch, serve, long, recent, seconds))
        if answers is not None:
            found.append(answers)
    return _table(found)


def _table(found: Sequence[Answers]) -> str:
    rows = [
        f"\nHTTP, p50 / p99 in ms, beside ingest; {HOSTS} hosts, {DAYS_TEXT}:\n",
        "| | " + " | ".join(one.name for one in found) + " |",
        "|---" * (len(found) + 1) + "|",
    ]
    for question in QUESTIONS:
        rows.append(f"| {question} | " + " | ".join(one.cell(question) for one in found) + " |")
        if question in RANGES:
            rows.append(
                "| the first of each second | " + " | ".join(one.cell_of_firsts(question) for one in found) + " |"
            )
    paces = (f"{one.sent.values:,.0f} of {one.sent.wanted:,.0f}" for one in found)
    rows.append("| values/s that were taken meanwhile | " + " | ".join(paces) + " |")
    rows.append("| CPU meanwhile, cores | " + " | ".join(f"{one.cores:.2f}" for one in found) + " |")
    rows.append("| turns | " + " | ".join(f"{one.turns}" for one in found) + " |")
    return "\n".join(rows)


DAYS_TEXT = "ten minutes of 60 metrics each 10 s apart, one host with thirty days of 12 metrics 10 s apart"


def _served(watch: Watch, serve: Serve, long: Readings, recent: Readings, seconds: float) -> Answers:
    return _asked(watch, serve(long, recent, seconds + 20), seconds)


def _asked(watch: Watch, serving: contextlib.AbstractContextManager[Served], seconds: float) -> Answers:
    with serving as served:
        served.load.start()
        watch.say(f"{served.name} holds the history, values come in")
        time.sleep(2)
        line = Line(served.port)  # not before: one that is idle for long is hung up on
        for question, ask in served.requests.items():
            _sensible(line, question, ask, served.points[question])
        before, began = _cpu(served.pids()), time.perf_counter()
        answers = Answers(served.name, Sent(0, 0), 0.0, 0, {question: [] for question in served.requests})
        asked: dict[str, bytes] = {}
        while (elapsed := time.perf_counter() - began) < seconds - 3:
            for question, ask in served.requests.items():
                if question == SELDOM and sum(answers.took[SELDOM]) > SELDOM_SHARE * 1000 * elapsed:
                    continue
                request = ask(time.time())
                start = time.perf_counter()
                status, answer = line.sent(request)
                took = time.perf_counter() - start
                if status != requests.codes.ok:
                    raise SystemExit(f"{question}: {status} {answer[:300]!r}")
                if answers.turns >= WARM_TURNS or question == SELDOM:
                    answers.took[question].append(took * 1000)
                    if request != asked.get(question):
                        answers.firsts.setdefault(question, []).append(took * 1000)
                asked[question] = request
            answers.turns += 1
        answers.cores = (_cpu(served.pids()) - before) / (time.perf_counter() - began)
        answers.sent = served.load.stop()
        line.close()
    for question in served.requests:
        watch.say(f"{served.name}: {question}: {answers.cell(question)} ms")
    watch.say(
        f"{served.name}: {answers.sent.values:,.0f} of {answers.sent.wanted:,.0f} values/s, {answers.cores:.2f} cores"
    )
    return answers


def _cpu(pids: Sequence[int]) -> float:
    return sum(cpu_seconds(pid) for pid in pids)


def _sensible(line: Line, question: str, ask: Asked, points: Count) -> None:
    """Raise unless there is as much in the answer as there should be."""
    least = {QUESTIONS[0]: 3, QUESTIONS[1]: 1300, QUESTIONS[2]: 330, QUESTIONS[4]: 10}.get(question, HOSTS - 5)
    status, answer = line.sent(ask(time.time()))
    count = points(json.loads(answer)) if status == requests.codes.ok else 0
    if count < least:
        raise SystemExit(f"{question}: {status}, {count} points, expected {least}: {answer[:300]!r}")


# -- Guardia ---


@contextlib.contextmanager
def ours(long: Readings, recent: Readings, seconds: float) -> Iterator[Served]:
    """The whole hub without alerter and prober; history came by the door, and was sealed."""
    keep = "[store]\nkeep_samples_seconds = 5184000\nkeep_1m_seconds = 5184000\n"
    programs = {
        "collector": ("collector",),
        "store-writer": ("store", "writer"),
        "store-sealer": ("store", "sealer"),
        "store-reader": ("store", "reader"),
        "api": ("api",),
    }
    with hub(load.UNLIMITED + keep) as made:
        stored(made, [long, recent])
        for name, words in programs.items():
            made.start(name, "bus.command", *words)
        telling = Load(seconds, door=made.door)
        try:
            pids = [program.pid for program in made.programs.values()]
            yield Served("Guardia", made.api_port, lambda: pids, _our_requests(), _our_points(), telling)
        finally:
            telling.close()


def _our_requests() -> dict[str, Asked]:
    def series(host: str, span: int, **more: object) -> Asked:
        return lambda now: got(
            f"/api/v1/servers/{host}/series",
            {"metric": METRIC, "agg": "mean", "start": int(now) - span, "end": int(now), **more},
        )

    return {
        QUESTIONS[0]: series("host-1", 300, step=6),
        QUESTIONS[1]: series(LONG, DAY, step=60),
        QUESTIONS[2]: series(LONG, MONTH, step=STEP_30_DAYS),
        QUESTIONS[3]: lambda now: got("/api/v1/top", {"metric": METRIC, "n": HOSTS}),
        QUESTIONS[4]: lambda now: got("/api/v1/top", {"metric": METRIC, "n": 10}),
        QUESTIONS[5]: lambda now: got("/api/v1/servers"),
    }


def _our_points() -> dict[str, Count]:
    def series(found: Any) -> int:
        return sum(value is not None for value in found["series"][0]["mean"])

    def top(found: Any) -> int:
        return len(found["top"])

    def servers(found: Any) -> int:
        return sum(one["latest_metrics"] is not None for one in found["servers"])

    return dict(zip(QUESTIONS, (series, series, series, top, top, servers), strict=True))


# -- the peers ---


@contextlib.contextmanager
def victoria(long: Readings, recent: Readings, seconds: float) -> Iterator[Served]:
    """History by remote write, then merged."""
    with running(victoriametrics.command, "/health") as peer:
        pushed(peer.port, [*_long_writes(long), *load.remote_writes(recent, 1, recent.count)], 120)
        requests.get(f"{peer.url}/internal/force_flush", timeout=60).raise_for_status()
        requests.get(f"{peer.url}/internal/force_merge", timeout=60)
        with _loaded("VictoriaMetrics", peer, seconds) as served:
            yield served


@contextlib.contextmanager
def prometheus_served(long: Readings, recent: Readings, seconds: float) -> Iterator[Served]:
    """Old history as blocks that promtool makes, the last hours by remote write."""
    split = int(recent.times[-1]) - 3 * 3_600_000

    def command(folder: Path, port: int) -> Sequence[str]:
        file = folder / "history"
        with file.open("wb") as out:
            out.writelines(openmetrics(long, split))
        words = ("promtool", "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=744h", "--quiet")
        subprocess.run((*words, file, folder / "data"), check=True, timeout=180, stdout=subprocess.DEVNULL)
        file.unlink()
        return prometheus.command(folder, port)

    with running(command, "/-/ready") as peer:
        young = long.times >= split
        late = Readings(long.names, long.times[young], {host: block[young] for host, block in long.values.items()})
        pushed(peer.port, [*_long_writes(late), *load.remote_writes(recent, 1, recent.count)], 120)
        with _loaded("Prometheus", peer, seconds) as served:
            yield served


@contextlib.contextmanager
def _loaded(name: str, peer: Peer, seconds: float) -> Iterator[Served]:
    telling = Load(seconds, remote_write=peer.port)
    try:
        yield Served(name, peer.port, lambda: [peer.process.pid], _their_requests(), _their_points(), telling)
    finally:
        telling.close()


def _long_writes(long: Readings, each: int = 480) -> Iterator[load.Told]:
    form = load.RemoteWrite(list(long.values), long.names, each)
    rest = len(long.times) % each
    for start in range(rest, len(long.times), each):
        [block] = [one[start : start + each] for one in long.values.values()]
        body = form.body(block.T, long.times[start : start + each])
        yield load.Told(block.size, 0, load.posted("/api/v1/write", body, load.REMOTE_WRITE))


def _their_requests() -> dict[str, Asked]:
    def ranged(host: str, span: int, step: int) -> Asked:
        query = f'guardia_value{{host="{host}",metric="{METRIC}"}}'
        return lambda now: got(
            "/api/v1/query_range", {"query": query, "start": int(now) - span, "end": int(now), "step": step}
        )

    def instant(query: str) -> Asked:
        return lambda now: got("/api/v1/query", {"query": query, "time": f"{now:.3f}"})

    every = f'guardia_value{{metric="{METRIC}"}}'
    return {
        QUESTIONS[0]: ranged("host-1", 300, 6),
        QUESTIONS[1]: ranged(LONG, DAY, 60),
        QUESTIONS[2]: ranged(LONG, MONTH, STEP_30_DAYS),
        QUESTIONS[3]: instant(every),
        QUESTIONS[4]: instant(f"topk(10, {every})"),
        QUESTIONS[5]: instant("guardia_value"),
    }


def _their_points() -> dict[str, Count]:
    def series(found: Any) -> int:
        return sum(len(one["values"]) for one in found["data"]["result"])

    def instant(found: Any) -> int:
        return len(found["data"]["result"])

    return dict(zip(QUESTIONS, (series, series, series, instant, instant, instant), strict=True))
