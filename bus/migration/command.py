"""``guardia migrate``: makes ``guardia.toml`` of the first Guardia's ``config.json``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from bus import config, rooms
from bus.arguments import Parser
from bus.config import ConfigError
from bus.exits import STOPPED, WRONG
from bus.keys import write_private
from bus.migration.new import New, renewed
from bus.migration.old import NotOld, read

LEFT_OUT = 1
EXIT = "Exit codes: 0 nothing was left out, 1 something was, or is to mend, 100 nothing was written."


def main(argv: Sequence[str]) -> int:
    """Migrate; 0, or 1 when something could not be taken over as it was, or 100 when nothing was written."""
    given = _arguments().parse_args(argv)
    old, to = Path(given.old), Path(given.to)
    os.umask(0o077)
    try:
        new = renewed(read(old.read_bytes().decode("utf-8-sig")))
    except NotOld as error:
        return _wrong(f"{old}: {error}")
    except UnicodeDecodeError:
        return _wrong(f"{old}: found bytes that are no UTF-8, expected JSON")
    except OSError as error:
        return _wrong(f"{old}: {(error.strerror or 'it cannot be read').lower()}")
    try:
        there = [path for path in (to, *(to.parent / name for name in new.secrets)) if path.exists()]
        if there and not given.force:
            return _wrong(f"{there[0]} is there already; type --force to replace it, or --to another file")
        for name, text in new.secrets.items():
            write_private(to.parent / name, text)
        write_private(to, new.text)
    except OSError as error:
        return _wrong(f"{to}: {(error.strerror or 'it cannot be written').lower()}")
    except ValueError as error:
        return _wrong(f"{to}: {error}")
    return _told(old, to, new)


def _told(old: Path, to: Path, new: New) -> int:
    """Say what was made, what is to know, and what the new file is not right about."""
    for note in new.notes:
        print(f"{'left out' if note.lost else 'note'}: {note.place}: {note.text}", file=sys.stderr)
    faults: tuple[config.Fault, ...] = ()
    try:
        rooms.load(to)
    except ConfigError as error:
        faults = error.faults
    for fault in faults:
        print(f"to mend: {fault}", file=sys.stderr)
    lost = sum(note.lost for note in new.notes)
    secrets = f" and {len(new.secrets)} secrets beside it" if new.secrets else ""
    print(f"{to}{secrets} made of {old}; {lost} things could not be taken over, {len(faults)} are to mend.")
    return LEFT_OUT if lost or faults else STOPPED


def _wrong(text: str) -> int:
    print(f"guardia migrate: {text}", file=sys.stderr)
    return WRONG


def _arguments() -> argparse.ArgumentParser:
    parser = Parser(prog="guardia migrate", description=__doc__, epilog=EXIT)
    parser.add_argument("old", metavar="CONFIG.json", help="the first Guardia's configuration")
    parser.add_argument("--to", default="guardia.toml", metavar="FILE", help="what is written (default: guardia.toml)")
    parser.add_argument("--force", action="store_true", help="replace what is there")
    return parser
