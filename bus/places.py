"""On which line of a TOML text each key stands, since ``tomllib`` does not tell. Pure."""

from __future__ import annotations

import re
from collections import Counter

Place = tuple[str | int, ...]
"""``("store", "batch_seconds")``, ``("hosts", 0, "name")``: the way to a value in the parsed file."""

_PART = r"(?:[A-Za-z0-9_-]+|\"[^\"\n]*\"|'[^'\n]*')"
_KEY = rf"{_PART}(?:\s*\.\s*{_PART})*"
_HEADER = re.compile(rf"\s*(\[\[?)\s*({_KEY})\s*\]\]?\s*(?:#.*)?\Z")
_ASSIGNED = re.compile(rf"\s*({_KEY})\s*=(.*)\Z", re.DOTALL)
_ENDS = {'"""': re.compile(r'(?:\\.|[^\\])*?"""', re.DOTALL), "'''": re.compile(r".*?'''", re.DOTALL)}
_ONE_LINE = re.compile(r"\"(?:\\.|[^\"\\])*\"|'[^']*'")


def places(text: str) -> dict[Place, int]:
    """The line (from 1) of every table header and key of ``text``, which is TOML that parses."""
    lines = text.split("\n")
    found: dict[Place, int] = {}
    tables: Counter[Place] = Counter()
    table: Place = ()
    number = 0
    while number < len(lines):
        line = lines[number]
        if header := _HEADER.match(line):
            table = _table(header[1] == "[[", _parts(header[2]), tables)
            for depth in (len(table) - 1, len(table)):
                found.setdefault(table[:depth], number + 1)
        elif assigned := _ASSIGNED.match(line):
            place = (*table, *_parts(assigned[1]))
            for depth in range(len(table) + 1, len(place) + 1):
                found.setdefault(place[:depth], number + 1)
            number = _end_of_value(lines, number, assigned[2])
        number += 1
    return found


def line_of(place: Place, found: dict[Place, int]) -> int | None:
    """The line of ``place`` or of the nearest thing around it."""
    for depth in range(len(place), 0, -1):
        if place[:depth] in found:
            return found[place[:depth]]
    return None


def _parts(key: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in re.findall(_PART, key))


def _table(is_list: bool, parts: tuple[str, ...], tables: Counter[Place]) -> Place:
    # [a.b] below [[a]] belongs to the last a.
    place: Place = ()
    for part in parts[:-1]:
        place = (*place, part)
        if tables[place]:
            place = (*place, tables[place] - 1)
    place = (*place, parts[-1])
    if is_list:
        tables[place] += 1
        place = (*place, tables[place] - 1)
    return place


def _end_of_value(lines: list[str], number: int, value: str) -> int:
    """The number of the last line of the value that begins on line ``number`` with ``value``."""
    depth = 0
    rest = value
    while True:
        while rest:
            if (quote := rest[:3]) in _ENDS:
                rest = rest[3:]
                while not (end := _ENDS[quote].match(rest)):
                    number += 1
                    if number >= len(lines):
                        return number
                    rest += "\n" + lines[number]
                rest = rest[end.end() :]
            elif string := _ONE_LINE.match(rest):
                rest = rest[string.end() :]
            elif rest[0] == "#":
                rest = ""
            else:
                depth += (rest[0] in "[{") - (rest[0] in "]}")
                rest = rest[1:]
        if depth <= 0 or number + 1 >= len(lines):
            return number
        number += 1
        rest = lines[number]
