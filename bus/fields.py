"""Plain values, as msgpack gives them, checked against a record type's annotations. Pure.

A message body is a map. ``build`` turns it into a frozen dataclass and is strict about types: ``True`` is no
integer, NaN and infinities are no numbers, a missing field without a default is a fault. Unknown keys are
ignored, so that a newer producer can talk to an older reader.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

T = TypeVar("T")

MAX_TEXT = 4096
MAX_ITEMS = 4096
MOST = "most"
"""Under which key of its metadata a field says that it is a list of more items than ``MAX_ITEMS``, and how many."""
INTEGERS = range(-(2**63), 2**64)
_PLAIN = frozenset((str, int, float, bool, bytes, type(None)))


class Unfit(ValueError):
    """A value that is not of the declared shape; the text names the place and what was found."""


Check = Callable[[Any, str], Any]


def _text(value: Any, place: str) -> str:
    if type(value) is not str:
        raise Unfit(f"{place}: expected text, found {_name(value)}")
    if len(value) > MAX_TEXT:
        raise Unfit(f"{place}: text of {len(value)} characters, at most {MAX_TEXT}")
    return value


def _integer(value: Any, place: str) -> int:
    if type(value) is not int:
        raise Unfit(f"{place}: expected a whole number, found {_name(value)}")
    if value not in INTEGERS:
        raise Unfit(f"{place}: {value} does not fit 64 bits")
    return value


def _number(value: Any, place: str) -> float:
    if type(value) not in (int, float):
        raise Unfit(f"{place}: expected a number, found {_name(value)}")
    try:
        number = float(value)
    except OverflowError:
        raise Unfit(f"{place}: a number of more than 308 digits") from None
    if not math.isfinite(number):
        raise Unfit(f"{place}: {value} is no finite number")
    return number


def _truth(value: Any, place: str) -> bool:
    if type(value) is not bool:
        raise Unfit(f"{place}: expected true or false, found {_name(value)}")
    return value


_SCALARS: dict[Any, Check] = {str: _text, int: _integer, float: _number, bool: _truth}


def _name(value: Any) -> str:
    return "nothing" if value is None else type(value).__name__


def _optional(check: Check) -> Check:
    return lambda value, place: None if value is None else check(value, place)


def _items(check: Check, most: int = MAX_ITEMS) -> Check:
    def each(value: Any, place: str) -> tuple[Any, ...]:
        if type(value) not in (list, tuple):
            raise Unfit(f"{place}: expected a list, found {_name(value)}")
        if len(value) > most:
            raise Unfit(f"{place}: {len(value)} items, at most {most}")
        return tuple(check(item, f"{place}[{i}]") for i, item in enumerate(value))

    return each


def _pairs(check: Check) -> Check:
    def each(value: Any, place: str) -> dict[str, Any]:
        if type(value) is not dict:
            raise Unfit(f"{place}: expected a map, found {_name(value)}")
        if len(value) > MAX_ITEMS:
            raise Unfit(f"{place}: {len(value)} keys, at most {MAX_ITEMS}")
        return {_text(k, place): check(v, f"{place}.{k}") for k, v in value.items()}

    return each


@functools.cache
def _check_for(annotation: Any) -> Check:
    if annotation in _SCALARS:
        return _SCALARS[annotation]
    if dataclasses.is_dataclass(annotation):
        return lambda value, place: build(annotation, value, place)  # type: ignore[arg-type]
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType) and len(arguments) == 2 and type(None) in arguments:
        inner = next(a for a in arguments if a is not type(None))
        return _optional(_check_for(inner))
    if origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
        return _items(_check_for(arguments[0]))
    if origin in (dict, Mapping) and arguments[0] is str:
        return _pairs(_check_for(arguments[1]))
    raise TypeError(f"no check is known for {annotation}")  # a fault of ours, found by the first test


@functools.cache
def _plan(record: type) -> tuple[tuple[str, Check, bool], ...]:
    hints = typing.get_type_hints(record)

    def check_of(field: dataclasses.Field[Any]) -> Check:
        hint, most = hints[field.name], field.metadata.get(MOST)
        return _check_for(hint) if most is None else _items(_check_for(typing.get_args(hint)[0]), most)

    return tuple(
        (
            field.name,
            check_of(field),
            field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING,
        )
        for field in dataclasses.fields(record)
    )


def build(record: type[T], value: Any, place: str = "body") -> T:
    """Make a ``record`` from the map ``value``; raises ``Unfit`` naming the first field that does not fit."""
    if type(value) is not dict:
        raise Unfit(f"{place}: expected a map, found {_name(value)}")
    found = {}
    for name, check, required in _plan(record):  # type: ignore[arg-type]
        if name in value:
            found[name] = check(value[name], f"{place}.{name}")
        elif required:
            raise Unfit(f"{place}.{name}: missing")
    return record(**found)


@functools.cache
def names_of(record: type) -> tuple[str, ...]:
    """The names of a record type's fields."""
    return tuple(field.name for field in dataclasses.fields(record))


def plain(record: Any) -> Any:
    """The map that ``build`` makes the same record from; tuples become lists."""
    if type(record) in _PLAIN:
        return record
    if dataclasses.is_dataclass(record):
        return {name: plain(getattr(record, name)) for name in names_of(record.__class__)}
    if isinstance(record, tuple | list):
        return [plain(item) for item in record]
    if isinstance(record, Mapping):
        return {key: plain(item) for key, item in record.items()}
    return record
