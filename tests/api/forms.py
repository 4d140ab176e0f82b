"""Forms of JSON as a typed client reads it: each checks one value, and fails with what it is and what was expected."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

Check = Callable[[Any], None]

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\Z")
_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}\Z")


class Broken(AssertionError):
    """A client would refuse this."""


def _fail(value: Any, expected: str) -> None:
    raise Broken(f"{value!r} where {expected} is promised")


def text(value: Any) -> None:
    if type(value) is not str:
        _fail(value, "text")


def integer(value: Any) -> None:
    if type(value) is not int or value < 0:
        _fail(value, "a JSON integer of 0 or more")


def signed(value: Any) -> None:
    if type(value) is not int:
        _fail(value, "a JSON integer")


def number(value: Any) -> None:
    if type(value) not in (int, float) or value != value or value in (float("inf"), float("-inf")):
        _fail(value, "a number")


def percent(value: Any) -> None:
    number(value)
    if not 0 <= value <= 100:
        _fail(value, "0 to 100")


def time(value: Any) -> None:
    if type(value) is not str or not _TIME.match(value):
        _fail(value, "a time in UTC with milliseconds and Z")


def server_id(value: Any) -> None:
    if type(value) is not str or not _ID.match(value):
        _fail(value, "an id that needs no escaping")


def boolean(value: Any) -> None:
    if type(value) is not bool:
        _fail(value, "true or false")


def nullable(check: Check) -> Check:
    def either(value: Any) -> None:
        if value is not None:
            check(value)

    return either


def one_of(*words: str) -> Check:
    def known(value: Any) -> None:
        if value not in words:
            _fail(value, f"one of {words}")

    return known


def list_of(check: Check) -> Check:
    def each(value: Any) -> None:
        if type(value) is not list:
            _fail(value, "a list")
        for item in value:
            check(item)

    return each


def shape(required: dict[str, Check], optional: dict[str, Check] | None = None, *, closed: bool = True) -> Check:
    """An object with these keys. ``closed`` also refuses keys that nobody decided upon."""

    def check(value: Any) -> None:
        if type(value) is not dict:
            _fail(value, "an object")
        for key, inner in required.items():
            if key not in value:
                raise Broken(f"{key} is missing in {sorted(value)}")
            try:
                inner(value[key])
            except Broken as broken:
                raise Broken(f"{key}: {broken}") from None
        for key in value.keys() - required.keys():
            if key in (optional or {}):
                (optional or {})[key](value[key])
            elif closed:
                raise Broken(f"{key} is in no contract")

    return check


def values_of(check: Check) -> Check:
    def each(value: Any) -> None:
        list_of(check)(list(value.values()))

    return each


def counted(key: str) -> Check:
    def check(value: Any) -> None:
        if value["count"] != len(value[key]):
            raise Broken(f"count {value['count']} of {len(value[key])} {key}")

    return check


def rising(key: str) -> Check:
    def check(value: Any) -> None:
        times = [row["timestamp"] for row in value[key]]
        if times != sorted(times):
            raise Broken(f"{key} are not oldest first")

    return check


def all_of(*checks: Check) -> Check:
    def check(value: Any) -> None:
        for one in checks:
            one(value)

    return check
