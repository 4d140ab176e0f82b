"""``guardia check``: every fault of the configuration, with its place and its remedy."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
from collections.abc import Sequence

from bus import config, home, rooms
from bus.config import ConfigError
from bus.program import STOPPED, WRONG


def main(argv: Sequence[str]) -> int:
    """Check; 0 when all is right, 100 when not."""
    parser = argparse.ArgumentParser(prog="guardia check", description="Check the configuration.")
    parser.add_argument("--config", metavar="FILE")
    parser.add_argument("--json", action="store_true", help="faults as a JSON list")
    arguments = parser.parse_args(argv)
    path = home.config_path(arguments.config, os.environ)
    faults: tuple[config.Fault, ...] = ()
    try:
        config.load(path, rooms.tables(), rooms.LISTS)
    except ConfigError as error:
        faults = error.faults
    if arguments.json:
        print(json.dumps([dataclasses.asdict(fault) for fault in faults], indent=2))
    elif not faults:
        print(f"{path} is right")
    for fault in () if arguments.json else faults:
        print(fault, file=sys.stderr)
    return WRONG if faults else STOPPED
