"""``guardia rules``, ``silence`` and ``ack``: asked of the alerter that runs here."""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from alerter import tables
from alerter.client import asked, hub
from bus.arguments import CONFIG, Parser, duration
from bus.fields import plain
from bus.judging import (
    Acknowledge,
    AddSilence,
    EndSilence,
    NotThere,
    Objected,
    Question,
    Rules,
    Silences,
)
from bus.questions import Unanswered
from bus.terminal import harmless

CALM, UNKNOWN, WRONG = 0, 2, 100
"""Exit codes: answered and done; nobody answered; asked wrongly, about what is not there or for what cannot be."""


def rules(argv: Sequence[str]) -> int:
    """The rules in force."""
    given = _parser("rules", "The rules in force; guardia rules test FILE tries them on timelines.").parse_args(argv)
    return _asked(given, Rules(), tables.rules)


def silence_add(argv: Sequence[str]) -> int:
    """Hold notices back."""
    parser = _parser("silence add", "Hold notices back for a while: state, reasons and recoveries go on.")
    parser.add_argument("matches", nargs="+", help="web-*, rule=disk*, severity=info, role=db (a label)")
    parser.add_argument("--for", dest="lasts", type=duration, required=True, metavar="2h", help="how long")
    parser.add_argument("--reason", required=True, help="what others are to know of it")
    parser.add_argument("--owner", default=_me(), help="who is asked about it (default: you)")
    given = parser.parse_args(argv)
    until = time.time_ns() + int(given.lasts * 1e9)
    asking = AddSilence(given.owner, given.reason, until, tuple(given.matches))
    return _asked(given, asking, lambda done: done.text)


def silence_list(argv: Sequence[str]) -> int:
    """What is held back."""
    parser = _parser("silence list", "Silences that hold or will.")
    parser.add_argument("--past", action="store_true", help="those that are over too")
    given = parser.parse_args(argv)
    return _asked(given, Silences(given.past), tables.silences)


def silence_end(argv: Sequence[str]) -> int:
    """End a silence now."""
    parser = _parser("silence end", "End a silence now: what still fires is notified.")
    parser.add_argument("id", help="as guardia silence list shows it")
    parser.add_argument("--owner", default=_me(), help="who does it (default: you)")
    given = parser.parse_args(argv)
    return _asked(given, EndSilence(given.id, given.owner), lambda done: done.text)


def ack(argv: Sequence[str]) -> int:
    """Say that you care for an incident."""
    parser = _parser("ack", "Say that you care for an incident: reminders and escalation end, its recovery is told.")
    parser.add_argument("incident", help="its id, as guardia alerts shows it")
    parser.add_argument("--note", default="", help="what others are to know of it")
    parser.add_argument("--owner", default=_me(), help="who does it (default: you)")
    given = parser.parse_args(argv)
    asking = Acknowledge(given.incident, given.owner, given.note)
    return _asked(given, asking, lambda done: done.text)


def _me() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a number without a name, as in some containers
        return f"user {os.getuid()}"


def _parser(name: str, what: str) -> argparse.ArgumentParser:
    parser = Parser(prog=f"guardia {name}", description=what)
    parser.add_argument("--config", metavar="FILE", help=CONFIG)
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.set_defaults(command=name)
    return parser


def _asked(
    given: argparse.Namespace,
    question: Question,
    text: Callable[[Any], str],
    wrong: Callable[[Any], str] = lambda _: "",
) -> int:
    """Ask, print, and return the exit code; ``wrong`` says what of an answer means that it was asked wrongly."""
    try:
        answer = asked(hub(given.config), question)
    except Unanswered as failure:
        print(f"guardia {given.command}: {failure}", file=sys.stderr)
        return WRONG if isinstance(failure, NotThere | Objected) else UNKNOWN
    fault = wrong(answer)
    if given.json:
        print(json.dumps(plain(answer), indent=2))
    elif not fault:
        print(harmless(text(answer)))
    if fault:
        print(harmless(f"guardia {given.command}: {fault}"), file=sys.stderr)
    return WRONG if fault else CALM
