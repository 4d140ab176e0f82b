"""The tables ``[alerter]``, ``[[rules]]`` and ``[[maintenance]]``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from alerter.language import Misread
from alerter.terms import condition, readings
from bus import calendar
from bus.config import Objection, setting
from bus.faults import did_you_mean, listed
from bus.judging import SEVERITIES

_NAME = r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}"
_NAME_FORM = "a name of letters, digits, blanks and . _ - (at most 64 of them)"
_MATCHES = r'"web-*", "rule=disk*", "severity=info" or "role=db" (a label)'


@dataclass(frozen=True)
class Alerter:
    """How alarms are judged, and how long what was decided is kept."""

    default_rules: bool = setting(True, help="Whether the rules that Guardia brings hold (guardia rules shows them).")
    decisions_seconds: float = setting(
        14 * 86_400.0, unit="s", minimum=3600, help="So long guardia why knows what was decided."
    )
    decisions_each: int = setting(
        200, minimum=10, maximum=10_000, help="So many decisions are kept of each rule and subject, the newest."
    )
    incidents_seconds: float = setting(
        400 * 86_400.0, unit="s", minimum=86_400, help="So long incidents that are over are kept."
    )
    forget_seconds: float = setting(
        7 * 86_400.0,
        unit="s",
        minimum=3600,
        help="A host or service that is not in this file and was silent for so long is forgotten, and its alarms end.",
    )
    parent_seconds: float = setting(
        60.0, unit="s", minimum=0, maximum=3600, help="After a parent's recovery its children have so long to follow."
    )
    flapping_count: int = setting(
        5,
        minimum=2,
        maximum=10_000,
        help="An alarm that fired so often within an hour is called flapping, and ends once it is clear for 15m.",
    )


MOST_ADVICE = 500
"""Characters: it goes out with every notice, also to where there is little room."""


@dataclass(frozen=True)
class RuleTable:
    """A rule of the operator's, or changes to one that Guardia brings, by its name."""

    name: str = setting(
        pattern=_NAME, form=_NAME_FORM, unique=True, help="Its name; that of a rule which Guardia brings changes it."
    )
    when: str = setting("", help="The condition, as in docs/alerting.md: cpu.percent > 90.")
    for_: float | None = setting(None, unit="s", minimum=0, help="So long the condition has to hold first.")
    times: int | None = setting(
        None, minimum=1, maximum=1000, help="So many readings in a row have to meet the condition first."
    )
    clear: str = setting("", help="The recovery condition: cpu.percent < 80; empty: when the condition holds no more.")
    clear_for: float | None = setting(None, unit="s", minimum=0, help="So long the recovery has to hold first.")
    severity: str = setting("", choices=("", *SEVERITIES), help="How urgent it is; empty: warning.")
    hosts: tuple[str, ...] = setting((), help="Only hosts whose names match one of these.")
    services: tuple[str, ...] = setting((), help="Only services whose names match one of these.")
    rooms: tuple[str, ...] = setting((), help="Guardia's own rooms that match, as guardia.*, in place of hosts.")
    labels: dict[str, str] = setting({}, help="Only hosts or services that have all these labels.")
    channels: tuple[str, ...] = setting((), help="Whom to tell; empty: the default channels.")
    advice: str = setting("", help="What to do when it fires: words, or the address of a page. It is told with it.")
    unreachable: bool | None = setting(
        None, help="Whether it means that nobody gets to its subject: the notices of what depends on that wait."
    )
    enabled: bool = setting(True, help="Whether it is judged at all.")

    def objections(self) -> Iterator[Objection]:
        """Conditions are read now, not at night."""
        if len(self.advice) > MOST_ADVICE:
            yield Objection("advice", f"{len(self.advice)} characters", f"at most {MOST_ADVICE}, or a page's address")
        read = {}
        for key in ("when", "clear"):
            text = getattr(self, key)
            if not text:
                continue
            try:
                read[key] = condition(text)
            except Misread as fault:
                yield Objection(key, f"{fault.found} at character {fault.place} of {text!r}", fault.expected)
        kinds = {one.kind for one in read.values()}
        if len(read) > 1 and read["clear"].wild and not read["when"].wild:
            expected = "readings of the whole, as when has, such as max(disk[*].percent)"
            yield Objection("clear", "readings of each instance", expected, "as it is the alarm never ends")
        if len(kinds) > 1:
            yield Objection("clear", "a recovery condition about something else", "the same kind of readings as when")
        if sum(map(bool, (self.hosts, self.services, self.rooms))) > 1:
            yield Objection("hosts", "hosts, services and rooms together", "one of them")
        if self.services and (others := [name for text in (self.when, self.clear) for name in _of_hosts(text)]):
            yield Objection("services", f"services beside {others[0]}, a reading of hosts", "hosts = [...]")
        if "service" in kinds and (self.hosts or self.rooms):
            key = "hosts" if self.hosts else "rooms"
            yield Objection(key, f"{key} beside readings of services", "services = [...]")


def _of_hosts(text: str) -> tuple[str, ...]:
    """The readings of hosts that a condition asks for; none where it cannot be read, which is told apart."""
    try:
        return readings(text) if text else ()
    except Misread:
        return ()


@dataclass(frozen=True)
class Maintenance:
    """A window that comes again and again, in which nobody is told."""

    name: str = setting(pattern=_NAME, form=_NAME_FORM, unique=True, help="Its name, as notices and why show it.")
    start: str = setting(
        pattern=r"([01]\d|2[0-3]):[0-5]\d", form="a time such as 02:00", help="When it begins on these days."
    )
    lasts: float = setting(unit="s", minimum=60, maximum=7 * 86_400, help="How long it lasts.")
    matches: tuple[str, ...] = setting(("*",), help=f"What is held back: names, or {_MATCHES}.")
    days: tuple[str, ...] = setting(
        (), choices=calendar.DAYS, help="Days on which it begins; empty, without month_days: every day."
    )
    month_days: tuple[int, ...] = setting((), minimum=1, maximum=31, help="Days of the month on which it begins.")
    zone: str = setting("UTC", help="The time zone of its times, as Europe/Berlin.")

    def objections(self) -> Iterator[Objection]:
        """The time zone has to be known here, and something has to be held back."""
        if not calendar.is_zone(self.zone):
            near = did_you_mean(self.zone, calendar.zones())
            yield Objection("zone", f'"{self.zone}"', "a time zone such as UTC or Europe/Berlin", near)
        if not self.matches:
            yield Objection("matches", "nothing", f"what is held back: names, or {_MATCHES}", 'leave it out for ["*"]')
        for term in self.matches:
            if said := idle(term):
                yield Objection("matches", f'"{term}"', *said)


def idle(term: str) -> tuple[str, str] | None:
    """What is expected in place of a term that no alarm can match, and the nearest; None: one can."""
    name, _, glob = term.partition("=")
    if name == "severity" and not any(fnmatchcase(word, glob) for word in SEVERITIES):
        return f"severity={listed(SEVERITIES)}", did_you_mean(glob, SEVERITIES)
    return None
