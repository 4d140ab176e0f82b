"""``guardia drill alert``: a made-up breach, sent through every hop from an agent to a channel's receipt, and its end.

    guardia drill alert --channel ops [--json]

A real agent of its own, which lives for seconds under the name ``guardia.drill``, measures ``drill.breach``; the hub's
collector, store, alerter and outbox do with it what they do with every reading. The notice says that it is a drill.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from bus import hubs
from bus.arguments import Parser, duration
from bus.asking import asked, asked_alerter
from bus.explaining import when
from bus.faults import ConfigError
from bus.home import home_path, named
from bus.judging import Drill, Incident, Incidents, Objected, Step, Why
from bus.messages import DRILL
from bus.program import ROADS
from bus.questions import Range, Unanswered
from bus.terminal import aligned
from bus.timing import SECOND
from bus.wire import MILLISECOND, Record, read

PASSED, FAILED, NOT_HELD, WRONG = 0, 1, 2, 100
POLL_SECONDS = 0.1
READING = "drill.breach"
T = TypeVar("T")


class Failed(Exception):
    """A hop did not happen in time; the text says which, and what is known about it."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One stage and when it was reached, ns."""

    name: str
    at: int


def main(argv: Sequence[str]) -> int:
    """Hold the drill; 0 when the channel took the notice and its end, 1 when not, 2 when it could not be held.

    100 when it was asked wrongly, as for a channel that is not there.
    """
    given = _arguments(argv)
    began = time.time_ns()
    try:
        folder = home_path(named(given.config, os.environ), os.environ)
        asked_alerter(folder, Drill(given.channel))
    except ConfigError as error:
        return hubs.refused(error)
    except Unanswered as failure:
        print(f"guardia drill: {failure}", file=sys.stderr)
        return WRONG if isinstance(failure, Objected) else NOT_HELD
    hops: list[Hop] = []
    fault = ""
    try:
        with agent(folder) as breach:
            _hold(folder, given.channel, breach, began, began / 1e9 + given.timeout, hops)
    except (Failed, Unanswered) as failure:
        fault = str(failure)
    finally:
        with contextlib.suppress(Unanswered):
            asked_alerter(folder, Drill(passed=not fault and bool(hops)))
    print(_as_json(hops, fault) if given.json else _as_text(hops))
    if fault:
        print(f"guardia drill: {fault}", file=sys.stderr)
    return FAILED if fault else PASSED


def _hold(folder: Path, channel: str, breach: Callable[[int], None], began: int, until: float, hops: list[Hop]) -> None:
    breach(1)
    incident = _waited(lambda: _incident(folder, began), until, "the alerter saw no breach")
    record, received = _waited(lambda: _stored(folder, incident), until, "the store does not have the breach")
    hops += [
        Hop("agent: measured", record.at),
        Hop("agent: sent", record.sent),
        # Receipt counts in whole milliseconds: within one it came no earlier than it was sent.
        Hop("collector: received", max(received, min(record.sent, received + MILLISECOND - 1))),
    ]
    hops.append(Hop("outbox: on disk", _step(folder, "told", began, until, "nobody is told")))
    hops.append(Hop(f"{channel}: taken", _step(folder, "delivered", began, until, f"{channel} did not take it")))
    breach(0)
    ended = _waited(lambda: _over(folder, began), until, "the alarm did not end")
    hops.append(Hop("alerter: it is over", ended))
    told = _step(folder, "delivered", began, until, f"{channel} did not take the recovery", times=2)
    hops.append(Hop(f"{channel}: recovery taken", told))


def _incident(folder: Path, began: int) -> Incident | None:
    found = asked_alerter(folder, Incidents(began, None, f"hub/{DRILL}", 10)).incidents
    return next((one for one in found if one.changed_at >= began or one.started_at >= began), None)


def _over(folder: Path, began: int) -> int | None:
    incident = _incident(folder, began)
    return incident.ended_at if incident else None


def _stored(folder: Path, incident: Incident) -> tuple[Record, int] | None:
    """The sample that the alarm began with, and when it was received."""
    around = 60 * SECOND
    question = Range("sample", DRILL, incident.started_at - around, incident.started_at + around, 1000)
    for stored in asked(folder, question).records:
        if stored.received == incident.started_at:
            return read(stored.record)[0], stored.received
    return None


def _steps(folder: Path, began: int) -> list[Step]:
    chains = asked_alerter(folder, Why(f"hub/{DRILL}", "drill")).chains
    return [step for chain in chains for step in chain.steps if step.at >= began]


def _step(folder: Path, word: str, began: int, until: float, fault: str, *, times: int = 1) -> int:
    """When the drill's chain of decisions came to ``word``; what it says instead when it does not."""

    def found() -> int | None:
        steps = [step for step in _steps(folder, began) if step.verdict == word]
        return steps[-1].at if len(steps) >= times else None

    try:
        return _waited(found, until, fault)
    except Failed as failure:
        last = [step.text for step in _steps(folder, began)][-1:]
        raise Failed(": ".join([str(failure), *last])) from None


def _waited(look: Callable[[], T | None], until: float, fault: str) -> T:
    while True:
        found = look()
        if found is not None:
            return found
        if time.time() > until:
            raise Failed(f"{fault} in time")
        time.sleep(POLL_SECONDS)


@contextlib.contextmanager
def agent(folder: Path) -> Iterator[Callable[[int], None]]:
    """An agent that speaks to the hub in ``folder``; what is yielded sets the reading that it measures."""
    # Paths of sockets are short, and plugins need a place where programs may run: the hub's own.
    scratch, plugins = Path(tempfile.mkdtemp(prefix="guardia-")), folder / "drill"
    process: subprocess.Popen[bytes] | None = None
    try:
        home, value = scratch / "var", scratch / "breach"
        (home / "run").mkdir(parents=True)
        (home / "keys").mkdir(mode=0o700)
        # The side door is the hub's own agents', with or without keys; the name is admitted nowhere else.
        (home / "keys" / "hub.key").touch(0o600)
        for road in ("side_door", "side_receipts"):
            (home / "run" / ROADS[road]).symlink_to((folder / "run" / ROADS[road]).absolute())
        plugins.mkdir(mode=0o700, exist_ok=True)
        plugin = plugins / "drill"
        plugin.write_text(f'#!/bin/sh\necho "{READING} $(cat {value})"\n')
        plugin.chmod(0o700)
        value.write_text("0")
        config = scratch / "agent.toml"
        config.write_text(_settings(plugins.absolute()))
        command = [sys.executable, "-m", "bus.command", "agent", "--config", str(config)]
        process = subprocess.Popen(  # noqa: S603, our own command
            command,
            env={**os.environ, "GUARDIA_HOME": str(home)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        yield lambda number: _put(value, str(number))
    finally:
        if process is not None:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)
            process.kill()
            process.wait()
        for place in (scratch, plugins):
            shutil.rmtree(place, ignore_errors=True)


def _put(file: Path, text: str) -> None:
    new = file.with_suffix(".new")
    new.write_text(text)
    new.replace(file)


def _settings(plugins: Path) -> str:
    return (
        f'[agent]\nname = "{DRILL}"\ninterval = "250ms"\nplugins = {json.dumps(str(plugins))}\nplugin_interval = "1s"\n'
        "budget_percent = 100.0\nprocesses = false\n"
    )


def _as_text(hops: Sequence[Hop]) -> str:
    first = hops[0].at if hops else 0
    rows = [(one.name, when(one.at), f"{(one.at - first) / 1e6:.1f} ms") for one in hops]
    return aligned([("HOP", "AT", "AFTER"), *rows])


def _as_json(hops: Sequence[Hop], fault: str) -> str:
    first = hops[0].at if hops else 0
    told = [{"hop": one.name, "at": one.at, "after_ms": (one.at - first) / 1e6} for one in hops]
    return json.dumps({"passed": not fault, "fault": fault, "hops": told}, indent=2)


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = Parser(
        prog="guardia drill alert",
        description="Let an agent measure a breach that is none, and see it arrive at a channel, hop by hop.",
    )
    parser.add_argument("--channel", required=True, metavar="NAME", help="the channel that is told")
    parser.add_argument("--timeout", type=duration, default=60.0, metavar="1m", help="so long everything may take")
    parser.add_argument("--json", action="store_true", help="for programs; times in ns since 1970")
    parser.add_argument("--config", metavar="FILE", help="the hub's configuration")
    return parser.parse_args(argv)
