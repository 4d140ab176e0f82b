"""``guardia why``, ``rules``, ``silence`` and ``ack``: asked of the alerter that runs here."""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from alerter import tables
from alerter.client import asked, hub
from bus import timing
from bus.arguments import CONFIG, Parser, duration
from bus.fields import plain
from bus.judging import (
    NO_RULE,
    UNKNOWN_SUBJECT,
    Acknowledge,
    AddSilence,
    EndSilence,
    NotThere,
    Objected,
    Question,
    Rules,
    Silences,
    Why,
    WhyAnswer,
)
from bus.questions import Unanswered
from bus.terminal import harmless

CALM, UNKNOWN, WRONG = 0, 2, 100
"""Exit codes: answered and done; nobody answered; asked wrongly, about what is not there or for what cannot be."""


def why(argv: Sequence[str]) -> int:
    """Why an alarm came, or did not."""
    parser = _parser("why", "Why an alarm came, or did not: the chain of decisions of a rule, or of all.")
    parser.add_argument("subject", metavar="host/NAME", help="host/web-1, service/shop or a name; globs are allowed")
    parser.add_argument("rule", nargs="?", default="", help="only this rule; globs are allowed")
    parser.add_argument("--at", type=instant, metavar="TIME", help="as it was then: 2024-05-01T12:00Z, 12:00 or 2h ago")
    given = parser.parse_args(argv)
    return _asked(given, Why(given.subject, given.rule, given.at), tables.chains, misnamed)


def misnamed(answer: WhyAnswer) -> str:
    """What is wrong with the names that were asked for; empty where there is something of these names."""
    first = answer.chains[0] if answer.chains else None
    wrong = first is not None and (first.verdict == UNKNOWN_SUBJECT or (first.verdict == NO_RULE and first.rule))
    return first.text if first is not None and wrong else ""


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


def instant(text: str) -> int:
    """A time that a person wrote, as ns; without a zone it is UTC, without a day it is the last one that was."""
    now = datetime.now(UTC)
    try:
        if text.endswith(" ago"):
            return time.time_ns() - int(timing.seconds(text.removesuffix(" ago")) * 1e9)
        if len(text) <= 8 and ":" in text:
            hour, minute, *second = (int(part) for part in text.rstrip("Z").split(":"))
            at = now.replace(hour=hour, minute=minute, second=second[0] if second else 0, microsecond=0)
            return int((at.timestamp() - (86_400 if at > now else 0)) * 1e9)
        at = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no time such as 2024-05-01T12:00Z, 12:00 or '2h ago'") from None
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()) * 1_000_000_000


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
