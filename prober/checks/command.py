"""A program that looks, as a plugin of Nagios does (the Monitoring Plugins' Development Guidelines)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bus.config import Objection, Secret, setting
from prober.checks.common import Check
from prober.outcome import DEGRADED, DOWN, UNKNOWN, UP, Failed, Outcome
from prober.probe import Probe

STATES = {0: UP, 1: DEGRADED, 2: DOWN, 3: UNKNOWN}
"""What an exit code means; any other comes from a program that is no such plugin, or broke."""
MOST_READINGS = 50
MOST_NAME = 64
NAMELESS = "value"
"""What a reading is called whose label has no letter, as check_disk's of ``/``."""
_UNITS = {
    "s": ("_seconds", 1.0),
    "ms": ("_seconds", 1e-3),
    "us": ("_seconds", 1e-6),
    "%": ("_percent", 1.0),
    "b": ("_bytes", 1.0),
    "kb": ("_bytes", 2.0**10),
    "mb": ("_bytes", 2.0**20),
    "gb": ("_bytes", 2.0**30),
    "tb": ("_bytes", 2.0**40),
}
"""By the unit, in small letters, how the name of its reading ends, and what it is multiplied by."""
_READING = re.compile(
    r"(?<![^\s|])(?:'((?:[^']|'')+)'|([^\s='|]+))="
    r"([-+]?(?:[0-9]{1,20}(?:[.,][0-9]{0,20})?|[.,][0-9]{1,20})(?:[eE][-+]?[0-9]{1,2})?)([^\s;0-9.,:+-]*)(?=[\s;]|$)"
)
"""A number as C prints it in any language, whose point may be a comma; what goes on otherwise is none, as 1.2.3.

It is looked for where a word begins alone: from each of its letters, a long word would take seconds.
"""
_NO_NAME = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, kw_only=True)
class Command(Check):
    """A program that looks by itself and says by its exit code what it found, as a plugin of Nagios does."""

    url: str = setting(
        "command:", pattern=r"command:\S*", form="command:", help="It has no address: the program knows where to look."
    )
    command: tuple[str, ...] = setting((), help="The program and its arguments; everybody on the machine sees them.")
    environment: dict[str, Secret] = setting(
        {}, help='Variables that it gets, which may be secrets: { KEY = "file:key" }.'
    )

    def objections(self) -> Iterator[Objection]:
        """It has to be one that can be run."""
        from bus import running

        yield from super().objections()
        yield from running.objections(self.command, self.environment)

    def look(self, probe: Probe) -> Outcome:
        """Run it to its end, and take its word."""
        from bus.running import inherited, ran

        secrets = {name: one.reveal() for name, one in self.environment.items()}
        environment = {**inherited(), "GUARDIA_SERVICE": self.name, **secrets}
        try:
            with probe.phase("run"):
                found = ran(self.command, environment, b"", probe.deadline.left(), prints=True)
        except (OSError, ValueError) as error:
            why = (getattr(error, "strerror", None) or str(error)).lower()
            raise Failed(f"{self.command[0]} cannot be run: {why}", UNKNOWN) from None
        if found.code is None:
            raise Failed(f"it was not done within {probe.deadline.seconds:g} s", settled=True)
        return judged(found.code, found.said.decode("utf-8", "replace"))


def judged(code: int, said: str) -> Outcome:
    """What it found: its state by its exit code, the reason in its first line, readings behind a ``|``."""
    first, _, rest = said.lstrip().partition("\n")
    text, _, readings = first.partition("|")
    more = rest.partition("|")[2]
    text = text.strip() or "it says nothing"
    if code not in STATES:
        ended = f"ended by signal {-code}" if code < 0 else f"exit code {code}, expected 0 to 3"
        return Outcome(UNKNOWN, f"{ended}: {text}")
    status = STATES[code]
    reason = "" if status == UP else text
    return Outcome(status, reason, metrics=measured(f"{readings} {more}"), reached=status in (UP, DEGRADED))


def measured(text: str) -> dict[str, float]:
    """The readings in ``'label'=value[unit];warn;crit;min;max ...``, by a name that ends in their unit."""
    found: dict[str, float] = {}
    for quoted, bare, number, unit in _READING.findall(text):
        end, factor = _UNITS.get(unit.lower(), ("", 1.0))
        name = _NO_NAME.sub("_", (quoted or bare).lower()).strip("_")[:MOST_NAME] or NAMELESS
        if len(found) < MOST_READINGS:
            found.setdefault(name if name.endswith(end) else f"{name}{end}", float(number.replace(",", ".")) * factor)
    return found
