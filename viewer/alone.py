"""What ``guardia status`` says on a host whose hub is elsewhere: how its agent stands with that. Pure but ``seen``."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from bus.standing import BEAT_SECONDS, Standing, read
from bus.timing import roughly

HUBS_OWN = frozenset({"collector", "store-writer", "api"})
"""Programs that no host has which has an agent alone."""
MOST_LINES, MOST_BYTES = 3, 8192
"""What is shown of a log."""
ELSEWHERE = "an agent alone: its hub is asked with guardia status --hub URL"


@dataclass(frozen=True, slots=True)
class Seen:
    """A producer that runs here, and the last words of its log where it does not stand well."""

    standing: Standing
    log: str
    words: tuple[str, ...] = ()


def seen(home: Path, now: float, running: Collection[str] | None = None) -> tuple[Seen, ...]:
    """The producers of this home that run, as far as is known: those that beat, and of them who is ``running``."""
    found = []
    for one in read(home / "run"):
        if running is not None and one.program not in running:
            continue  # it was killed, and left its beat
        log = home / "log" / f"{one.program}.log"
        try:
            beat = (home / "run" / f"{one.program}.beat").stat().st_mtime
        except OSError:
            continue  # it has ended
        if now - beat < BEAT_SECONDS:
            found.append(Seen(one, str(log), () if one.well else _last_words(log)))
    return tuple(found)


def _last_words(log: Path) -> tuple[str, ...]:
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - MOST_BYTES))
            text = file.read(MOST_BYTES).decode("utf-8", "replace")
    except OSError:
        return ()
    return tuple(text.splitlines()[-MOST_LINES:])


def lines(found: Sequence[Seen], now: float) -> list[str]:
    """How they stand, for people."""
    told = [ELSEWHERE]
    for one in found:
        told += [_standing(one.standing, now), *(f"  {fault}" for fault in one.standing.faults)]
        if one.words:
            told += [f"  the last of {one.log}:", *(f"    {line}" for line in one.words)]
    return told if found else [*told, "how it stands with its hub is not known: it does not run, or has just begun"]


def _standing(one: Standing, now: float) -> str:
    since = f"since {_clock(one.since)} ({roughly(max(0.0, now - one.since))})"
    if one.heard:
        return f"{one.source}: the hub at {one.door} acknowledges what it tells, {since}"
    left = one.left if one.left is None else max(0.0, one.left - (now - one.at))
    room = f", and there is room for about {roughly(left)} more" if left is not None else ""
    return f"{one.source}: no receipts come from the hub at {one.door}, {since}; {one.waiting} messages wait here{room}"


def _clock(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
