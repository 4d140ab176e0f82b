"""What a setting is: a field of a frozen dataclass that knows its default, unit, limits and reason. Pure."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass
from types import NoneType, UnionType
from typing import Any

from bus import sizes, timing
from bus.faults import listed
from bus.secret import Secret

_KEY = "guardia.rule"


@dataclass(frozen=True)
class Rule:
    """What a setting's value has to keep to."""

    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[Any, ...] = ()
    pattern: str | None = None
    form: str = ""
    unique: bool = False
    help: str = ""


def setting(
    default: Any = MISSING,
    *,
    unit: str = "",
    minimum: float | None = None,
    maximum: float | None = None,
    choices: Iterable[Any] = (),
    pattern: str | None = None,
    form: str = "",
    unique: bool = False,
    help: str,
) -> Any:
    """A field of a room's table; without ``default`` the operator has to give it.

    ``unit="s"`` accepts durations in words ("30s"), ``unit="bytes"`` sizes ("512MB"); any other unit is only
    told. ``minimum`` and ``maximum`` are inclusive. A text has to match all of ``pattern``, which ``form`` puts
    in words. ``unique`` forbids the same value twice in a list of tables.
    """
    rule = Rule(unit, minimum, maximum, tuple(choices), pattern, form, unique, help)
    metadata = {_KEY: rule}
    if default is MISSING:
        return dataclasses.field(metadata=metadata)
    if type(default).__hash__ is None:
        return dataclasses.field(default_factory=lambda: type(default)(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Setting:
    """One setting of a table, as the reader of the file needs it."""

    name: str
    annotation: Any
    rule: Rule
    default: Any
    factory: Callable[[], Any] | None
    field: str = ""
    """The field's name: ``for_`` where the setting is ``for``, a word that Python keeps for itself."""

    @property
    def required(self) -> bool:
        """Whether the file has to give it."""
        return self.default is MISSING and self.factory is None

    def fallback(self) -> Any:
        """The value when the file does not give it."""
        return self.factory() if self.factory else self.default


def settings_of(record: type) -> dict[str, Setting]:
    """The settings of a table by name, in their order."""
    hints = typing.get_type_hints(record)
    found = {}
    for field in dataclasses.fields(record):
        factory = None if field.default_factory is MISSING else field.default_factory
        rule = field.metadata.get(_KEY, Rule())
        name = field.name.removesuffix("_")
        found[name] = Setting(name, hints[field.name], rule, field.default, factory, field.name)
    return found


def essence(annotation: Any) -> Any:
    """``annotation`` without its ``| None``: TOML has no way to write that."""
    if typing.get_origin(annotation) in (typing.Union, UnionType):
        inner = [a for a in typing.get_args(annotation) if a is not NoneType]
        if len(inner) == 1:
            return inner[0]
    return annotation


def is_list(annotation: Any) -> bool:
    """Whether it is ``tuple[X, ...]``."""
    return typing.get_origin(annotation) is tuple


def is_map(annotation: Any) -> bool:
    """Whether it is a mapping of names to X."""
    origin = typing.get_origin(annotation)
    return isinstance(origin, type) and issubclass(origin, Mapping)


def inner(annotation: Any) -> Any:
    """The X of a list or map of X."""
    arguments = typing.get_args(annotation)
    return arguments[0] if is_list(annotation) else arguments[1]


def expected(annotation: Any, rule: Rule) -> str:
    """What a value has to be, in words that follow ``expected``."""
    annotation = essence(annotation)
    if is_list(annotation):
        return f"a list, each item {expected(inner(annotation), rule)}"
    if is_map(annotation):
        return f"a table, each value {expected(inner(annotation), rule)}"
    if dataclasses.is_dataclass(annotation):
        return "a table"
    if rule.choices:
        return listed(shown(choice) for choice in rule.choices if choice != "")
    if annotation is bool:
        return "true or false"
    if annotation is Secret:
        return "${NAME} or file:PATH"
    if annotation is str:
        return rule.form or (f"text that matches {rule.pattern}" if rule.pattern else "text")
    return _number(annotation, rule)


def _number(annotation: Any, rule: Rule) -> str:
    show: Callable[[float], str]
    if rule.unit == "s":
        noun, show = "a duration such as 250ms, 30s or 7d", timing.in_words
    elif rule.unit == "bytes":
        noun, show = "a size such as 64kB or 512MB", lambda limit: sizes.in_words(int(limit))
    else:
        noun, show = "a whole number" if annotation is int else "a number", lambda limit: f"{limit:g}"
    return noun + span(rule, show)


def span(rule: Rule, show: Callable[[float], str]) -> str:
    """`` from 1 to 10``, `` of at least 1``, `` of at most 10`` or nothing."""
    if rule.minimum is not None and rule.maximum is not None:
        return f" from {show(rule.minimum)} to {show(rule.maximum)}"
    if rule.minimum is not None:
        return f" of at least {show(rule.minimum)}"
    return f" of at most {show(rule.maximum)}" if rule.maximum is not None else ""


def shown(value: Any) -> str:
    """A value as it would stand in the file, cut to a readable length."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        text = value if len(value) <= 60 else value[:57] + "..."
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    if isinstance(value, int | float):
        large = isinstance(value, int) and abs(value) >= 10**60
        return "a number of more than 60 digits" if large else str(value)
    if isinstance(value, Mapping):
        return "a table"
    return "a list" if isinstance(value, list | tuple) else f"a {type(value).__name__}"
