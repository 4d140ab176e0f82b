"""``guardia rules``: asked of the alerter that runs here."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

from alerter import tables
from alerter.client import asked, hub
from bus.arguments import CONFIG, Parser
from bus.fields import plain
from bus.judging import NotThere, Objected, Question, Rules
from bus.questions import Unanswered
from bus.terminal import harmless

CALM, UNKNOWN, WRONG = 0, 2, 100
"""Exit codes: answered and done; nobody answered; asked wrongly, about what is not there or for what cannot be."""


def rules(argv: Sequence[str]) -> int:
    """The rules in force."""
    given = _parser("rules", "The rules in force; guardia rules test FILE tries them on timelines.").parse_args(argv)
    return _asked(given, Rules(), tables.rules)


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
