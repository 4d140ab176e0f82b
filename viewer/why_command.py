"""``guardia why``: why an alarm came, or did not: the chain of decisions of a rule, or of all.

It asks as ``guardia alerts`` does: the alerter of this machine itself, or with ``--hub`` any hub's API. Exit codes: 0
answered, 2 nobody answers, 100 asked wrongly, or about what the hub does not know.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence

from bus import home, hubs, judging
from bus.arguments import Parser, instant
from bus.asking import asked_alerter
from bus.explaining import chains, misnamed
from bus.faults import ConfigError
from bus.fields import plain
from bus.harmless import safe_lines
from bus.hubs import Hub
from bus.questions import Unanswered
from viewer.alerts_command import asked_of, reason_of
from viewer.events import WhyTold
from viewer.incidents import Verdict
from viewer.wishes import AskWhy


def main(argv: Sequence[str]) -> int:
    """Ask, print, and return the exit code."""
    parser = Parser(
        prog="guardia why", description="Why an alarm came, or did not: the chain of decisions of a rule, or of all."
    )
    parser.add_argument("subject", metavar="host/NAME", help="host/web-1, service/shop or a name; globs are allowed")
    parser.add_argument("rule", nargs="?", default="", help="only this rule; globs are allowed")
    parser.add_argument(
        "--at",
        type=instant,
        metavar="TIME",
        help="as it was then: 2024-05-01T12:00Z, 12:00 (the last, in UTC), or 2h back from now",
    )
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--config", metavar="FILE", help="the configuration of this machine's hub")
    hubs.add_flags(parser)
    given = parser.parse_args(argv)
    question = judging.Why(given.subject, given.rule, given.at)
    try:
        place = hubs.elsewhere(given, os.environ)
        answer = (
            asked_alerter(home.of(given.config, os.environ), question) if place is None else asked_afar(place, question)
        )
    except ConfigError as error:
        return hubs.refused(error)
    except Unanswered as failure:
        print(safe_lines(f"guardia why: {failure}"), file=sys.stderr)
        return hubs.WRONG if isinstance(failure, judging.NotThere | judging.Objected) else hubs.SILENT
    wrong = misnamed(answer)
    if given.json:
        print(json.dumps(plain(answer), indent=2))
    elif not wrong:
        print(safe_lines(chains(answer)))
    if wrong:
        print(safe_lines(f"guardia why: {wrong}"), file=sys.stderr)
    return hubs.WRONG if wrong else hubs.WELL


def asked_afar(place: Hub, question: judging.Why) -> judging.WhyAnswer:
    """What the API of a hub tells, as its alerter would; raises ``Unanswered``."""
    event = asked_of(place, AskWhy(question.subject, question.rule, question.at))
    if not isinstance(event, WhyTold):
        raise Unanswered(reason_of(event))
    return judging.WhyAnswer(question.at or time.time_ns(), tuple(map(_chain, event.verdicts)))


def _chain(one: Verdict) -> judging.Chain:
    steps = tuple(judging.Step(int(at * 1e9), verdict, text) for at, verdict, text in one.chain)
    return judging.Chain(one.rule, one.subject, one.instance, one.verdict, one.detail, steps)
