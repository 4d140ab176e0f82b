"""What is remembered of a subject when the hub's clock was set: no wait is longer, and nothing is to come. Pure.

Clocks are set when a machine found out that it was wrong, or slept. How long a run has lasted is not to change by
that: what has to hold for five minutes holds for five minutes that passed.
"""

from __future__ import annotations

from dataclasses import replace

from alerter.machine import Alarm, State
from alerter.subjects import Subject


def jumped(subject: Subject, by: int, now: int) -> None:
    """Make what is remembered fit a clock that was set by ``by`` to ``now``; both in ns."""
    subject.let_off(now, by)
    # Whoever is silent is forgotten after as long as ever.
    subject.first = min(max(subject.heard, subject.first) + by, now)
    for cell in subject.cells.values():
        if cell.alarm is not None:
            cell.alarm = past(moved(cell.alarm, by), now)
        if cell.missing:
            cell.missing = min(cell.missing + by, now)
        if by < 0:
            cell.fired = tuple(at for at in cell.fired if at <= now)
    subject.losses = {key: (min(at + by, now), count) for key, (at, count) in subject.losses.items()}
    for place in subject.places_seen.values():
        place.at = min(place.at + by, now)
    if by < 0:
        subject.at(min(subject.now, now))
        # It was heard before what fires over its silence did: see ``past``.
        subject.heard = min(subject.heard, now - 1)
        for window in subject.windows.values():
            window.cut(now / 1e9)


def moved(alarm: Alarm, by: int) -> Alarm:
    """The alarm with the run that is under way as long as it was; since when it fires stays as it was told."""
    if alarm.state is State.PENDING:
        return replace(alarm, since=alarm.since + by, began=alarm.began + by)
    if alarm.state is State.CLEARING:
        return replace(alarm, since=alarm.since + by)
    return alarm


def past(alarm: Alarm, now: int) -> Alarm:
    """The alarm with no time that is still to come."""
    if max(alarm.since, alarm.began, alarm.fired_at) <= now:
        return alarm
    # It fired before the hub began to listen anew: whoever is silent since then is silent still.
    fired = min(alarm.fired_at, now - 1)
    return replace(alarm, since=min(alarm.since, now), began=min(alarm.began, now), fired_at=fired)
