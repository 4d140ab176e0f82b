"""``guardia prober --join -``: takes the line that ``guardia enroll`` printed on the hub, for this place."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence

from bus import home, joining, rooms
from bus.arguments import CONFIG, Parser
from bus.exits import STOPPED, WRONG
from bus.faults import ConfigError, in_words
from bus.keys import KeysFault, fingerprint
from prober.config import Prober


def main(argv: Sequence[str]) -> int:
    """Keep the keys in the line; the prober is started afterwards. Returns the exit code."""
    parser = Parser(prog="guardia prober", description="Join a hub as a place.")
    parser.add_argument("--join", metavar="-", required=True, choices=("-",), help="the line comes by standard input")
    parser.add_argument("--config", metavar="FILE", help=CONFIG)
    given = parser.parse_args(argv)
    path = home.config_path(given.config, os.environ)
    os.umask(0o077)
    try:
        join = joining.from_line(sys.stdin.readline())
        joining.in_time(join, time.time_ns())
        table: Prober = rooms.load(path, needs=rooms.needs("prober"))["prober"]
        if table.place != join.name:
            remedy = f'write place = "{join.name}" under [prober]'
            raise KeysFault(f'the line is for {join.name}, but {path} says [prober] place = "{table.place}": {remedy}')
        joining.keep(home.made(home.home_path(path, os.environ)), join)
    except (ConfigError, KeysFault, OSError) as error:
        print(f"prober: {in_words(error)}", file=sys.stderr)
        return WRONG
    print(
        f"prober: this place is {join.name} to the hub at {join.door}, whose key has the fingerprint "
        f"{fingerprint(join.hub)}",
        file=sys.stderr,
    )
    return STOPPED
