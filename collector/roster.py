"""``guardia agents``: who may speak to this hub, when each was last heard from where, and who knocked in vain."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bus import enrolled
from bus.asking import asked
from bus.enrolled import Agent
from bus.keys import KeysFault, fingerprint, is_key
from bus.questions import Latest, Records, Unanswered
from bus.terminal import aligned
from bus.timing import SECOND
from bus.wire import Malformed, read
from collector.callers import Heard, read_from

STORE_SECONDS = 1.0
STRANGER_SECONDS = 3600
"""A key that knocked longer ago is not listed."""


@dataclass(frozen=True, slots=True)
class Enrolled:
    """Who may speak. Times in seconds since 1970; None where it never was."""

    name: str
    kind: str
    """host or place."""
    public_key: str
    fingerprint: str
    admitted_at: float
    come_by: float | None
    """When it has to have come for the first time; None: whenever it likes."""
    late: bool
    """Whether it did not come by then, and is let in no more."""
    seen_at: float | None
    address: str
    version: str


@dataclass(frozen=True, slots=True)
class Stranger:
    """A key that knocked and is not enrolled."""

    public_key: str
    fingerprint: str
    seen_at: float
    address: str


@dataclass(frozen=True, slots=True)
class Roster:
    """All that is known; ``faults`` are what is wrong with files of the list, who they stand for is not let in."""

    keys: bool
    """Whether keys are asked for; else everybody is let in who reaches the door."""
    agents: tuple[Enrolled, ...]
    strangers: tuple[Stranger, ...]
    faults: tuple[str, ...]


def roster(folder: Path, now: int) -> Roster:
    """What the files of the hub in ``folder`` and its store tell."""
    listed = enrolled.agents(folder)
    heard, strangers = read_from(folder / "run")
    versions = _versions(folder, heard)
    agents = []
    for name, agent in listed.items():
        if isinstance(agent, Agent):
            last = heard.get(name, Heard(0))
            seen = last.at / SECOND if last.at >= agent.at else None
            agents.append(
                Enrolled(
                    name,
                    enrolled.PLACE if agent.place else "host",
                    agent.public,
                    agent.fingerprint,
                    agent.at / SECOND,
                    agent.until / SECOND if agent.until else None,
                    seen is None and enrolled.late(folder, agent, now),
                    seen,
                    last.address,
                    versions.get(name, ""),
                )
            )
    knocked = (
        Stranger(key, fingerprint(key), one.at / SECOND, one.address)
        for key, one in strangers.items()
        if is_key(key) and now - one.at < STRANGER_SECONDS * SECOND
    )
    faults = (str(one) for one in listed.values() if isinstance(one, KeysFault))
    return Roster(enrolled.in_use(folder), tuple(agents), tuple(knocked), tuple(faults))


def as_object(found: Roster) -> dict[str, Any]:
    """For programs. What it says of keys is their public halves."""
    return asdict(found)


def as_text(found: Roster, now: int) -> str:
    """For people; faults are told apart."""
    parts = []
    if not found.keys:
        parts.append("No agent is enrolled: everybody who reaches the door is let in, which is this host alone.")
    elif not (found.agents or found.faults):
        parts.append("No agent is enrolled, and nobody is let in without a key: guardia enroll NAME lets one in.")
    if found.agents:
        heads = ("NAME", "AS", "FINGERPRINT", "ADMITTED", "LAST SEEN", "ADDRESS", "VERSION")
        parts.append(aligned([heads, *(_row(one, now) for one in found.agents)]))
    if found.strangers:
        parts.append(
            "\nKeys that are not enrolled and knocked within the last hour; guardia enroll NAME --key='KEY' lets one "
            "in:"
        )
        parts.append(aligned([("KEY", "FINGERPRINT", "LAST SEEN", "ADDRESS"), *_knocks(found.strangers, now)]))
    return "\n".join(parts)


def _row(one: Enrolled, now: int) -> Sequence[str]:
    seen = _ago(one.seen_at, now) if one.seen_at is not None else "never, too late" if one.late else "never"
    admitted = time.strftime("%Y-%m-%d %H:%M", time.localtime(one.admitted_at))
    return one.name, one.kind, one.fingerprint, admitted, seen, one.address, one.version


def _knocks(strangers: Iterable[Stranger], now: int) -> Iterable[Sequence[str]]:
    return ((one.public_key, one.fingerprint, _ago(one.seen_at, now), one.address) for one in strangers)


def _versions(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Which Guardia runs on each host, as its newest facts tell; empty where the store does not answer."""
    if not names:
        return {}
    try:
        found: Records = asked(folder, Latest("facts", tuple(names)), seconds=STORE_SECONDS)
        facts = [read(one.record)[0] for one in found.records]
        return {one.subject: one.message().version for one in facts}
    except (Unanswered, Malformed):
        return {}


def _ago(at: float, now: int) -> str:
    seconds = max(0, int(now / SECOND - at))
    for length, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit} ago"
    return f"{seconds} s ago"
