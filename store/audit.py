"""``guardia audit gaps``: what was sent, stored, lost and why, of each producer.

It asks the store of this machine's hub, or with ``--hub`` that of any hub through its API; its clock counts then.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from fnmatch import fnmatchcase

from bus import home, hubs
from bus.arguments import CONFIG, Parser, back
from bus.asking import Asker, asker
from bus.faults import ConfigError, meant
from bus.harmless import safe_lines
from bus.judging import Objected
from bus.questions import Accounted, Gaps, GapsAnswer, Unanswered
from bus.terminal import aligned

AS_EXPECTED, OTHERWISE, UNKNOWN, WRONG = 0, 1, 2, 100
_HEADS = ("PRODUCER", "SENT", "STORED", "DOUBLE", "REJECTED", "LOST", "WAITING", "WHY")


def main(argv: Sequence[str]) -> int:
    """Answer; 0, or 1 when more was lost than ``--expect`` says, or 2 when nobody could be asked.

    100 when it was asked wrongly, or about a producer that was never heard.
    """
    given = _arguments().parse_args(argv)
    folder = home.home_path(home.config_path(given.config, os.environ), os.environ)
    plain = given.host if given.host and not set("*?[") & set(given.host) else None
    try:
        with asker(hubs.elsewhere(given, os.environ), folder) as asking:
            now = asking.now()
            start = None if given.last is None else now - int(given.last * 1e9)
            answer: GapsAnswer = asking.ask(Gaps(plain, start))
            found = [one for one in answer.producers if not given.host or fnmatchcase(one.source, given.host)]
            unheard = _unheard(asking, given.host) if given.host and not found else ""
    except ConfigError as error:
        return hubs.refused(error)
    except Unanswered as failure:
        print(safe_lines(f"guardia audit: {failure}"), file=sys.stderr)
        return WRONG if isinstance(failure, Objected) else UNKNOWN
    if unheard:
        print(safe_lines(f"guardia audit: {unheard}"), file=sys.stderr)
        return WRONG
    print(as_json(found, start, now) if given.json else as_text(found))
    return OTHERWISE if given.expect is not None and missing(found) > given.expect else AS_EXPECTED


def _unheard(asking: Asker, host: str) -> str:
    text = f"no producer {host} was ever heard"
    try:
        every: GapsAnswer = asking.ask(Gaps(None))
    except Unanswered:
        return text
    return f"{text}; {meant(host, [one.source for one in every.producers])}"


def missing(found: Sequence[Accounted]) -> int:
    """Messages that were sent and will never be stored."""
    return sum(one.lost + one.rejected for one in found)


def as_text(found: Sequence[Accounted]) -> str:
    """A table for people, and a sentence under it."""
    rows = [_HEADS, *(_row(one) for one in found)]
    lines = [aligned(rows, right=range(1, len(_HEADS) - 1))]
    sent, waiting = sum(one.sent for one in found), sum(one.waiting for one in found)
    oldest = [one.since for one in found if one.since]
    since = f"since {_when(min(oldest))}" if oldest and len(oldest) == len(found) else "since they were first heard"
    lines += [
        "",
        f"{len(found)} {'producer' if len(found) == 1 else 'producers'} sent {sent} messages {since}: "
        f"{missing(found)} lost or rejected, {waiting} under way.",
    ]
    return "\n".join(lines)


def as_json(found: Sequence[Accounted], start: int | None, now: int) -> str:
    """The same for programs; times are in seconds since 1970."""
    producers = [
        {
            "source": one.source,
            "since": one.since / 1e9 if one.since else None,
            "last_seen": one.seen / 1e9 if one.seen else None,
            "sent": one.sent,
            "stored": one.stored,
            "duplicates": one.duplicates,
            "rejected": one.rejected,
            "lost": one.lost,
            "waiting": one.waiting,
            "reasons": one.reasons,
            "gaps": [
                {
                    "at": gap.at / 1e9,
                    "epoch": f"{gap.epoch:016x}",
                    "first": gap.first,
                    "last": gap.last,
                    "why": gap.reason,
                }
                for gap in one.entries
            ],
        }
        for one in found
    ]
    whole = {"start": None if start is None else start / 1e9, "end": now / 1e9, "lost": missing(found)}
    return json.dumps(whole | {"producers": producers}, indent=2)


def _row(one: Accounted) -> tuple[str, ...]:
    counts = (one.sent, one.stored, one.duplicates, one.rejected, one.lost, one.waiting)
    why = ", ".join(f"{count} {reason}" for reason, count in one.reasons.items())
    return one.source, *(str(count) for count in counts), why


def _when(at: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(at / 1e9))


def _arguments() -> argparse.ArgumentParser:
    parser = Parser(prog="guardia audit", description=__doc__)
    parser.add_argument("what", choices=("gaps",), metavar="gaps", help="gaps: messages sent, stored and lost")
    parser.add_argument("--last", type=back, metavar="1h", help="only since then (default: ever); ten minutes fine")
    parser.add_argument("--host", metavar="NAME", help="only this producer, or those that match, as 'web-*'")
    parser.add_argument("--json", action="store_true", help="for programs, with the newest entries of the ledger")
    parser.add_argument(
        "--expect", type=int, metavar="N", help="exit code 1 when more than N messages were lost or rejected"
    )
    parser.add_argument("--config", metavar="FILE", help=CONFIG)
    hubs.add_flags(parser)
    return parser
