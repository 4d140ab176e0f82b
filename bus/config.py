"""A TOML file to typed records; all faults at once, in words.

A room declares its table as a frozen dataclass whose fields are made by ``setting``: default, unit, range and help
stand beside the field. ``load`` reads the whole file, checks every table, and raises one ``ConfigError`` with every
fault: unknown tables and keys with the nearest right word, wrong types, values out of range, missing keys and
secrets that cannot be had.

A field of type ``float`` with unit ``s`` takes a number or words such as ``"30s"``; one of type ``int`` with unit
``bytes`` takes a number or ``"512MB"``; one of type ``Secret`` takes ``"${NAME}"`` or ``"file:PATH"``. A record may
have a method ``objections()`` that yields ``bus.faults.Objection`` for values that do not fit together.
"""

from __future__ import annotations

import dataclasses
import os
import re
import tomllib
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bus import sizes, timing
from bus.faults import ConfigError, Fault, did_you_mean, listed
from bus.places import Place, line_of, places
from bus.secret import Secret, Unavailable, fetch

__all__ = ["ConfigError", "Fault", "Option", "Secret", "Settings", "load", "read", "setting"]

_MISSING = dataclasses.MISSING
_LINE = re.compile(r"\(at line (\d+), column \d+\)|\(at end of document\)")


@dataclass(frozen=True)
class Option:
    """What is known of a setting beside its type and default."""

    help: str
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] | None = None
    pattern: str | None = None


def setting(
    default: Any = _MISSING,
    *,
    help: str,
    unit: str = "",
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[str, ...] | None = None,
    pattern: str | None = None,
) -> Any:
    """A field of a table; without ``default`` the key must be given."""
    option = Option(help, unit, minimum, maximum, choices, pattern)
    return field(default=default, metadata={"option": option})


@dataclass(frozen=True)
class Settings:
    """A whole configuration: ``tables["store"]`` is the store's record, ``lists["hosts"]`` a tuple of records."""

    path: Path
    tables: Mapping[str, Any]
    lists: Mapping[str, tuple[Any, ...]]

    def __getitem__(self, table: str) -> Any:
        return self.tables[table]


def load(path: Path, tables: Mapping[str, type], lists: Mapping[str, type]) -> Settings:
    """Read ``path``; raises ``ConfigError`` with all that is wrong in it."""
    return read(_text(path), path, tables, lists, os.environ)


def read(
    text: str,
    path: Path,
    tables: Mapping[str, type],
    lists: Mapping[str, type],
    environment: Mapping[str, str],
) -> Settings:
    """``load`` for the text of a file; ``path`` is for messages and for what stands relative to it."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([_syntax_fault(text, path, str(error))]) from None
    reading = _Reading(path, places(text), environment)
    known = [*tables, *lists]
    for name in values:
        if name not in known:
            kind = f"[{name}]" if isinstance(values[name], dict | list) else name
            reading.fault((name,), f"{kind}, which nobody reads", "a known table", did_you_mean(name, known))
    made = {name: reading.table(kind, values.get(name, {}), (name,)) for name, kind in tables.items()}
    many = {name: reading.records(kind, values.get(name, []), name) for name, kind in lists.items()}
    if reading.faults:
        raise ConfigError(reading.faults)
    return Settings(path, made, many)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        reason = (error.strerror or "it cannot be read").lower()
        remedy = "name it with --config FILE or GUARDIA_CONFIG"
        raise ConfigError([Fault(str(path), "", None, reason, "a configuration file", remedy)]) from None
    except UnicodeDecodeError as error:
        found = f"a byte that is no UTF-8 at position {error.start}"
        raise ConfigError([Fault(str(path), "", None, found, "text in UTF-8")]) from None


def _syntax_fault(text: str, path: Path, message: str) -> Fault:
    at = _LINE.search(message)
    line = int(at[1]) if at and at[1] else text.count("\n") + 1
    found = _LINE.sub("", message).strip().rstrip(".")
    return Fault(str(path), "", line, f"no TOML ({found[:1].lower()}{found[1:]})", "key = value")


class _Reading:
    """One file being read; collects the faults."""

    def __init__(self, path: Path, lines: dict[Place, int], environment: Mapping[str, str]) -> None:
        self.faults: list[Fault] = []
        self._path = path
        self._lines = lines
        self._environment = environment

    def fault(self, place: Place, found: str, expected: str, remedy: str = "") -> Any:
        """Remember a fault; returns None, which then stands for the value."""
        line = line_of(place, self._lines)
        self.faults.append(Fault(str(self._path), _place(place), line, found, expected, remedy))

    def records(self, kind: type, values: Any, name: str) -> tuple[Any, ...]:
        if type(values) is not list or any(type(value) is not dict for value in values):
            self.fault((name,), _described(values), f"tables [[{name}]]")
            return ()
        made = [self.table(kind, value, (name, i)) for i, value in enumerate(values)]
        names: dict[str, int] = {}
        for i, record in enumerate(made):
            key = getattr(record, "name", None)
            if key is not None and names.setdefault(key, i) != i:
                self.fault((name, i, "name"), f"{key!r} a second time", "each name once")
        return tuple(record for record in made if record is not None)

    def table(self, kind: type, values: Any, place: Place) -> Any:
        """The record, or None where a fault of this table was found."""
        if type(values) is not dict:
            self.fault(place, _described(values), f"a table {_place(place)}")
            return None
        before = len(self.faults)
        hints = typing.get_type_hints(kind)
        fields = {f.name: f for f in dataclasses.fields(kind)}
        for key in values:
            if key not in fields:
                self.fault((*place, key), "a key that nobody reads", "a known key", did_you_mean(key, fields))
        made = {}
        for key, declared in fields.items():
            option: Option = declared.metadata["option"]
            if key in values:
                made[key] = self._value(hints[key], option, values[key], (*place, key))
            elif declared.default is _MISSING:
                self.fault((*place, key), "nothing", f"{_wanted(hints[key], option)}", f"add {key} = ...")
        if len(self.faults) > before:
            return None
        record = kind(**made)
        for objection in getattr(record, "objections", tuple)():
            self.fault((*place, objection.key), objection.found, objection.expected, objection.remedy)
        return record

    def _value(self, hint: Any, option: Option, value: Any, place: Place) -> Any:
        """The value as the field wants it; None after a fault."""
        inner = _inner(hint)
        if inner is Secret:
            return self._secret(value, place)
        if typing.get_origin(inner) is tuple:
            if type(value) is str:
                value = [value]
            if type(value) is not list:
                return self.fault(place, _described(value), _wanted(inner, option))
            each = typing.get_args(inner)[0]
            return tuple(self._value(each, option, item, place) for item in value)
        if typing.get_origin(inner) is dict:
            if type(value) is not dict:
                return self.fault(place, _described(value), _wanted(inner, option))
            each = typing.get_args(inner)[1]
            return {key: self._value(each, option, item, (*place, key)) for key, item in value.items()}
        if dataclasses.is_dataclass(inner):
            return self.table(typing.cast(type, inner), value, place)
        return self._scalar(inner, option, value, place)

    def _scalar(self, kind: Any, option: Option, value: Any, place: Place) -> Any:
        wanted = _wanted(kind, option)
        try:
            if type(value) is str and kind is float and option.unit == "s":
                value = timing.seconds(value)
            elif type(value) is str and kind is int and option.unit == "bytes":
                value = sizes.size(value)
        except ValueError:
            return self.fault(place, repr(value), wanted)
        if kind is float and type(value) is int:
            value = float(value)
        if type(value) is not kind:
            return self.fault(place, _described(value), wanted)
        if option.choices is not None and value not in option.choices:
            return self.fault(place, repr(value), wanted, did_you_mean(str(value), option.choices))
        if option.pattern is not None and not re.fullmatch(option.pattern, value):
            return self.fault(place, repr(value), wanted)
        if option.minimum is not None and not value >= option.minimum:
            return self.fault(place, _described(value), wanted)
        if option.maximum is not None and not value <= option.maximum:
            return self.fault(place, _described(value), wanted)
        return value

    def _secret(self, value: Any, place: Place) -> Secret | None:
        if type(value) is not str:
            return self.fault(place, f"a value of type {type(value).__name__}", "${NAME} or file:PATH")
        try:
            return fetch(value, self._path.parent, self._environment)
        except Unavailable as error:
            return self.fault(place, error.found, error.expected, error.remedy)


def _inner(hint: Any) -> Any:
    """The type that a value must have; TOML has no nothing, so an optional field is just a field."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return next(a for a in typing.get_args(hint) if a is not type(None))
    return hint


_NAMES = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}


def _described(value: Any) -> str:
    names = {str: "text", bool: "true or false", list: "a list", dict: "a table"}
    shown = repr(value) if not isinstance(value, bool) else str(value).lower()
    if isinstance(value, list | dict):
        return names[type(value)]
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    return f"{names[type(value)]} {shown}" if type(value) in names else shown


def _wanted(hint: Any, option: Option) -> str:
    inner = _inner(hint)
    if option.choices is not None:
        return listed(repr(choice) for choice in option.choices)
    if typing.get_origin(inner) is tuple:
        return "a list of " + _wanted(typing.get_args(inner)[0], option)
    if typing.get_origin(inner) is dict:
        return "a table of " + _wanted(typing.get_args(inner)[1], option)
    if inner is Secret:
        return "${NAME} or file:PATH"
    if dataclasses.is_dataclass(inner):
        return "a table"
    text = _NAMES[inner]
    if option.unit == "s" and inner is float:
        text = "a duration"
    elif option.unit == "bytes" and inner is int:
        text = "a size"
    if option.pattern is not None:
        text = f"{text} like {option.pattern}"
    return text + _bounds(option)


def _bounds(option: Option) -> str:
    low, high = _amount(option.minimum, option.unit), _amount(option.maximum, option.unit)
    if low and high:
        return f" from {low} to {high}"
    if low:
        return f" of at least {low}"
    return f" of at most {high}" if high else ""


def _amount(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    if unit == "s":
        return timing.in_words(value)
    return sizes.in_words(int(value)) if unit == "bytes" else f"{value:g}"


def _place(place: Place) -> str:
    if not place:
        return ""
    table = f"[[{place[0]}]] {place[1] + 1}" if len(place) > 1 and isinstance(place[1], int) else f"[{place[0]}]"
    rest = place[2:] if len(place) > 1 and isinstance(place[1], int) else place[1:]
    return " ".join([table, ".".join(str(part) for part in rest)]).strip()
