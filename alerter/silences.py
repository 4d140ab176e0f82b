"""What a silence or a maintenance window holds back, and until when. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from fnmatch import fnmatchcase

from alerter.config import Maintenance, idle
from alerter.rules import Rule
from alerter.subjects import Subject
from bus import calendar
from bus.faults import did_you_mean
from bus.judging import LONGEST_SILENCE, AddSilence, Hold, Incident, Opening
from bus.messages import Silence

LONGEST = int(LONGEST_SILENCE * 1e9)


def matches(terms: Sequence[str], incident: Incident) -> bool:
    """Whether ``terms`` speak of the incident: of one kind any has to match, of every kind that is there one.

    ``web-*`` and ``host/web-*`` are subjects, ``rule=disk*``, ``severity=info`` and ``NAME=VALUE`` (a label) others.
    """
    kinds: dict[str, bool] = {}
    for term in terms:
        name, equals, glob = term.partition("=")
        if not equals:
            name, glob = "subject", term
        kinds[name] = kinds.get(name, False) or any(fnmatchcase(text, glob) for text in _texts(name, incident))
    return bool(kinds) and all(kinds.values())


def _texts(name: str, incident: Incident) -> tuple[str, ...]:
    match name:
        case "subject":
            return incident.subject, f"{incident.kind}/{incident.subject}"
        case "rule":
            return (incident.rule,)
        case "severity":
            return (incident.severity,)
        case "instance":
            return (incident.instance,)
    return (incident.labels[name],) if name in incident.labels else ()


def silenced(silences: Iterable[Silence], incident: Incident, now: int) -> list[Hold]:
    """The silences that hold the incident's notices back."""
    return [
        Hold("silence", f"silenced by {one.owner} until {clock(one.until, now)}: {one.reason}", one.until)
        for one in silences
        if is_active(one, now) and matches(one.matches, incident)
    ]


def is_active(silence: Silence, now: int) -> bool:
    """Whether a silence holds at ``now``."""
    return not silence.revoked and silence.starts <= now < silence.until


def in_maintenance(windows: Iterable[Maintenance], incident: Incident, now: int) -> list[Hold]:
    """The maintenance windows that hold the incident's notices back."""
    found = []
    for one in windows:
        if matches(one.matches, incident):
            end = calendar.ends(one, now)
            if end is not None:
                found.append(Hold("maintenance", f"maintenance {one.name} until {clock(end, now)}", end))
    return found


def objection(asked: AddSilence, now: int) -> str:
    """What there is against a silence, as a sentence; empty when nothing is."""
    if not asked.owner.strip():
        return "a silence has an owner: say who you are"
    if not asked.reason.strip():
        return "a silence has a reason: say why"
    if not asked.matches or not all(term.strip() for term in asked.matches):
        return "a silence says what it holds back: a host or service, rule=NAME, severity=WORD or LABEL=VALUE"
    for term in asked.matches:
        if said := idle(term):
            return f"{term} holds nothing back, expected {said[0]}" + (f"; {said[1]}" if said[1] else "")
    if asked.until <= max(now, asked.starts or now):
        return "a silence ends after it began, and not in the past"
    if asked.until > now + LONGEST:
        return "a silence ends within a year: what is never to be told needs another rule"
    return ""


def strange(terms: Iterable[str], subjects: Iterable[Subject], rules: Iterable[Rule]) -> list[str]:
    """The terms that match no host, service, rule or label of now, each with what it was probably meant to be."""
    seen = list(subjects)
    names = {"subject": {text for one in seen for text in (one.name, one.key)}, "rule": {rule.name for rule in rules}}
    found = []
    for term in terms:
        name, equals, glob = term.partition("=")
        if not equals:
            name, glob = "subject", term
        if name in ("severity", "instance"):
            continue
        known = names.get(name) or {one.labels[name] for one in seen if name in one.labels}
        if not any(fnmatchcase(text, glob) for text in known):
            labels = {label for one in seen for label in one.labels}
            near = did_you_mean(glob, sorted(known)) if known else did_you_mean(name, sorted(labels))
            found.append(f"{term} ({near})" if near else term)
    return found


def made(asked: AddSilence, id: str, now: int) -> Silence:
    """The silence that was asked for."""
    starts = max(now, asked.starts or now)
    return Silence(id, asked.owner.strip(), asked.reason.strip(), starts, asked.until, tuple(asked.matches))


def clock(at: int, now: int) -> str:
    """A time as people say it, in UTC; the day too when it is another one."""
    then, today = datetime.fromtimestamp(at / 1e9, UTC), datetime.fromtimestamp(now / 1e9, UTC)
    return then.strftime("%H:%MZ" if then.date() == today.date() else "%Y-%m-%d %H:%MZ")


def current(silences: Mapping[str, Silence], now: int, *, past: bool) -> tuple[Silence, ...]:
    """Silences that hold or will; with ``past`` all."""
    found = [one for one in silences.values() if past or (not one.revoked and one.until > now)]
    return tuple(sorted(found, key=lambda one: (one.until, one.id)))


def openings(windows: Iterable[Maintenance], now: int) -> tuple[Opening, ...]:
    """When each maintenance window is open, or opens next; what is open, or opens first, before the others."""
    found = [
        Opening(one.name, *times, one.matches) for one in windows if (times := calendar.opening(one, now)) is not None
    ]
    return tuple(sorted(found, key=lambda one: (one.starts, one.name)))
