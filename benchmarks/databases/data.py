"""The same readings for everybody: hosts as they behave, made by a seed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.recording import MILLISECOND, loaded

SHAPES = ("walk", "counter", "pages", "constant", "burst", "percent")


@dataclass(frozen=True)
class Readings:
    """``values[host]`` is (times, metrics); ``times`` in ms, the same for all hosts."""

    names: tuple[str, ...]
    times: npt.NDArray[np.int64]
    values: dict[str, npt.NDArray[np.float64]]

    @property
    def count(self) -> int:
        """How many values there are; what has no reading is none."""
        return sum(int(np.count_nonzero(~np.isnan(block))) for block in self.values.values())


def generated(hosts: int, metrics: int, samples: int, step_ms: int, end_ms: int) -> Readings:
    """Bounded walks, counters, page-aligned bytes, constants, bursts and percentages, in equal parts."""
    names = tuple(f"{SHAPES[place % len(SHAPES)]}[{place}].value" for place in range(metrics))
    times = end_ms - step_ms * np.arange(samples, 0, -1, dtype=np.int64)
    made = {}
    for host in range(hosts):
        chance = np.random.default_rng(host)
        columns = [_shape(SHAPES[place % len(SHAPES)], samples, chance) for place in range(metrics)]
        made[f"host-{host}"] = np.column_stack(columns)
    return Readings(names, times, made)


def recorded(file: Path, hosts: int, samples: int, end_ms: int) -> Readings:
    """The last samples of a recording, which all hosts tell; ``end_ms`` is when it ends."""
    made = loaded(file)
    times = made.times[-samples:] // MILLISECOND
    block = np.ascontiguousarray(made.values[:, -samples:].T)
    return Readings(made.names, times - times[-1] + end_ms - 1, {f"host-{host}": block for host in range(hosts)})


def _shape(shape: str, samples: int, chance: np.random.Generator) -> npt.NDArray[np.float64]:
    if shape == "walk":
        return np.round(50 + 40 * np.sin(np.cumsum(chance.normal(0, 0.05, samples))), 2)
    if shape == "counter":
        return np.cumsum(chance.poisson(chance.integers(1, 5000), samples)).astype(np.float64)
    if shape == "pages":
        return np.floor(np.abs(np.cumsum(chance.normal(0, 300, samples)) + 1e6)) * 4096.0
    if shape == "constant":
        return np.full(samples, float(chance.integers(1, 2**36)))
    if shape == "burst":
        return np.where(chance.random(samples) < 0.02, np.round(chance.exponential(1e6, samples)), 0.0)
    return np.round(np.clip(np.abs(chance.normal(3, 6, samples)), 0, 100), 1)


def end_of_a_day() -> int:
    """The last midnight that is over for three hours, ms: what ends there can be sealed and joined to a day at once."""
    return (int(time.time()) - 3 * 3600) // 86400 * 86_400_000
