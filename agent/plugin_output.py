"""What a plugin printed, as readings. Pure.

# a comment
queued 17                            becomes plugin[mail].queued in the output of the file mail
shop[checkout].orders_per_s 0.25     stands as it is
pump.pressure nan                    has no reading now
"""

from __future__ import annotations

import re
from typing import NamedTuple

from agent.names import instance
from bus.messages import is_metric

MOST_VALUES = 1000
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d{1,3})?\Z", re.ASCII)
"""In one way only: where digits could be taken by two parts of it, a long row of them would take minutes."""
_BARE = re.compile(r"[A-Za-z0-9_]{1,64}\Z")
_SHOWN = 80


class Output(NamedTuple):
    """The values by name, and what was wrong with the other lines."""

    readings: dict[str, float | None]
    faults: list[str]


def parsed(text: str, plugin: str) -> Output:
    """The readings in what the file ``plugin`` printed."""
    readings: dict[str, float | None] = {}
    faults: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        if len(readings) >= MOST_VALUES:
            faults.append(f"line {number}: more than {MOST_VALUES} values")
            break
        # The last blank is the one that counts: an instance may hold others.
        told, _, value = line.replace("\t", " ").rpartition(" ")
        told = told.strip()
        name = f"plugin[{instance(plugin)}].{told}" if _BARE.match(told) else told
        if not is_metric(name):
            faults.append(f"line {number}: {told[:_SHOWN]!r} is no metric's name" if told else _no_pair(number, line))
        elif value.lower() == "nan":
            readings[name] = None
        elif _NUMBER.match(value) and abs(found := float(value)) != float("inf"):
            readings[name] = found
        else:
            faults.append(f"line {number}: {value[:_SHOWN]!r} is no number")
    return Output(readings, faults)


def _no_pair(number: int, line: str) -> str:
    return f"line {number}: {line[:_SHOWN]!r} is not a name and a value"
