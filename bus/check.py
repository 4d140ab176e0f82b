"""``guardia check``: reads the configuration as every room would, and names all its faults.

guardia check [--config FILE] [--json]
guardia check --settings            prints every setting with its default, as a file to start from
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bus import config, home, rooms, sizes, timing
from bus.config import ConfigError
from bus.program import STOPPED, WRONG
from bus.settings import Setting, settings_of


def main(argv: Sequence[str]) -> int:
    """Check; 0 when all is right, 100 when not."""
    parser = argparse.ArgumentParser(prog="guardia check", description="Check the configuration.")
    parser.add_argument("--config", metavar="FILE")
    parser.add_argument("--json", action="store_true", help="faults as a JSON list")
    parser.add_argument("--settings", action="store_true", help="print every setting with its default, and end")
    arguments = parser.parse_args(argv)
    if arguments.settings:
        print(reference(rooms.tables(), rooms.LISTS), end="")
        return STOPPED
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


def reference(tables: Mapping[str, type], lists: Mapping[str, type]) -> str:
    """Every setting as commented TOML: uncommenting a line changes nothing until its value is changed."""
    blocks = [
        [f"[{name}]", *(line for one in settings_of(table).values() for line in _lines(one))]
        for name, table in tables.items()
    ]
    blocks += [
        [f"# [[{name}]]", *(line for one in settings_of(table).values() for line in _lines(one))]
        for name, table in lists.items()
    ]
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _lines(one: Setting) -> Iterator[str]:
    # Text for people has two marks, a setting one: taking one mark away everywhere gives a whole file.
    yield f"## {one.rule.help}"
    yield f"# {one.name} = {_written(one)}"


def _written(one: Setting) -> str:
    value: Any = "" if one.required else one.fallback()
    if value is None:
        return '"30s"' if one.rule.unit == "s" else '""'  # what a value would look like
    if isinstance(value, bool):
        return str(value).lower()
    if one.rule.unit == "s" and value:
        return f'"{timing.in_words(value)}"'
    if one.rule.unit == "bytes" and value:
        return f'"{sizes.in_words(value)}"'
    if isinstance(value, tuple | list):
        return json.dumps(list(value))
    return json.dumps(value)
