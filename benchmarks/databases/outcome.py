"""What a run of one database showed, and how its questions are asked."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import requests

from benchmarks.databases.data import Readings

TURNS = 40


@dataclass
class Outcome:
    """``seconds`` until all was durable, ``cpu`` seconds of the server; ``queries``: (p50, p99) in ms by question."""

    name: str
    values: int
    seconds: float
    cpu: float
    bytes: int
    queries: dict[str, tuple[float, float]] = field(default_factory=dict)

    def line(self) -> str:
        """For people."""
        rate, each = self.values / self.seconds / 1e6, self.bytes / self.values
        cpu = self.cpu / (self.values / 1e6)
        asked = "; ".join(f"{name} {p50:.1f}/{p99:.1f} ms" for name, (p50, p99) in self.queries.items())
        return f"{self.name:<24} {rate:6.2f} M values/s  {cpu:6.3f} CPU s/M  {each:6.2f} bytes/value  {asked}"


def asked(questions: dict[str, Callable[[], None]]) -> dict[str, tuple[float, float]]:
    """p50 and p99 of each question, ms."""
    found = {}
    for name, ask in questions.items():
        ask()
        took = []
        for _ in range(TURNS):
            start = time.perf_counter()
            ask()
            took.append((time.perf_counter() - start) * 1000)
        took.sort()
        found[name] = statistics.median(took), took[int(len(took) * 0.99)]
    return found


def from_prometheus(url: str, data: Readings) -> dict[str, Callable[[], None]]:
    """The questions in PromQL, at the end of the data."""
    session = requests.Session()
    end = int(data.times[-1]) // 1000
    one = f'guardia_value{{host="host-1",metric="{data.names[0]}"}}'
    every = f'guardia_value{{metric="{data.names[0]}"}}'

    def ask(path: str, **query: object) -> Callable[[], None]:
        def call() -> None:
            answer = session.get(f"{url}/api/v1/{path}", params={k: str(v) for k, v in query.items()}, timeout=60)
            if answer.status_code != requests.codes.ok or not answer.json()["data"]["result"]:
                raise SystemExit(f"{path} {query}: {answer.text[:300]}")

        return call

    return {
        "last 5 min": ask("query_range", query=one, start=end - 300, end=end, step=6),
        "1 h at 1 min": ask("query_range", query=one, start=end - 3600, end=end, step=60),
        "latest of all": ask("query", query=every, time=end),
        "top 10": ask("query", query=f"topk(10, {every})", time=end),
    }
