"""``guardia backtest``: rules tried on the stored past by the code that judges live.

It judges here, by the configuration of this machine's hub; or with ``--hub`` any hub does, which says what it found.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from alerter.config import Alerter, Maintenance, RuleTable
from alerter.history import History
from alerter.incidents import Incident
from alerter.listening import BLIND
from alerter.replay import Outcome, Replay, difference, replayed
from alerter.rules import DEFAULTS, in_force
from bus import config, home, hubs, rooms
from bus.arguments import Parser, back, duration
from bus.asking import Asking
from bus.config import ConfigError, Settings
from bus.drawers import Drawer, Mixed
from bus.explaining import when
from bus.faults import Fault, did_you_mean
from bus.fields import plain
from bus.harmless import safe_lines
from bus.hints import slips
from bus.judging import Objected
from bus.questions import Unanswered
from bus.tables import Host
from bus.terminal import aligned
from bus.timing import SECOND

DONE, WRONG, UNKNOWN = 0, 100, 2
LISTS: dict[str, type | Drawer | Mixed] = {
    "rules": RuleTable,
    "maintenance": Maintenance,
    "hosts": Host,
    "services": rooms.SERVICES,
}
SHOWN = 50
PATIENCE = 20.0
"""Seconds to wait for one page of the past."""


def main(argv: Sequence[str]) -> int:
    """Try the rules; 0, 100 when the file is wrong, 2 when the store could not be asked."""
    given = _arguments(argv)
    end = time.time_ns()
    start = end - int(given.since * SECOND)
    try:
        if (place := hubs.elsewhere(given, os.environ)) is not None:
            return _tried_at(place, _trial(given))
        today = rooms.load(home.config_path(given.config, os.environ), needs=())
        tried = changed(today, given.rule, given.when, given.lasts) if given.rule else rules_in(Path(given.rules))
    except ConfigError as error:
        return hubs.refused(error, "guardia backtest")
    new, old = (replay_of(today, one, start, given.host) for one in (tried, today))
    try:
        with Asking(home.of(given.config, os.environ), seconds=PATIENCE) as asking:
            history = History(asking.ask, hosts=given.host)
            if wrong := history.misnamed([one.name for kind in ("hosts", "services") for one in today[kind]]):
                print(f"guardia backtest: --host: {wrong}", file=sys.stderr)
                return WRONG
            judges = (new.judge, old.judge)
            history.introduce(judges, start)
            replayed((new, old), lambda a, b: history.fetch(judges, a, b), start, end)
    except Unanswered as failure:
        print(f"guardia backtest: {failure}", file=sys.stderr)
        return UNKNOWN
    told = as_json if given.json else as_text
    notes = slips(rule for rule in tried["rules"] if given.rule in (None, rule.name))
    print(told(new.outcome, old.outcome, start, end, notes))
    return DONE


def _tried_at(place: hubs.Hub, trial: Mapping[str, Any]) -> int:
    from alerter.trying import tried_at  # it takes HTTP, which is of no use here at home

    try:
        text = tried_at(place, trial)
    except Unanswered as failure:
        print(safe_lines(f"guardia backtest: {failure}"), file=sys.stderr)
        return WRONG if isinstance(failure, Objected) else UNKNOWN
    print(text)
    return DONE


def _trial(given: argparse.Namespace) -> dict[str, Any]:
    """What the hub of another machine is asked to try; raises ``ConfigError``."""
    rules = ""
    if given.rules:
        rules_in(Path(given.rules))  # what is wrong with the file is told with its place here
        rules = Path(given.rules).read_text(encoding="utf-8")
    changed = {"rule": given.rule or "", "rules": rules, "when": given.when}
    changed["lasts"] = "" if given.lasts is None else f"{given.lasts:.3f}s"
    return {**changed, "subject": given.host, "seconds": given.since, "json": given.json}


def rules_in(path: Path) -> Settings:
    """What a file of rules says; it may hold hosts, services, windows and timelines too. Raises ``ConfigError``."""
    return config.load(path, {}, LISTS, others=(*rooms.tables(), *rooms.LISTS, "timelines"))


def changed(today: Settings, name: str, when: str, lasts: float | None) -> Settings:
    """Today's rules with this one having another condition (empty: its own) and wait; raises ``ConfigError``.

    With another condition its recovery is that the condition holds no more: the old one may say something else.
    """
    known = {rule.name: rule for rule in in_force(today["rules"], today["hosts"])}
    own = {table.name: table for table in today["rules"]}
    if name not in known and name not in own:
        hint = did_you_mean(name, [*known, *own]) or "guardia rules lists them"
        raise ConfigError([Fault("--rule", "", None, f"no rule {name}", "the name of a rule in force", hint)])
    brought = {table.name: table for table in DEFAULTS}
    table = own.get(name) or brought.get(name) or RuleTable(name=name, when=known[name].when.text)
    if when and when != table.when:
        table = replace(table, when=when, clear="", clear_for=None)
    if lasts is not None:
        table = replace(table, for_=lasts)
    wrong = [Fault("--when", "", None, one.found, one.expected) for one in table.objections()]
    if wrong:
        raise ConfigError(wrong)
    rules = [*(one for one in today["rules"] if one.name != name), table]
    return Settings(today.path, {**today, "rules": tuple(rules)})


def replay_of(today: Settings, tried: Settings, start: int, wanted: str) -> Replay:
    """A replay by the rules of ``tried``, with the hub's own hosts, services and windows where it names none.

    Hosts and services that are not ``wanted`` are not expected either: nothing of them is going to be heard.
    """
    alerter: Alerter = today["alerter"]
    hosts = tried["hosts"] or today["hosts"]
    services = tried["services"] or today["services"]
    windows = tried["maintenance"] or today["maintenance"]
    rules = in_force(tried["rules"], hosts, defaults=alerter.default_rules)
    return Replay(
        rules,
        [one for one in hosts if fnmatchcase(one.name, wanted)],
        [one for one in services if fnmatchcase(one.name, wanted)],
        windows,
        start,
        flapping_count=alerter.flapping_count,
        settle=int(alerter.parent_seconds * SECOND),
        silent=int(BLIND * today["bus"].vitals_seconds * SECOND),
    )


def as_text(new: Outcome, old: Outcome, start: int, end: int, notes: Sequence[str] = ()) -> str:
    """For people; ``notes`` say what may be why nothing was found."""
    added, gone = difference(old, new)
    lines = [
        f"{when(start)} to {when(end)}, {new.records} records",
        *(f"note: {note}" for note in notes),
        "",
        aligned(
            [
                ("", "INCIDENTS", "NOTICES", "SUPPRESSED", "MINUTES"),
                _row("these rules", new, end),
                _row("today's rules", old, end),
            ]
        ),
        "",
        _listed("More than today:", added, new),
        _listed("Less than today:", gone, old),
        _listed("All incidents by these rules:", list(new.incidents.values()), new),
    ]
    return "\n".join(line for line in lines if line is not None)


def _row(name: str, one: Outcome, end: int) -> tuple[str, ...]:
    counts = (len(one.incidents), one.notices, len(one.suppressed), round(one.minutes(end), 1))
    return name, *(str(count) for count in counts)


def _listed(head: str, found: Sequence[Incident], outcome: Outcome) -> str:
    if not found:
        return f"{head} none"
    rows = [("BEGAN", "ENDED", "SUBJECT", "RULE", "REASON")]
    rows += [
        (
            when(one.started_at),
            when(one.ended_at) or "burns",
            f"{one.kind}/{one.subject}",
            one.rule,
            f"{one.reason}{f' (held back: {outcome.suppressed[one.id]})' if one.id in outcome.suppressed else ''}",
        )
        for one in found[-SHOWN:]
    ]
    more = f"\n({len(found) - SHOWN} earlier ones are left out)" if len(found) > SHOWN else ""
    return f"{head}\n{aligned(rows)}{more}\n"


def as_json(new: Outcome, old: Outcome, start: int, end: int, notes: Sequence[str] = ()) -> str:
    """For programs; times in ns since 1970."""
    added, gone = difference(old, new)

    def told(one: Outcome) -> dict[str, Any]:
        return {
            "incidents": [plain(incident) for incident in one.incidents.values()],
            "notices": one.notices,
            "suppressed": one.suppressed,
            "minutes_firing": one.minutes(end),
        }

    whole = {"start": start, "end": end, "records": new.records, "rules": told(new), "today": told(old)}
    ids = {"added": [one.id for one in added], "gone": [one.id for one in gone]}
    return json.dumps({**whole, "difference": ids, "notes": list(notes)}, indent=2)


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = Parser(
        prog="guardia backtest",
        description="Try the [[rules]] of a file on the stored past: what would have been told, and how that differs "
        "from the rules in force.",
    )
    add = parser.add_argument
    add("rules", nargs="?", metavar="RULE_FILE", help="a file with [[rules]], in place of those of the hub")
    add("--rule", metavar="NAME", help="or the rules of the hub, of which this one has another --when or --for")
    add("--when", default="", metavar="CONDITION", help="what --rule asks then, as 'cpu.percent > 80'")
    add("--for", dest="lasts", type=duration, metavar="5m", help="how long it has to hold then")
    parser.add_argument("--since", type=back, default=7 * 86_400.0, metavar="7d", help="how far back")
    parser.add_argument("--host", default="*", metavar="NAME", help="only hosts and services that match, as 'web-*'")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--config", metavar="FILE", help="the hub's configuration")
    hubs.add_flags(parser)
    given = parser.parse_args(argv)
    if bool(given.rules) == bool(given.rule):
        parser.error("a RULE_FILE or --rule is required, and not both")
    return given
