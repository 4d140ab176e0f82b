"""Who is judged no longer: who was silent for very long, and services that the configuration names no more. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterable

from alerter.deciding import Decider
from alerter.rules import SECOND
from alerter.subjects import LATE_PLACE, NEVER, Subject

LEAST = 7200 * SECOND
"""So long one that the configuration does not name, perhaps not yet, may be without a check."""
HERE = {""}
"""The place of the hub itself."""


def withdraw(
    subjects: dict[tuple[str, str], Subject], decider: Decider, now: int, *, named: Container[str] = ()
) -> list[Subject]:
    """Judge services no longer that the hub checked as long as its configuration named them; returns them.

    These are those of ``named``, which it did until now, and those whose turns are missed. What another place checks
    its own configuration names.
    """
    gone = [
        one
        for one in subjects.values()
        if one.kind == "service"
        and not one.configured
        and one.places_seen.keys() <= HERE
        and (
            one.name in named
            or one.unheard(now) > max([LEAST, *(LATE_PLACE * s.spacing for s in one.places_seen.values())])
        )
    ]
    leave(subjects, gone, decider, "the service is in the configuration no more", now)
    return gone


def leave(
    subjects: dict[tuple[str, str], Subject], gone: Iterable[Subject], decider: Decider, why: str, now: int
) -> None:
    """Judge these no longer; their alarms end."""
    for one in gone:
        one.at(max(now, one.now))
        for cell in one.cells.values():
            cell.fired = ()
            if cell.alarm is not None:
                decider.end(one, cell, why)
        one.due = NEVER
        del subjects[one.kind, one.name]
