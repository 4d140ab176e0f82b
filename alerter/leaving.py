"""Who is judged no longer: silent for very long, or in the configuration no more; and what hosts have no more. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterable

from alerter.deciding import Decider
from alerter.machine import in_words
from alerter.subjects import LATE_PLACE, NEVER, Subject
from bus.tables import UNNAMED
from bus.timing import SECOND

HERE = {""}
"""The place of the hub itself."""
GONE = 600 * SECOND
"""An instance that is in no reading for so long is no longer watched."""


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
            or one.unheard(now) > max([UNNAMED, *(LATE_PLACE * s.spacing for s in one.places_seen.values())])
        )
    ]
    leave(subjects, gone, decider, "the service is in the configuration no more", now)
    return gone


def forget(subjects: dict[tuple[str, str], Subject], decider: Decider, after: int, now: int) -> list[Subject]:
    """Forget subjects that nobody configured and that were silent for longer than ``after``; their alarms end."""
    gone = [s for s in subjects.values() if not s.configured and s.unheard(now) > after]
    leave(subjects, gone, decider, "it was silent for so long that it is forgotten", now)
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


def miss(subject: Subject, decider: Decider) -> None:
    """End alarms on instances that are no longer there, and forget these: a disk that was taken out is not full."""
    lined = {id(cell) for cell in subject.line}
    for key, cell in list(subject.cells.items()):
        if id(cell) in lined or subject.now - cell.missing <= GONE:
            continue
        if cell.alarm is not None:
            decider.end(subject, cell, f"[{cell.instance}] was in no reading for {in_words(GONE)}")
        del subject.cells[key]
