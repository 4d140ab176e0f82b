"""``guardia alerts``: what fires, printed once, for pipes and scripts.

It asks the alerter of this machine itself, which needs neither token nor API; with ``--hub``, or where ``viewer.toml``
names a hub on another machine, that hub's API. Plain text, never a colour code. Exit codes: 0 nothing fires, 1 it does,
2 nobody answers, 100 asked wrongly, or about a name that the hub does not know.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path

from bus import home, hubs, judging, messages
from bus.arguments import Parser
from bus.asking import asked_alerter
from bus.faults import ConfigError
from bus.hubs import Hub
from bus.questions import Unanswered
from viewer.asking import Asker
from viewer.cells import cells
from viewer.events import AlertsTold, Event, WhyTold
from viewer.incidents import Incident, Silence, worst
from viewer.printing import table
from viewer.wishes import AskAlerts, AskWhy, Wish


def main(argv: Sequence[str]) -> int:
    """Ask, print, and return the exit code."""
    parser = Parser(
        prog="guardia alerts", description="What is pending, firing or clearing; exit code 1 when something fires."
    )
    parser.add_argument(
        "subject", nargs="?", metavar="host/NAME", help="only of this host or service; globs are allowed"
    )
    parser.add_argument("--json", action="store_true", help="the same as JSON, with the silences that hold")
    parser.add_argument("--config", metavar="FILE", help="the configuration of this machine's hub")
    hubs.add_flags(parser)
    given = parser.parse_args(argv)
    try:
        place = hubs.elsewhere(given, os.environ)
    except ConfigError as error:
        return hubs.refused(error)
    told = asked_afar(place) if place else asked_here(home.of(given.config, os.environ))
    if isinstance(told, str):
        print(f"guardia alerts: {told}", file=sys.stderr)
        return hubs.SILENT
    found = worst([one for one in told.alarms if about(one, given.subject)])
    if given.subject and not found:
        # Nothing fires there, or there is nothing of that name.
        wrong, code = misnamed(place, home.of(given.config, os.environ), given.subject)
        if wrong:
            print("".join(cells(f"guardia alerts: {wrong}")), file=sys.stderr)
            return code
    if given.json:
        silences = sorted(told.silences, key=lambda one: one.until)
        print(
            json.dumps({"alerts": [asdict(one) for one in found], "silences": [asdict(s) for s in silences]}, indent=2)
        )
    else:
        print(text(found), end="")
    return hubs.AMISS if any(one.burns for one in found) else hubs.WELL


def about(one: Incident, subject: str | None) -> bool:
    """Whether it is about ``host/NAME``, ``service/NAME`` or ``NAME``, a glob; anything is where that is ``None``."""
    kind, _, name = (subject or "").rpartition("/")
    return subject is None or (fnmatchcase(one.subject, name or "*") and kind in ("", one.kind))


def misnamed(place: Hub | None, folder: Path, subject: str) -> tuple[str, int]:
    """Why nothing can be said about ``subject``, and the exit code; empty where the hub knows such a one.

    The hub is that at ``place``, else that whose files are in ``folder``.
    """
    verdicts: Sequence[tuple[str, str]]
    if place is None:
        try:
            answer: judging.WhyAnswer = asked_alerter(folder, judging.Why(subject))
        except Unanswered as failure:
            return str(failure), hubs.SILENT
        verdicts = [(one.verdict, one.text) for one in answer.chains]
    else:
        event = asked_of(place, AskWhy(subject))
        if not isinstance(event, WhyTold):
            return reason_of(event), hubs.SILENT
        verdicts = [(one.verdict, one.detail) for one in event.verdicts]
    unknown = next((text for verdict, text in verdicts if verdict == judging.UNKNOWN_SUBJECT), "")
    return unknown, hubs.WRONG


def text(found: Sequence[Incident]) -> str:
    """What fires, for people, the worst first; times in UTC, as in the log."""
    if not found:
        return "Nothing fires.\n"
    heads = ("SEVERITY", "STATE", "SUBJECT", "RULE", "SINCE", "INCIDENT", "REASON")
    rows = [
        (one.severity, one.state, f"{one.kind}/{one.subject}", one.rule, _when(one.since), one.id, _why(one))
        for one in found
    ]
    return table(heads, rows)


def _when(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _why(one: Incident) -> str:
    instance = f"[{one.instance}] " if one.instance and one.instance not in one.reason else ""
    held = "".join(f" ({hold})" for hold in one.holds)
    known = f" (acknowledged by {one.owner})" if one.owner else ""
    return f"{instance}{one.reason}{held}{known}"


def asked_afar(place: Hub) -> AlertsTold | str:
    """What the API of a hub tells; or why it does not."""
    event = asked_of(place, AskAlerts())
    return event if isinstance(event, AlertsTold) else reason_of(event)


def asked_of(place: Hub, wish: Wish, owner: str = "") -> Event:
    """What the hub at ``place`` answers; ``owner`` is who asks, where no token says so."""
    asker = Asker(place.url, place.token, time.time, owner, place.ca)
    try:
        return asker.ask(wish)
    finally:
        asker.close()


def reason_of(event: Event) -> str:
    """Why an answer is none."""
    return str(getattr(event, "reason", "it answered something else"))


def asked_here(folder: Path) -> AlertsTold | str:
    """What the alerter tells whose files are in ``folder``; or why it does not."""
    try:
        standing: tuple[judging.Standing, ...] = asked_alerter(folder, judging.Alarms()).alarms
        silences: tuple[messages.Silence, ...] = asked_alerter(folder, judging.Silences(False)).silences
    except Unanswered as failure:
        return str(failure)
    return AlertsTold(tuple(map(_incident, standing)), tuple(map(_silence, silences)))


def _incident(one: judging.Standing) -> Incident:
    known = one.acknowledged
    return Incident(
        id=one.incident,
        rule=one.rule,
        subject=one.subject,
        severity=one.severity,
        state=one.state,
        since=one.since / 1e9,
        started=None if one.started_at is None else one.started_at / 1e9,
        kind=one.kind,
        display=one.display,
        instance=one.instance,
        value=one.value,
        threshold=one.threshold,
        reason=one.reason,
        owner=known.owner if known else "",
        note=known.note if known else "",
        holds=tuple(hold.detail for hold in one.holds),
        advice=one.advice,
    )


def _silence(one: messages.Silence) -> Silence:
    return Silence(one.id, one.owner, one.reason, one.starts / 1e9, one.until / 1e9, tuple(one.matches))
