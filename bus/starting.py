"""What a program is asked when it starts: its arguments, and the configuration, read whole.

None of this is needed once the program runs, and the agent does not carry it (``agent.lean``).
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bus import home, rooms
from bus.arguments import CONFIG, Parser
from bus.exits import PAUSE, STOPPED, TRY_AGAIN, WRONG, outlast_start, pause, unwritable
from bus.faults import ConfigError
from bus.program import version
from bus.records import Settings


@dataclass(frozen=True)
class Asked:
    """What there is to run."""

    settings: Settings
    home: Path
    log_level: str | None


def asked(name: str, argv: Sequence[str], more: str = "") -> Asked | int:
    """What the program ``name`` is to run with, or the exit code when there is nothing to run."""
    arguments = _arguments(name, argv, more)
    os.umask(0o077)
    path = home.config_path(arguments.config, os.environ)
    try:
        needs = None if arguments.check else rooms.needs(name.partition("-")[0])
        settings = rooms.load(path, needs=needs)
        if arguments.check:
            print(f"{name}: {path} is right")
            return STOPPED
        return Asked(settings, home.made(home.home_path(path, os.environ)), arguments.log_level)
    except ConfigError as error:
        for fault in error.faults:
            print(f"{name}: {fault}", file=sys.stderr)
        outlast_start(at_once=arguments.check)
        return WRONG
    except OSError as error:
        print(f"{name}: {unwritable(error)}, trying again in {PAUSE:g} s", file=sys.stderr, flush=True)
        pause(PAUSE)
        return TRY_AGAIN


def _arguments(name: str, argv: Sequence[str], more: str) -> argparse.Namespace:
    parser = Parser(prog=f"guardia {name.replace('-', ' ')}", epilog=more)
    parser.add_argument("--config", metavar="FILE", help=CONFIG)
    parser.add_argument("--check", action="store_true", help="check the configuration and exit")
    parser.add_argument("--version", action="version", version=version())
    parser.add_argument("--log-level", choices=("debug", "info", "warning", "error"), help="the least important lines")
    return parser.parse_args(argv)
