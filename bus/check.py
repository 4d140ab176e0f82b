"""``guardia check``: reads the configuration as every room would, and names all its faults.

guardia check [--config FILE] [--json]
guardia check --settings            prints every setting with its default, as a file to start from
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from collections.abc import Sequence

from bus import config, home, reference, rooms
from bus.arguments import CONFIG, Parser
from bus.config import ConfigError
from bus.exits import STOPPED, WRONG
from bus.hints import hints, unguarded

AT_HOME = "it reads the configuration; call it on the hub's machine"


def main(argv: Sequence[str]) -> int:
    """Check; 0 when all is right, 100 when not."""
    parser = Parser(prog="guardia check", description="Check the configuration.", at_home=AT_HOME)
    parser.add_argument("--config", metavar="FILE", help=CONFIG)
    parser.add_argument("--json", action="store_true", help="faults as a JSON list")
    parser.add_argument("--settings", action="store_true", help="print every setting with its default, and end")
    arguments = parser.parse_args(argv)
    if arguments.settings:
        print(reference.settings(rooms.tables(), rooms.LISTS), end="")
        return STOPPED
    path = home.config_path(arguments.config, os.environ)
    faults: tuple[config.Fault, ...] = ()
    notes: list[str] = []
    try:
        settings = rooms.load(path)
        there = home.home_path(path, os.environ)
        # It may be the file of another machine, where it lies elsewhere.
        notes = [*map(str, home.too_deep(there)), *hints(settings), *unguarded(settings, there)]
    except ConfigError as error:
        faults = error.faults
    if arguments.json:
        print(json.dumps([dataclasses.asdict(fault) for fault in faults], indent=2))
    elif not faults:
        print(f"{path} is right")
        print("".join(f"note: {note}\n" for note in notes), end="", file=sys.stderr)
    for fault in () if arguments.json else faults:
        print(fault, file=sys.stderr)
    return WRONG if faults else STOPPED
