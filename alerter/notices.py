"""Is there a reason to speak, and to whom? Pure.

``decide`` looks at one incident, at what holds it back, and at what each channel was told of it. It may be asked as
often as one likes: it answers with what is not yet said, and with a reason where nothing is. A hold holds back alarms
and reminders; the end of what somebody was told is always told, to exactly those.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from alerter.incidents import Hold, Incident
from alerter.letters import ACKNOWLEDGED, ALARM, DRILL, ESCALATION, RECOVERY, REMINDER, Told, item_key
from alerter.routes import Routes
from bus.faults import listed
from bus.messages import DRILL as DRILLED

SAID = frozenset({"told", "recovery_told", "came_and_went", "escalated", "reminded", "no_channel", "not_severe_enough"})
"""Verdicts on telling people; all others are on the alarm itself."""
HELD = "held_by_"
"""What verdicts begin with that somebody is not told for a hold; its cause follows."""
FREE = "free"
"""That nothing holds notices back any longer."""
LASTING = frozenset({"acknowledged", "no_channel", "not_severe_enough"})
"""Verdicts that hold on; the others are on something that was just said."""


@dataclass(frozen=True, slots=True)
class Intent:
    """Something to say to a channel now."""

    about: str
    channel: str
    number: int = 0
    """Of a reminder."""

    def key(self, incident: Incident) -> str:
        """Its idempotency key."""
        return item_key(incident, self.about, self.channel, self.number)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something is said, or is not: a word for programs, a sentence for people."""

    verdict: str
    text: str


@dataclass(frozen=True, slots=True)
class Decided:
    """What to say now, and why."""

    intents: tuple[Intent, ...]
    reasons: tuple[Reason, ...]


def decide(incident: Incident, holds: Sequence[Hold], told: Mapping[str, Told], routes: Routes, now: int) -> Decided:
    """What has to be said about ``incident`` at ``now``; ``told`` is by channel."""
    if not incident.firing:
        return _over(incident, holds, told)
    if holds:
        return Decided((), tuple(Reason(f"{HELD}{hold.cause}", hold.detail) for hold in holds))
    drill = incident.subject == DRILLED
    wanted = incident.channels if drill else routes.of(incident)
    intents = [Intent(DRILL if drill else ALARM, name) for name in wanted if name not in told]
    reasons = []
    if intents:
        reasons.append(Reason("told", f"told {listed((intent.channel for intent in intents), 'and')}"))
    elif not told:
        return Decided((), (_nobody(incident, routes),))
    if incident.acknowledged:
        who = incident.acknowledged.owner
        fresh = [intent.channel for intent in intents]
        known = [name for name, one in told.items() if one.open and not one.acknowledged]
        intents += [Intent(ACKNOWLEDGED, name) for name in (*fresh, *known)]
        reasons.append(Reason("acknowledged", f"acknowledged by {who}: no reminder and no escalation"))
        return Decided(tuple(intents), tuple(reasons))
    if drill:
        return Decided(tuple(intents), tuple(reasons))
    later = _later(incident, told, routes, now, {intent.channel for intent in intents})
    return Decided((*intents, *later), (*reasons, *_said(later)))


def _over(incident: Incident, holds: Sequence[Hold], told: Mapping[str, Told]) -> Decided:
    intents = tuple(Intent(RECOVERY, name) for name, one in told.items() if one.open)
    if intents:
        names = listed((intent.channel for intent in intents), "and")
        return Decided(intents, (Reason("recovery_told", f"told {names}, who had been told of the alarm"),))
    if not told:
        held = f": {holds[0].detail}" if holds else ""
        return Decided((), (Reason("came_and_went", f"it was over before anybody was told{held}"),))
    return Decided((), ())


def _nobody(incident: Incident, routes: Routes) -> Reason:
    if not routes.channels:
        return Reason("no_channel", "nobody is told: no [channels.NAME] is configured")
    named = incident.channels or routes.default
    if not named:
        return Reason("no_channel", "nobody is told: [notify] channels is empty")
    return Reason(
        "not_severe_enough", f"{listed(named, 'and')} {'is' if len(named) == 1 else 'are'} told of graver alarms only"
    )


def _later(incident: Incident, told: Mapping[str, Told], routes: Routes, now: int, busy: set[str]) -> list[Intent]:
    """Steps and reminders that are due."""
    heard = [one for one in told.values() if one.open]
    intents = []
    first = min((one.first_at for one in heard), default=now)
    for after, names in routes.steps:
        waiting = [name for name in routes.severe(names, incident.severity) if name not in told and name not in busy]
        if first + after <= now:
            intents += [Intent(ESCALATION, name) for name in waiting]
            busy |= set(waiting)
    concerned = routes.all_of(incident)
    for one in [one for one in heard if one.channel in concerned] or heard:
        if routes.reminder and one.spoken_at + routes.reminder <= now:
            intents.append(Intent(REMINDER, one.channel, one.reminders + 1))
    return intents


def _said(intents: Sequence[Intent]) -> list[Reason]:
    words = {ESCALATION: ("escalated", "nobody acknowledged it: told"), REMINDER: ("reminded", "it still fires: told")}
    return [Reason(words[one.about][0], f"{words[one.about][1]} {one.channel}") for one in intents]


def noted(told: Told | None, intent: Intent, incident: Incident, now: int) -> Told:
    """What the channel counts as told once the intent is in the outbox."""
    told = told or Told(incident.id, intent.channel, incident.subject, first_at=now, severity=incident.severity)
    match intent.about:
        case "recovery":
            return replace(told, recovered=True)
        case "acknowledged":
            return replace(told, acknowledged=True)
        case "reminder":
            return replace(told, reminders=intent.number, spoken_at=now)
    return replace(told, transition=incident.transition, spoken_at=now)
