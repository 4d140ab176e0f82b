"""Why nobody is told of an incident now: silences, maintenance, what it depends on, our own connectivity. Pure.

Nothing here touches measurement, an alarm's state or a recovery.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from alerter.config import Maintenance
from alerter.incidents import Hold, Incident
from alerter.judge import Judge
from alerter.machine import State, in_words
from alerter.silences import clock, in_maintenance, is_active, silenced
from alerter.subjects import NAN, NEVER, Cell, Subject
from alerter.terms import STATES
from bus import calendar
from bus.messages import Silence
from bus.timing import SECOND

OVERDUE = 15.0
"""Seconds without a word after which a parent is looked at before its children are spoken of."""
LONGEST_DOUBT = 300.0
"""Seconds without a word after which it is either called unreachable, or by its rules nothing is wrong with that."""
KINDS = ("host", "service")


class Holding:
    """What holds notices back; silences by id."""

    def __init__(self, windows: Sequence[Maintenance] = (), *, settle: int = 60 * SECOND, silent: int = NEVER) -> None:
        """``silent``: after so long (ns) without a word of the prober nobody knows whether it has a connection."""
        self.silent = silent
        self.silences: dict[str, Silence] = {}
        self.windows = tuple(windows)
        self.settle = settle
        self.recovered: dict[str, int] = {}
        """When those could be reached again whose children still have time to follow, by their keys."""

    def ended(self, incident: Incident, now: int) -> None:
        """Note that a subject can be reached again; what depends on it has ``settle`` to follow."""
        self.recovered = {key: at for key, at in self.recovered.items() if 0 <= now - at < self.settle}
        self.recovered[f"{incident.kind}/{incident.subject}"] = now

    def held(self, incidents: Iterable[Incident], judge: Judge, now: int) -> dict[str, tuple[Hold, ...]]:
        """All that holds the notices of each incident back at ``now``, by their ids."""
        # Of thousands of silences that are over no incident is to be compared with each.
        silences = [one for one in self.silences.values() if is_active(one, now)]
        windows = [one for one in self.windows if calendar.ends(one, now) is not None]
        return {one.id: self._holds(one, silences, windows, judge, now) for one in incidents}

    def _holds(
        self,
        incident: Incident,
        silences: Iterable[Silence],
        windows: Iterable[Maintenance],
        judge: Judge,
        now: int,
    ) -> tuple[Hold, ...]:
        found = silenced(silences, incident, now)
        found += in_maintenance(windows, incident, now)
        found += self._parents(incident, judge, now)
        if incident.kind == "service" and not is_connected(judge, now, self.silent):
            found.append(
                Hold("connectivity", "Guardia's own host has no connection: what it sees of services is no news")
            )
        return tuple(found)

    def _parents(self, incident: Incident, judge: Judge, now: int) -> list[Hold]:
        subject = judge.subjects.get((incident.kind, incident.subject))
        for parent in ancestors(subject, judge):
            down = unreachable(parent, judge, now, self.settle)
            if down is not None:
                since = in_words(now - down.started_at)
                return [Hold("parent", f"{parent.name}, which it depends on, is down since {since}: {down.reason}")]
            if (doubt := doubtful(parent, now)) is not None:
                return [Hold("parent", f"{parent.name}, which it depends on, is looked at first: {doubt}")]
            ended = self.recovered.get(parent.key)
            if ended is not None and 0 <= now - ended < self.settle:
                until = ended + self.settle
                text = f"{parent.name}, which it depends on, is back: it has until {clock(until, now)} to follow"
                return [Hold("parent", text, until)]
        return []


def ancestors(subject: Subject | None, judge: Judge) -> Iterable[Subject]:
    """What a subject depends on, the nearest first."""
    seen = {""}
    while subject is not None and subject.parent not in seen:
        seen.add(subject.parent)
        kind, _, name = subject.parent.partition("/")
        # host/gw is the host of that name; gw whatever bears it.
        kinds, name = ((kind,), name) if kind in KINDS and name else (KINDS, subject.parent)
        found = [judge.subjects[kind, name] for kind in kinds if (kind, name) in judge.subjects]
        yield from found
        subject = found[0] if found else None


def unreachable(subject: Subject, judge: Judge, now: int, settle: int) -> Incident | None:
    """The incident that says that nobody gets to the subject.

    One that comes and goes says so for ``settle`` after it was there the last time: what depends on it had that to
    follow, and does not wait until it is steady.
    """
    for cell in subject.standing():
        found = cell.incident
        if not cell.rule.unreachable or found is None or found.id not in judge.decider.open:
            continue
        if not cell.steadies(now, settle):
            return found
    return None


def doubtful(subject: Subject, now: int) -> str | None:
    """Why a subject is about to be called unreachable; None when nothing speaks for it.

    Where no rule may call it so, or none did for long, nobody waits for that.
    """
    if not any(rule.unreachable for rule in subject.rules):
        return None
    with subject.looked_at(now):
        age = subject.age()
    if not subject.heard or age > max(LONGEST_DOUBT, 4 * subject.interval):
        return None
    if subject.kind == "service":
        state, status = [*subject.values(), NAN, NAN][:2]
        waits = any(cell.rule.unreachable and is_pending(cell) for cell in subject.standing())
        if waits or (status == STATES["down"] and state != status):
            return "its last check failed"
    elif age > max(OVERDUE, 2 * subject.interval):
        return f"nothing heard for {in_words(int(age * 1e9))}"
    return None


def is_pending(cell: Cell) -> bool:
    """Whether the alarm may fire soon."""
    return cell.alarm is not None and cell.alarm.state is State.PENDING


def is_connected(judge: Judge, now: int, silent: int = NEVER) -> bool:
    """Whether the prober on the hub has a connection of its own; unknown counts as yes, as when it is ``silent``."""
    subject = judge.subjects.get(("hub", "guardia.prober"))
    return subject is None or now - subject.heard > silent or subject.reading("prober.connected") != 0.0
