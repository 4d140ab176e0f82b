"""``guardia drill delivery``: kill and stop a hub of its own under load, then count what was promised and is stored.

    guardia drill delivery --hosts 20 --seconds 20 --kill collector,store-writer,agents

A fault counts only when the hosts had told something since the last one: without load it would prove nothing.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from bus.arguments import Parser
from bus.asking import asked
from bus.drill.account import Promise, Verdict, judged, promises
from bus.drill.hub import AGENTS, ROOMS, ScratchHub
from bus.faults import meant
from bus.messages import KINDS
from bus.questions import MAX_RECORDS, Gaps, GapsAnswer, Question, Range, Records, Stored, Unanswered
from bus.wire import read

KEPT, BROKEN, UNKNOWN = 0, 1, 2
USUAL = ("collector", "store-writer", "store-reader", AGENTS)
EVER = 2**62
START_SECONDS, DRAIN_SECONDS = 30.0, 120.0
LONGEST_FREEZE = 0.6
MOST_PROCESSES = 4


class DrillFailed(Exception):
    """The drill itself could not be held; the text says why."""


def main(argv: Sequence[str]) -> int:
    """Hold the drill; 0 when every promise was kept, 1 when not, 2 when it could not be held."""
    given = _arguments().parse_args(argv)
    hosts = [f"drill-{number + 1}" for number in range(given.hosts)]
    hub = ScratchHub(hosts, given.rate, min(MOST_PROCESSES, given.hosts))
    kept, done_with = False, False
    try:
        told = _held(hub, hosts, given)
        kept = done_with = bool(told["kept"])
    except (DrillFailed, Unanswered) as failure:
        print(f"guardia drill: {failure}; the files are in {hub.folder}", file=sys.stderr)
        return UNKNOWN
    except KeyboardInterrupt:
        done_with = True
        raise
    finally:
        hub.close(keep=not done_with)  # whatever went wrong, no program of it stays
    print(json.dumps(told, indent=2) if given.json else _in_words(told))
    if not kept:
        print(f"guardia drill: promises were broken; the files are in {hub.folder}", file=sys.stderr)
    return KEPT if kept else BROKEN


def _held(hub: ScratchHub, hosts: Sequence[str], given: argparse.Namespace) -> dict[str, Any]:
    chance = random.Random(given.seed)  # noqa: S311, which faults come when is no secret
    for name in hub.commands:
        hub.start(name)
    _until(hub, lambda: hub.promised() > 0, START_SECONDS, "a first sample")
    _until(hub, lambda: _account(hub).producers != (), START_SECONDS, "a first sample in the store")
    began = time.monotonic()
    faults = _broken(hub, chance, given)
    seconds = time.monotonic() - began
    # What is still in the spools goes out from another life, which tells nothing new.
    for name in hub.names(AGENTS):
        hub.stop(name)
    hub.quiet()
    for name in hub.names(AGENTS):
        hub.start(name)
    ended = time.monotonic()
    promised = [promise for file in hub.journals() for promise in promises(file.read_text())]
    verdict = _judged(hub, hosts, promised)
    while verdict.missing and time.monotonic() < ended + DRAIN_SECONDS:
        time.sleep(0.5)
        verdict = _judged(hub, hosts, promised)
    drained = time.monotonic() - ended
    return _told(given, verdict, faults, _account(hub), seconds, drained)


def _broken(hub: ScratchHub, chance: random.Random, given: argparse.Namespace) -> Counter[str]:
    """Kill and stop at random until the time is over; returns what was done how often."""
    names = [name for room in given.kill for name in hub.names(room)]
    faults: Counter[str] = Counter()
    end = time.monotonic() + given.seconds
    while time.monotonic() < end:
        before = hub.promised()
        pause = min(chance.expovariate(1 / given.every), max(0.0, end - time.monotonic()))
        time.sleep(pause)
        _until(hub, lambda before=before: hub.promised() > before, START_SECONDS, "load before the next fault")  # type: ignore[misc]
        if not names or time.monotonic() >= end:
            continue
        name = chance.choice(names)
        if chance.random() < given.stops:
            hub.freeze(name)
            time.sleep(chance.uniform(0.05, LONGEST_FREEZE))
            hub.thaw(name)
            faults[f"{name} stopped"] += 1
        else:
            hub.kill(name)
            hub.start(name)
            faults[f"{name} killed"] += 1
    return faults


# -- asking the scratch hub ---


def _asked(hub: ScratchHub, question: Question) -> Any:
    # The reader may just be starting again.
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            return asked(hub.home, question)
        except Unanswered:
            if time.monotonic() > end:
                raise
        time.sleep(0.2)


def _account(hub: ScratchHub) -> GapsAnswer:
    found: GapsAnswer = _asked(hub, Gaps())
    return found


def _judged(hub: ScratchHub, hosts: Sequence[str], promised: Sequence[Promise]) -> Verdict:
    return judged(promised, {host: _stored(hub, host) for host in hosts}, {host: _ledger(hub, host) for host in hosts})


def _pages(hub: ScratchHub, kind: str, subject: str) -> Iterator[Stored]:
    end = EVER
    while True:
        page: Records = _asked(hub, Range(kind, subject, 0, end, MAX_RECORDS))
        yield from page.records
        if len(page.records) < MAX_RECORDS:
            return
        end = read(page.records[0].record)[0].at - 1


def _stored(hub: ScratchHub, host: str) -> Counter[int]:
    return Counter(_value(one) for one in _pages(hub, "sample", host))


def _ledger(hub: ScratchHub, host: str) -> list[Any]:
    return [read(one.record)[0].message() for one in _pages(hub, "loss", host)]


def _value(stored: Stored) -> int:
    return int(KINDS["sample"].decode(read(stored.record)[0].body).values[0])


def _until(hub: ScratchHub, seen: Callable[[], bool], seconds: float, what: str) -> None:
    end = time.monotonic() + seconds
    while not seen():
        if (gone := hub.ended()) or time.monotonic() > end:
            words = "".join(f"\n{name}: {hub.words(name)}" for name in gone)
            raise DrillFailed(f"after {seconds:g} s still not: {what}" if not gone else f"a program ended:{words}")
        time.sleep(0.05)


# -- what is said ---


def _told(
    given: argparse.Namespace,
    verdict: Verdict,
    faults: Counter[str],
    account: GapsAnswer,
    seconds: float,
    drained: float,
) -> dict[str, Any]:
    return {
        "hosts": given.hosts,
        "seconds": round(seconds, 1),
        "samples_per_second": round(verdict.promised / seconds, 1) if seconds else 0.0,
        "faults": sum(faults.values()),
        "faults_by_program": dict(sorted(faults.items())),
        "promised": verdict.promised,
        "stored": verdict.stored,
        "lost_and_declared": verdict.declared,
        "lost_and_hidden": len(verdict.missing),
        "doubled": verdict.doubled,
        "came_again": sum(one.duplicates for one in account.producers),
        "drained_seconds": round(drained, 1),
        "seed": given.seed,
        "kept": verdict.kept,
    }


def _in_words(told: dict[str, Any]) -> str:
    faults = ", ".join(f"{name} {count}" for name, count in told["faults_by_program"].items()) or "none"
    return (
        f"{told['hosts']} hosts promised {told['promised']} samples in {told['seconds']} s "
        f"({told['samples_per_second']:g} a second).\n"
        f"Faults: {told['faults']} ({faults}).\n"
        f"Stored {told['stored']}, lost and declared {told['lost_and_declared']}, lost and hidden "
        f"{told['lost_and_hidden']}, stored twice {told['doubled']}; {told['came_again']} came again in vain.\n"
        f"The account was closed {told['drained_seconds']} s after the hosts fell silent (seed {told['seed']})."
    )


def _rooms(text: str) -> tuple[str, ...]:
    rooms = tuple(word for word in text.split(",") if word)
    for word in rooms:
        if word not in (*ROOMS, AGENTS):
            raise argparse.ArgumentTypeError(f"there is no {word!r} to kill; {meant(word, (*ROOMS, AGENTS))}")
    return rooms


def _count(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 100_000:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 on")
    return int(text)


def _amount(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0 < found < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return found


def _share(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no share from 0 to 1")
    return found


def _arguments() -> argparse.ArgumentParser:
    parser = Parser(prog="guardia drill delivery", description=__doc__.splitlines()[0])
    parser.add_argument("--hosts", type=_count, default=20, metavar="N", help="how many hosts (20)")
    parser.add_argument("--seconds", type=_amount, default=20.0, metavar="S", help="how long it is broken (20)")
    parser.add_argument("--rate", type=_amount, default=50.0, help="samples a second and host (50)")
    parser.add_argument("--every", type=_amount, default=1.0, metavar="S", help="mean time between two faults (1)")
    parser.add_argument("--stops", type=_share, default=0.3, help="share of faults that only stop a program (0.3)")
    names = ", ".join((*ROOMS, AGENTS))
    parser.add_argument(
        "--kill", type=_rooms, default=USUAL, metavar="ROOMS", help=f"of {names}, separated by commas; '' for none"
    )
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**31), help="repeats a choice")
    parser.add_argument("--json", action="store_true")
    return parser
