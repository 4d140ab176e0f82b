"""``guardia ack`` and ``guardia silence``: what an operator does about what fires, typed.

They ask as ``guardia why`` does: the alerter of this machine itself, or with ``--hub`` any hub's API, whose token says
then who does it. Exit codes: 0 done, 2 nobody answers, 100 asked wrongly, or about what is not there.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from bus import home, hubs, judging, messages
from bus.arguments import Parser, coming, duration
from bus.asking import asked_alerter
from bus.explaining import silences
from bus.faults import ConfigError
from bus.fields import plain
from bus.harmless import safe_lines
from bus.hubs import Hub
from bus.questions import Unanswered
from viewer.alerts_command import asked_of, reason_of
from viewer.asking import login
from viewer.events import ActDone, AlertsTold, Failed
from viewer.incidents import Opening, Silence
from viewer.wishes import Acknowledge, AddSilence, AskAlerts, EndSilence, Wish


def ack(argv: Sequence[str]) -> int:
    """Say that you take care of an incident."""
    parser = _parser(
        "ack", "Say that you take care of an incident: reminders and escalation end, its recovery is told."
    )
    parser.add_argument("incident", help="its id, as guardia alerts shows it")
    parser.add_argument("--note", default="", help="what others are to know of it")
    _add_owner(parser, "who does it")
    given = parser.parse_args(argv)
    here = judging.Acknowledge(given.incident, given.owner, given.note)
    return _asked(given, here, Acknowledge(given.incident, given.note), lambda done: done.text)


def silence_add(argv: Sequence[str]) -> int:
    """Hold notices back."""
    parser = _parser("silence add", "Hold notices back for a while: state, reasons and recoveries go on.")
    parser.add_argument("matches", nargs="+", help="web-*, rule=disk*, severity=info, role=db (a label)")
    parser.add_argument("--for", dest="lasts", type=duration, required=True, metavar="2h", help="how long")
    parser.add_argument(
        "--from",
        dest="starts",
        type=coming,
        metavar="TIME",
        help="when it begins: 22:00 (the next, in UTC), 2026-02-07T22:00Z, or 3h from now (default: now)",
    )
    parser.add_argument("--reason", required=True, help="what others are to know of it")
    _add_owner(parser, "who is asked about it")
    given = parser.parse_args(argv)
    begin = time.time_ns() if given.starts is None else given.starts
    until, matches = begin + int(given.lasts * 1e9), tuple(given.matches)
    here = judging.AddSilence(given.owner, given.reason, until, matches, given.starts)
    afar = AddSilence(matches, given.lasts, given.reason, given.starts)
    return _asked(given, here, afar, lambda done: done.text)


def silence_list(argv: Sequence[str]) -> int:
    """What is held back."""
    parser = _parser("silence list", "Silences that hold or will.")
    parser.add_argument("--past", action="store_true", help="those that are over too")
    given = parser.parse_args(argv)
    return _asked(given, judging.Silences(given.past), AskAlerts(given.past), silences)


def silence_end(argv: Sequence[str]) -> int:
    """End a silence now."""
    parser = _parser("silence end", "End a silence now: what still fires is notified.")
    parser.add_argument("id", help="as guardia silence list shows it")
    _add_owner(parser, "who does it")
    given = parser.parse_args(argv)
    return _asked(given, judging.EndSilence(given.id, given.owner), EndSilence(given.id), lambda done: done.text)


def _parser(name: str, what: str) -> argparse.ArgumentParser:
    parser = Parser(prog=f"guardia {name}", description=what)
    parser.add_argument("--config", metavar="FILE", help="the configuration of this machine's hub")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.set_defaults(command=name, owner="")
    hubs.add_flags(parser)
    return parser


def _add_owner(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("--owner", default=login(), help=f"{what} (default: you); a token knows better")


def _asked(given: argparse.Namespace, here: judging.Question, afar: Wish, text: Callable[[Any], str]) -> int:
    """Ask the alerter ``here``, or ``afar`` a hub's API; print, and return the exit code."""
    try:
        place = hubs.elsewhere(given, os.environ)
        answer = (
            asked_alerter(home.of(given.config, os.environ), here) if place is None else _afar(place, afar, given.owner)
        )
    except ConfigError as error:
        return hubs.refused(error)
    except Unanswered as failure:
        print(safe_lines(f"guardia {given.command}: {failure}"), file=sys.stderr)
        return hubs.WRONG if isinstance(failure, judging.NotThere | judging.Objected) else hubs.SILENT
    print(json.dumps(plain(answer), indent=2) if given.json else safe_lines(text(answer)))
    return hubs.WELL


def _afar(place: Hub, wish: Wish, owner: str) -> judging.Done | judging.SilenceList:
    """What the API of a hub tells, as its alerter would; raises ``Unanswered``."""
    event = asked_of(place, wish, owner)
    match event:
        case ActDone():
            return judging.Done(event.id, event.text)
        case AlertsTold():
            found = sorted(event.silences, key=lambda one: one.until)
            return judging.SilenceList(tuple(map(_silence, found)), tuple(map(_opening, event.maintenance)))
        case Failed(status=400 | 404, known=True):
            raise judging.Objected(event.reason)
    raise Unanswered(reason_of(event))


def _silence(one: Silence) -> messages.Silence:
    starts, until = int(one.starts * 1e9), int(one.until * 1e9)
    return messages.Silence(one.id, one.owner, one.reason, starts, until, one.matches, one.revoked)


def _opening(one: Opening) -> judging.Opening:
    return judging.Opening(one.name, int(one.starts * 1e9), int(one.until * 1e9), one.matches)
