"""What a JSON document has to hold: a path, and a comparison with what is found there. Pure.

    $.status == "ok"            a member
    $.checks[0].name =~ /^db/   an item; -1 is the last one
    $["odd name"] != null       a name with other signs than letters, digits, _ and -
    $.nodes[*].ready == true    each item, of which there is at least one
    length($.queue) < 100       items of a list, members of an object, characters of a text
    $.version                   it is there

Paths are written as in RFC 9535, of which these are the parts that name things and do not search for them.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from bus.harmless import cut

EVERY = "*"
"""The step to each item of a list."""


@dataclass(frozen=True, slots=True)
class Name:
    """The step to a member of an object."""

    name: str

    def __str__(self) -> str:
        return f".{self.name}" if _WORD.fullmatch(self.name) else f"[{json.dumps(self.name, ensure_ascii=False)}]"


Step = Name | int | str
OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
_WORD = re.compile(r"[^\W\d][\w-]*")
_STEP = re.compile(rf"\.({_WORD.pattern})|\[\s*(?:(-?[0-9]{{1,9}})|(\*)|(\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'))\s*\]")
_TEST = re.compile(r"\s*(==|!=|<=|>=|=~|<|>)\s*(.*)\Z", re.DOTALL)
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Condition:
    """A path and, unless ``sign`` is empty, what is found there compared with ``value``; ``=~`` has a pattern."""

    steps: tuple[Step, ...]
    length: bool = False
    sign: str = ""
    value: Any = None

    def __str__(self) -> str:
        path = "$" + "".join(str(step) if isinstance(step, Name) else f"[{step}]" for step in self.steps)
        path = f"length({path})" if self.length else path
        if self.sign == "=~":
            return f"{path} =~ /{self.value.pattern}/"
        return f"{path} {self.sign} {json.dumps(self.value, ensure_ascii=False)}" if self.sign else path

    def fault(self, document: Any) -> str | None:
        """What is wrong with the document, in words; None when it is as it should be."""
        try:
            for place, found in _followed(document, self.steps, "$"):
                if wrong := self._wrong(place, found):
                    return wrong
        except LookupError as missing:
            return str(missing.args[0])
        return None

    def _wrong(self, place: str, found: Any) -> str | None:
        if self.length:
            if not isinstance(found, str | list | dict):
                return f"{place} is {shown(found)}, which has no length"
            place, found = f"length({place})", len(found)
        if not self.sign:
            return None
        if self.sign == "=~":
            if isinstance(found, str) and self.value.search(found):
                return None
            return f"{place} is {shown(found)}, expected text that matches /{self.value.pattern}/"
        if self._holds(found):
            return None
        wanted = "" if self.sign == "==" else f"{self.sign} "
        return f"{place} is {shown(found)}, expected {wanted}{shown(self.value)}"

    def _holds(self, found: Any) -> bool:
        # True is no 1 in JSON, as it is in Python.
        alike = _kind(found) is _kind(self.value)
        if self.sign in ("==", "!="):
            return (alike and bool(found == self.value)) is (self.sign == "==")
        return alike and OPERATORS[self.sign](found, self.value)


def condition(text: str) -> Condition:
    """The condition that ``text`` means; raises ``ValueError``, whose words say what was expected."""
    rest = text.strip()
    length = rest.startswith("length(")
    if length:
        rest = rest.removeprefix("length(").lstrip()
    if not rest.startswith("$"):
        raise ValueError("a path that begins with $, as $.status")
    steps, rest = _steps(rest[1:])
    if length:
        if not rest.lstrip().startswith(")"):
            raise ValueError("a ) after the path")
        rest = rest.lstrip()[1:]
    if not rest.strip():
        return Condition(steps, length)
    test = _TEST.match(rest)
    if not test:
        raise ValueError(f'a comparison in place of "{rest.strip()[:_SHOWN]}", as == "ok"')
    return Condition(steps, length, test[1], _value(test[1], test[2].strip()))


def _steps(rest: str) -> tuple[tuple[Step, ...], str]:
    steps: list[Step] = []
    while found := _STEP.match(rest):
        name, number, every, quoted = found.groups()
        steps.append(Name(name) if name else int(number) if number else EVERY if every else Name(_unquoted(quoted)))
        rest = rest[found.end() :]
    return tuple(steps), rest


def _unquoted(text: str) -> str:
    if text.startswith("'"):
        text = '"' + text[1:-1].replace("\\'", "'").replace('"', '\\"') + '"'
    try:
        return str(json.loads(text))
    except ValueError:
        raise ValueError(f"a name in quotes in place of {text}") from None


def _value(sign: str, text: str) -> Any:
    if sign == "=~":
        if len(text) < 2 or text[0] != "/" or text[-1] != "/":
            raise ValueError("a regular expression after =~, as /^ok/")
        try:
            return re.compile(text[1:-1])
        except re.error as error:
            raise ValueError(f"a regular expression after =~ ({error})") from None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError(f'a value after {sign}, as "ok", 5, true or null') from None
    if isinstance(value, list | dict) or (isinstance(value, float) and value != value):
        raise ValueError(f"a text, a number, true, false or null after {sign}")
    if sign not in ("==", "!=") and (value is None or isinstance(value, bool)):
        raise ValueError(f"a number or a text after {sign}")
    return value


def _followed(found: Any, steps: tuple[Step, ...], place: str) -> Iterator[tuple[str, Any]]:
    """What the steps lead to, each with its place; raises ``LookupError`` where they lead nowhere."""
    if not steps:
        yield place, found
        return
    step, rest = steps[0], steps[1:]
    if isinstance(step, Name):
        if not isinstance(found, dict):
            raise LookupError(f"{place} is {shown(found)}, expected an object")
        if step.name not in found:
            raise LookupError(f"{place}{step} is missing")
        yield from _followed(found[step.name], rest, f"{place}{step}")
        return
    if not isinstance(found, list):
        raise LookupError(f"{place} is {shown(found)}, expected a list")
    if not found and step == EVERY:
        raise LookupError(f"{place} is empty")
    if isinstance(step, int) and not -len(found) <= step < len(found):
        raise LookupError(f"{place}[{step}] is missing: {place} has {len(found)} items")
    for i in range(len(found)) if isinstance(step, str) else [step]:
        yield from _followed(found[i], rest, f"{place}[{i}]")


def _kind(value: Any) -> type:
    return float if isinstance(value, int | float) and not isinstance(value, bool) else type(value)


def shown(value: Any) -> str:
    """A value as it stands in the document, cut; of what holds more there is only its kind."""
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "an object"
    text = json.dumps(value, ensure_ascii=False)
    return cut(text, _SHOWN)
