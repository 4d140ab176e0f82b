"""The life of an alarm as one table. Pure.

``step`` takes an alarm and what was found and returns the alarm after it, what changed, and why. ``python -m
alerter.machine`` prints the diagram that ``docs/alerting.md`` shows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from bus.timing import SECOND, to_two_units


class State(StrEnum):
    """Where an alarm is in its life."""

    QUIET = "quiet"
    PENDING = "pending"
    FIRING = "firing"
    CLEARING = "clearing"


class Seen(StrEnum):
    """What a finding means to an alarm."""

    BAD = "holds"
    """The condition holds, not yet long enough."""
    BAD_LONG = "holds long enough"
    BETWEEN = "neither holds nor is it clear"
    """Better than the limit, worse than the recovery level."""
    GOOD = "is clear"
    GOOD_LONG = "is clear long enough"
    NOTHING = "no data"
    GONE = "is no longer watched"


_Q, _P, _F, _C = State.QUIET, State.PENDING, State.FIRING, State.CLEARING
TABLE: dict[tuple[State, Seen], State] = {
    (_Q, Seen.BAD): _P,
    (_Q, Seen.BAD_LONG): _F,
    (_Q, Seen.BETWEEN): _Q,
    (_Q, Seen.GOOD): _Q,
    (_Q, Seen.GOOD_LONG): _Q,
    (_Q, Seen.NOTHING): _Q,
    (_Q, Seen.GONE): _Q,
    (_P, Seen.BAD): _P,
    (_P, Seen.BAD_LONG): _F,
    (_P, Seen.BETWEEN): _Q,
    (_P, Seen.GOOD): _Q,
    (_P, Seen.GOOD_LONG): _Q,
    (_P, Seen.NOTHING): _P,  # nothing heard is no evidence: the run is not broken, nor does it count as a reading
    (_P, Seen.GONE): _Q,
    (_F, Seen.BAD): _F,
    (_F, Seen.BAD_LONG): _F,
    (_F, Seen.BETWEEN): _F,
    (_F, Seen.GOOD): _C,
    (_F, Seen.GOOD_LONG): _Q,
    (_F, Seen.NOTHING): _F,
    (_F, Seen.GONE): _Q,
    (_C, Seen.BAD): _F,
    (_C, Seen.BAD_LONG): _F,
    (_C, Seen.BETWEEN): _F,
    (_C, Seen.GOOD): _C,
    (_C, Seen.GOOD_LONG): _Q,
    (_C, Seen.NOTHING): _C,
    (_C, Seen.GONE): _Q,
}


class Change(StrEnum):
    """What became of an alarm."""

    PENDING = "pending"
    FIRED = "fired"
    CLEARING = "clearing"
    BACK = "back"
    """It was clearing and burns on: the same incident."""
    DROPPED = "dropped"
    """It was pending and never fired: nobody hears of it."""
    RESOLVED = "resolved"


_CHANGES = {
    (_Q, _P): Change.PENDING,
    (_Q, _F): Change.FIRED,
    (_P, _F): Change.FIRED,
    (_P, _Q): Change.DROPPED,
    (_F, _C): Change.CLEARING,
    (_F, _Q): Change.RESOLVED,
    (_C, _F): Change.BACK,
    (_C, _Q): Change.RESOLVED,
}


@dataclass(frozen=True, slots=True)
class Alarm:
    """One rule, subject and instance. Times in ns by the hub's clock."""

    state: State = State.QUIET
    since: int = 0
    """When this state began."""
    began: int = 0
    """When the condition began to hold, of the run that is under way."""
    count: int = 0
    """Findings in a row in which the condition held."""
    fired_at: int = 0
    value: float | None = None
    threshold: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule found. ``holds`` None: no data. ``clear``: whether the recovery condition holds.

    ``wait`` and ``settle`` (ns) and ``times`` are the rule's patience: so long, and so often in a row, the condition
    has to hold before the alarm fires, and the recovery condition before it is resolved.
    """

    holds: bool | None
    clear: bool = True
    value: float | None = None
    threshold: float | None = None
    text: str = ""
    wait: int = 0
    settle: int = 0
    times: int = 1
    gone: bool = False


QUIET = Alarm()


def step(alarm: Alarm, finding: Finding, now: int) -> tuple[Alarm, Change | None, str]:
    """The alarm after ``finding``, what changed if its state did, and the reason in words."""
    seen = meaning(alarm, finding, now)
    state = TABLE[alarm.state, seen]
    change = _CHANGES.get((alarm.state, state))
    reason = reason_for(alarm, finding, seen, state, now)
    if state is State.QUIET:
        return QUIET, change, reason
    bad = seen in (Seen.BAD, Seen.BAD_LONG)
    fresh = alarm.state is State.QUIET
    after = replace(
        alarm,
        state=state,
        since=alarm.since if state is alarm.state else now,
        began=now if fresh else alarm.began,
        count=alarm.count + 1 if bad else alarm.count,
        fired_at=now if change is Change.FIRED else alarm.fired_at,
        value=alarm.value if finding.value is None else finding.value,
        threshold=alarm.threshold if finding.threshold is None else finding.threshold,
        reason=reason if change or bad else alarm.reason,
    )
    return after, change, reason


def meaning(alarm: Alarm, finding: Finding, now: int) -> Seen:
    """What ``finding`` means to ``alarm`` at ``now``."""
    if finding.gone:
        return Seen.GONE
    if finding.holds is None:
        return Seen.NOTHING
    if finding.holds:
        began = now if alarm.state is State.QUIET else alarm.began
        long = now - began >= finding.wait and alarm.count + 1 >= finding.times
        return Seen.BAD_LONG if long else Seen.BAD
    if not finding.clear:
        return Seen.BETWEEN
    since = alarm.since if alarm.state is State.CLEARING else now
    return Seen.GOOD_LONG if now - since >= finding.settle else Seen.GOOD


def reason_for(alarm: Alarm, finding: Finding, seen: Seen, state: State, now: int) -> str:
    """The sentence that says why the alarm is where it is."""
    text = finding.text
    began = now if alarm.state is State.QUIET else alarm.began
    if seen is Seen.GONE:
        return text or "no longer watched"
    if seen is Seen.NOTHING:
        return f"no data: {text}" if text else "no data"
    if state is State.PENDING:
        return f"{text}, {progress(alarm.count + 1, now - began, finding)}"
    if seen in (Seen.BAD, Seen.BAD_LONG):
        return f"{text}, since {in_words(now - began)}" if now - began >= SECOND else text
    if state is State.CLEARING:
        since = alarm.since if alarm.state is State.CLEARING else now
        return f"{text}, clear for {in_words(now - since)} of {in_words(finding.settle)}"
    if state is State.FIRING:
        return f"{text}, not yet clear"
    return text


def progress(count: int, elapsed: int, finding: Finding) -> str:
    """``for 2m of 5m`` or ``2 of 4 times``."""
    parts = []
    if finding.wait:
        parts.append(f"for {in_words(elapsed)} of {in_words(finding.wait)}")
    if finding.times > 1:
        parts.append(f"{count} of {finding.times} times")
    return " and ".join(parts)


def in_words(ns: int) -> str:
    """A duration in ns, to two units."""
    return to_two_units(ns // SECOND)


def diagram() -> str:
    """The table as a Mermaid state diagram, a line for each way from one state to another."""
    lines = ["stateDiagram-v2", "    [*] --> quiet"]
    ways: dict[tuple[State, State], list[str]] = {}
    for (state, seen), after in TABLE.items():
        if after is not state:
            ways.setdefault((state, after), []).append(seen.value)
    lines += [f"    {a} --> {b}: {', '.join(seen)}" for (a, b), seen in ways.items()]
    return "\n".join(lines)
