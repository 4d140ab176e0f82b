"""``guardia service test``: checks services once, now and from here, and shows what was found and how long it took.

guardia service test [NAME ...] [--json] [--config FILE]

Nothing is told to the hub. Exit codes: 0 all are up; 1 one is not; 2 there is no such service, or it is a job that
reports; 100 the configuration is wrong.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from bus import home, rooms
from bus.arguments import CONFIG, Parser
from bus.config import ConfigError
from bus.deadline import Guard
from bus.faults import meant
from prober.checks.common import Check
from prober.outcome import UP
from prober.reach import Reach
from prober.telling import cleaned, hidden, kind_of, url_of
from prober.trial import Checked, Ground, checked

WELL, ILL, UNKNOWN, WRONG = 0, 1, 2, 100
AT_ONCE = 50


def main(argv: Sequence[str]) -> int:
    """Check, and print a line or an object for each."""
    parser = Parser(prog="guardia service test", description="Check services now, from here.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="which services; without: all")
    parser.add_argument("--json", action="store_true", help="everything that was found, as JSON")
    parser.add_argument("--config", metavar="FILE", help=CONFIG)
    given = parser.parse_args(argv)
    try:
        settings = rooms.load(home.config_path(given.config, os.environ), needs=rooms.needs("prober"))
    except ConfigError as error:
        print(error, file=sys.stderr)
        return WRONG
    services: dict[str, Check] = {one.name: one for one in settings["services"] if not one.url.startswith("heartbeat:")}
    jobs = {one.name for one in settings["services"]} - services.keys()
    for name in given.names:
        if name not in services:
            if name in jobs:
                text = f"{name} is a job that reports, which nobody can try; guardia heartbeat {name} reports for it"
            else:
                text = f"there is no service {name!r}; {meant(name, list(services))}"
            print(f"guardia service test: {text}", file=sys.stderr)
            return UNKNOWN
    if not services:
        print(f"guardia service test: {settings.path} has no [[services]] to be reached", file=sys.stderr)
    ground = Ground(Guard(), Reach(settings["prober"].private_networks), logging.getLogger("guardia"))
    wanted = [services[name] for name in given.names or services]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = list(pool.map(lambda one: checked(one, ground, None, 0), wanted))
    secrets = hidden(settings.secrets())
    if given.json:
        print(json.dumps([as_object(*pair, secrets) for pair in zip(wanted, found, strict=True)], indent=2))
    else:
        for check, one in zip(wanted, found, strict=True):
            print(as_line(check, one, secrets))
    return WELL if all(one.outcome.status == UP for one in found) else ILL


def as_line(check: Check, found: Checked, secrets: Sequence[str]) -> str:
    """``shop  up  in 12 ms (dns 1, connect 3, first byte 8)``."""
    outcome = found.outcome
    phases = [(name.removesuffix("_ms").replace("_", " "), ms) for name, ms in outcome.phases.items()]
    times = ", ".join(f"{name} {ms:.0f}" for name, ms in phases if name != "total")
    took = "" if outcome.response_ms is None else f" in {outcome.response_ms:.0f} ms"
    days = "" if outcome.tls_days is None else f", certificate for {outcome.tls_days} days"
    reason = f": {cleaned(outcome.reason, secrets)}" if outcome.reason else ""
    again = f", at attempt {found.attempts}" if found.attempts > 1 else ""
    return f"{check.name}  {outcome.status}{took}{f' ({times})' if times else ''}{days}{again}{reason}"


def as_object(check: Check, found: Checked, secrets: Sequence[str]) -> dict[str, object]:
    """The outcome with all its fields."""
    outcome = dataclasses.asdict(found.outcome)
    head = {"service": check.name, "check": kind_of(check), "url": url_of(check), "attempts": found.attempts}
    return head | outcome | {"reason": cleaned(found.outcome.reason, secrets)}
