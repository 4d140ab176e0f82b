"""``guardia rules test FILE``: rules tried on timelines that an operator wrote.

[[timelines]]
name = "five minutes of load are told"
host = "web-1"
readings = [{ at = "0s", values = { "cpu.percent" = 95 } }, { at = "10m", silent = true }]
expect = [{ at = "5m", rule = "busy", state = "firing" }]
lasts = "20m"
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from alerter.backtest import LISTS
from alerter.config import Alerter
from alerter.handing import hand
from alerter.judge import Judge
from alerter.machine import Change
from alerter.rules import Rule, in_force
from bus import config, home, hubs, rooms
from bus.arguments import Parser
from bus.config import ConfigError, Objection, setting
from bus.drawers import Drawer, Mixed
from bus.faults import listed, meant
from bus.messages import Check, Layout, Sample
from bus.tables import Host, Service
from bus.timing import SECOND, in_words
from bus.wire import record

RIGHT, FAILED = 0, 1
STATES = ("firing", "resolved")
NOON = 1_735_732_800
"""The hour at which timelines begin; nothing depends on it."""
_WORD = {Change.FIRED: "firing", Change.RESOLVED: "resolved"}


@dataclass(frozen=True)
class Said:
    """What the host or service says from a moment on."""

    at: float = setting(unit="s", minimum=0, help="When it begins to say so.")
    values: dict[str, float] = setting({}, help="A host's readings.")
    grows: dict[str, float] = setting({}, help="By how much a reading grows each second from then on.")
    status: str = setting("", choices=("", "up", "degraded", "down", "unknown"), help="What a service's checks find.")
    places: dict[str, str] = setting({}, help='What they find from several places: { paris = "down", rome = "up" }.')
    days: int | None = setting(None, help="Days until the service's certificate ends.")
    ms: float | None = setting(None, minimum=0, help="The service's response time in ms.")
    silent: bool = setting(False, help="It says nothing any more.")

    def objections(self) -> Iterator[Objection]:
        """Places see a service as a check does."""
        for place, status in self.places.items():
            if status not in Check.STATUSES:
                yield Objection("places", f'"{status}" from {place}', listed(sorted(Check.STATUSES)))


@dataclass(frozen=True)
class Expected:
    """What has to happen."""

    at: float = setting(unit="s", minimum=0, help="When.")
    rule: str = setting(help="Of which rule.")
    state: str = setting(choices=STATES, help="What becomes of its alarm.")
    instance: str = setting("", help="Of which instance, as / of disk[/].percent.")


@dataclass(frozen=True)
class Timeline:
    """What is said and what is expected."""

    name: str = setting(help="What it shows.")
    lasts: float = setting(unit="s", minimum=1, maximum=7 * 86_400, help="How long the timeline is.")
    host: str = setting("", help="Who says it.")
    service: str = setting("", help="Or which service is seen so.")
    every: float = setting(10.0, unit="s", minimum=1, maximum=3600, help="So often it is said.")
    readings: tuple[Said, ...] = setting((), help="What is said, one after another.")
    expect: tuple[Expected, ...] = setting((), help="All that has to happen, and nothing else may.")

    def objections(self) -> Iterator[Objection]:
        """Somebody says it, in the order of time, and in the words of a host or of checks."""
        if bool(self.host) == bool(self.service):
            yield Objection("host", "both a host and a service" if self.host else "nobody", "host or service")
        if not self.readings:
            yield Objection("readings", "none", "at least one")
        if any(one.at > after.at for one, after in zip(self.readings, self.readings[1:], strict=False)):
            yield Objection("readings", "times that go back", "one after another")
        for what, found in (("expected", self.expect), ("said", self.readings)):
            if late := [one.at for one in found if one.at > self.lasts]:
                yield Objection(
                    "lasts", in_words(self.lasts), f"at least {in_words(late[0])}, when something is {what}"
                )
        of_hosts = any(one.values or one.grows for one in self.readings)
        of_checks = any(one.status or one.places or one.days is not None or one.ms is not None for one in self.readings)
        if self.service and not self.host and of_hosts:
            yield Objection("readings", "values of a service", "what its checks find: status, places, days and ms")
        if self.host and not self.service and of_checks:
            yield Objection("readings", "what checks find, of a host", "its values")


Event = tuple[float, str, str, str]
"""Seconds, rule, instance, state."""


def happened(
    timeline: Timeline, rules: Sequence[Rule], hosts: Sequence[Host], services: Sequence[Service]
) -> list[Event]:
    """What becomes of alarms on the timeline."""
    judge = Judge(rules, hosts, services, now=_ns(0))
    events: list[Event] = []
    subject, number, second = timeline.host or timeline.service, 0, 0.0
    while second <= timeline.lasts:
        judge.advance(_ns(second))
        said = next((one for one in reversed(timeline.readings) if one.at <= second), None)
        if said is not None and not said.silent and second % timeline.every < 1:
            for source, message in _messages(timeline, said, second, judge):
                number += 1
                told = record(message, source=source, subject=subject, at=_ns(second), epoch=1, number=number)
                hand(judge, told, _ns(second))
        events += [
            ((one.at - _ns(0)) / SECOND, one.rule, one.instance, _WORD[one.change])
            for one in judge.decider.taken()
            if one.change in _WORD and one.subject == subject
        ]
        second += 1.0
    return events


def _messages(timeline: Timeline, said: Said, second: float, judge: Judge) -> Iterator[tuple[str, Sample | Check]]:
    """Who says what, at a moment."""
    if timeline.service:
        for place, status in (said.places or {"": said.status or "up"}).items():
            yield "guardia.prober", Check(status, place=place, tls_days=said.days, response_ms=said.ms)
        return
    readings = {name: value + said.grows.get(name, 0.0) * (second - said.at) for name, value in said.values.items()}
    layout = Layout(tuple(readings))
    judge.layout(layout.id, layout.names)
    yield timeline.host, Sample(layout.id, tuple(readings.values()))


def _ns(second: float) -> int:
    return int((NOON + second) * SECOND)


def faults(timeline: Timeline, events: Sequence[Event]) -> list[str]:
    """What happened otherwise than expected; a moment may be one ``every`` late."""
    left = list(events)
    found = []
    for one in timeline.expect:
        same = [event for event in left if event[1:] == (one.rule, one.instance, one.state)]
        near = next((event for event in same if one.at <= event[0] <= one.at + timeline.every), None)
        if near is not None:
            left.remove(near)
            continue
        when = f", but at {', '.join(_clock(event[0]) for event in same)}" if same else ""
        found.append(f"{_name(one.rule, one.instance)} is not {one.state} at {_clock(one.at)}{when}")
        left = [event for event in left if event not in same]
    found += [f"{_name(rule, instance)} is {state} at {_clock(at)}, unexpected" for at, rule, instance, state in left]
    return found


def strange(timeline: Timeline, rules: Sequence[Rule]) -> list[str]:
    """What is expected of rules that are not in force, each with the one that was probably meant."""
    names = [rule.name for rule in rules]
    wrong = dict.fromkeys(one.rule for one in timeline.expect if one.rule not in names)
    return [f"there is no rule {name}; {meant(name, names)}" for name in wrong]


def _clock(seconds: float) -> str:
    return in_words(seconds) if seconds >= 1 else "the beginning"


def _name(rule: str, instance: str) -> str:
    return f"{rule} [{instance}]" if instance else rule


def main(argv: Sequence[str]) -> int:
    """Try the file; 0 all as expected, 1 not, 100 the file is wrong."""
    given = _arguments(argv)
    try:
        today = rooms.load(home.config_path(given.config, os.environ), needs=())
        lists: Mapping[str, type | Drawer | Mixed] = {**LISTS, "timelines": Timeline}
        tried = config.load(Path(given.file), {}, lists, others=(*rooms.tables(), *rooms.LISTS))
    except ConfigError as error:
        return hubs.refused(error, "guardia rules test")
    alerter: Alerter = today["alerter"]
    hosts, services = tried["hosts"] or today["hosts"], tried["services"] or today["services"]
    rules = in_force(tried["rules"] or today["rules"], hosts, defaults=alerter.default_rules)
    results = [
        (one.name, [*faults(one, happened(one, rules, hosts, services)), *strange(one, rules)])
        for one in tried["timelines"]
    ]
    if given.json:
        print(json.dumps([{"name": name, "faults": found} for name, found in results], indent=2))
    else:
        for name, found in results:
            print(f"{'FAILED' if found else 'ok':<7} {name}")
            for line in found:
                print(f"        {line}")
        if not results:
            print(f"{given.file} has no [[timelines]]: nothing was tried", file=sys.stderr)
    return FAILED if not results or any(found for _, found in results) else RIGHT


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = Parser(
        prog="guardia rules test",
        description="Try rules on [[timelines]] of a file; without [[rules]] in it, those of the hub are tried.",
    )
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--config", metavar="FILE", help="the hub's configuration")
    return parser.parse_args(argv)
