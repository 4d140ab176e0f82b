"""A recording of this machine: what its agent tells each second while a load changes, as a file that benchmarks take.

    python -m benchmarks.recording FILE [--seconds 2400] [--step 1] [--quiet]

Everything that an agent tells by default is in it. ``--quiet`` makes no load of its own, where others make enough.
``benchmarks.sealing`` and ``benchmarks.databases`` take it with ``--recording FILE``.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from agent import panel
from agent.config import Agent
from agent.readings import Ground
from agent.sampler import Sampler
from agent.schedule import next_turn
from agent.turns import Turns
from benchmarks.changing import changing_load
from bus import rooms

MILLISECOND = 1_000_000
Told = tuple[int, tuple[str, ...], tuple[float | None, ...]]
"""(when, names, values) of a sample."""


@dataclass(frozen=True)
class Recording:
    """``values`` are metrics by samples, NaN for no reading; ``times`` in ns."""

    names: tuple[str, ...]
    times: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]

    def save(self, path: Path) -> None:
        """To a file; raises ``OSError``."""
        names = np.frombuffer(json.dumps(self.names).encode(), np.uint8)
        with path.open("wb") as file:
            np.savez_compressed(file, names=names, times=self.times, values=self.values)


def loaded(path: Path) -> Recording:
    """What ``Recording.save`` wrote; ends the program for what is none."""
    try:
        with np.load(path) as file:
            return Recording(tuple(json.loads(file["names"].tobytes())), file["times"], file["values"])
    except (OSError, ValueError, KeyError) as error:
        raise SystemExit(f"{path} is no recording: {error}") from None


def of(told: Sequence[Told]) -> Recording:
    """Samples as one matrix; a metric that came or went has no reading while it was not there."""
    names = tuple(dict.fromkeys(name for _, names, _ in told for name in names))
    places = {name: place for place, name in enumerate(names)}
    values = np.full((len(names), len(told)), np.nan)
    for at, (_, some, numbers) in enumerate(told):
        values[[places[name] for name in some], at] = [np.nan if one is None else one for one in numbers]
    return Recording(names, np.array([when for when, *_ in told], np.int64), values)


def recorded(seconds: float, step: float) -> Recording:
    """What an agent of this machine tells for so long."""
    told: list[Told] = []

    def tell(names: Sequence[str], values: Sequence[float | None]) -> None:
        told.append((time.time_ns() // MILLISECOND * MILLISECOND, tuple(names), tuple(values)))

    table: Agent = _defaults()
    costs = panel.costs(table)
    sampler = Sampler(panel.names(table))
    turns = Turns(sampler, costs, tell)
    log = logging.getLogger("agent")
    for job in panel.jobs(Ground(table, costs=costs, say=log.warning), sampler, log, submit=None):
        turns.add(job)
    turns.read(time.monotonic())
    end = time.monotonic() + seconds
    due = next_turn(time.time() + step / 4, step)
    while time.monotonic() < end:
        time.sleep(max(0.0, due - time.time()))
        turns.turn(time.monotonic())
        due = next_turn(time.time(), step, due)
    return of(told)


def _defaults() -> Agent:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "guardia.toml"
        file.write_text("")
        table: Agent = rooms.load(file)["agent"]
        return table


def main() -> None:
    """Record, and say what."""
    parser = argparse.ArgumentParser("python -m benchmarks.recording", description=__doc__)
    parser.add_argument("file", type=Path, help="where to; best outside the repository")
    parser.add_argument("--seconds", type=float, default=2400)
    parser.add_argument("--step", type=float, default=1)
    parser.add_argument("--quiet", action="store_true", help="make no load")
    given = parser.parse_args()
    with contextlib.nullcontext() if given.quiet else changing_load():
        made = recorded(given.seconds, given.step)
    made.save(given.file)
    print(f"{len(made.times)} samples of {len(made.names)} metrics, {given.file.stat().st_size} bytes")


if __name__ == "__main__":
    main()
