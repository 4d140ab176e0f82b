"""``guardia rules``: asked of the alerter that runs here, or with ``--hub`` of that of any hub through its API."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from bus import home, hubs, timing
from bus.arguments import CONFIG, Parser
from bus.asking import asked_alerter, asker
from bus.faults import ConfigError
from bus.fields import plain
from bus.harmless import safe_lines
from bus.hubs import Hub
from bus.judging import RuleList, Rules, RuleShown
from bus.questions import Unanswered
from bus.terminal import aligned


def rules(argv: Sequence[str]) -> int:
    """Ask, print, and return the exit code."""
    what = "The rules in force; guardia rules test FILE tries them on timelines."
    parser = Parser(prog="guardia rules", description=what)
    parser.add_argument("--config", metavar="FILE", help=CONFIG)
    parser.add_argument("--json", action="store_true", help="for programs")
    hubs.add_flags(parser)
    given = parser.parse_args(argv)
    try:
        place = hubs.elsewhere(given, os.environ)
        answer = asked_alerter(home.of(given.config, os.environ), Rules()) if place is None else _afar(place)
    except ConfigError as error:
        return hubs.refused(error)
    except Unanswered as failure:
        print(safe_lines(f"guardia rules: {failure}"), file=sys.stderr)
        return hubs.SILENT
    print(json.dumps(plain(answer), indent=2) if given.json else safe_lines(as_text(answer)))
    return hubs.WELL


def _afar(place: Hub) -> RuleList:
    with asker(place, Path()) as asking:
        found = asking.ask(Rules())
    assert isinstance(found, RuleList)
    return found


def as_text(answer: RuleList) -> str:
    """For people."""
    return (
        aligned(
            [
                ("RULE", "SEVERITY", "FOR", "OF", "CHANNELS", "WHEN", "CLEAR"),
                *(
                    (
                        one.name + ("" if one.own else " *"),
                        one.severity,
                        timing.in_words(one.seconds) if one.seconds else "",
                        _concerned(one),
                        ", ".join(one.channels),
                        one.when,
                        one.clear + (f" for {timing.in_words(one.clear_seconds)}" if one.clear_seconds else ""),
                    )
                    for one in answer.rules
                ),
            ]
        )
        + "\n\n* brought by Guardia; a rule of that name in [[rules]] changes it, enabled = false switches it off."
    )


def _concerned(rule: RuleShown) -> str:
    kind = "room" if rule.kind == "hub" else rule.kind
    labels = "".join(f" {name}={value}" for name, value in rule.labels.items())
    return f"{kind}s {', '.join(rule.subjects)}{labels}"
