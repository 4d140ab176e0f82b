"""A condition bound to the names of one layout: functions of the numbers, no look-ups left. Pure.

Truth has three values: True, False and None where a reading is missing. ``and`` is False as soon as one side is,
``or`` True as soon as one side is; otherwise what is not known stays unknown.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import translate
from functools import lru_cache
from typing import Protocol

from alerter import terms
from alerter.language import Call, Compare, Join, Metric, Node, Not, Number, Sum, Word
from alerter.terms import STATES, Condition
from alerter.windows import Window

NAN = math.nan
Values = Sequence[float]


class View(Protocol):
    """What a condition may know about its subject beside the readings; times in seconds."""

    seconds: float
    """Now."""
    interval: float
    skew: float

    def age(self) -> float:
        """Since it was last heard; NaN where that cannot be told."""
        ...

    def lost(self) -> float:
        """Messages lost of late."""
        ...

    def places(self, state: str) -> float:
        """Places that see the service in that state."""
        ...

    def window(self, key: tuple[str, float]) -> Window | None:
        """The past of a metric."""
        ...


Value = Callable[[Values, View], float]
Truth = Callable[[Values, View], bool | None]
_SIGNS: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}


@dataclass(frozen=True, slots=True)
class Feed:
    """Which number goes into which window."""

    place: int
    key: tuple[str, float]


def instances(condition: Condition, names: tuple[str, ...]) -> tuple[str, ...]:
    """The instances that the condition is judged for; ``("",)`` when it is of the host as a whole."""
    if not condition.wild:
        return ("",)
    found: dict[str, None] = {}
    for wild in terms.instanced(condition.tree):
        for name in _matching(wild, names):
            parts = terms.split(name)
            found[parts[1] if parts else ""] = None
    return tuple(found)


def _matching(wild: str, names: tuple[str, ...]) -> list[str]:
    return [name for name in names if _matches(wild, name)]


def _matches(wild: str, name: str) -> bool:
    a, b = terms.split(wild), terms.split(name)
    return a is not None and b is not None and a[0] == b[0] and a[2] == b[2] and bool(_glob(a[1]).match(b[1]))


@lru_cache(maxsize=1024)
def _glob(text: str) -> re.Pattern[str]:
    return re.compile(translate(text.replace("[", "[[]")))


@lru_cache(maxsize=64)
def _places(names: tuple[str, ...]) -> Mapping[str, int]:
    """Where each name stands: of a layout with thousands of instances not to be found out for each of them."""
    return {name: place for place, name in enumerate(names)}


class Binder:
    """Binds conditions to one layout and instance; ``feeds`` collects the pasts that they need."""

    def __init__(self, names: tuple[str, ...], instance: str) -> None:
        self._places = _places(names)
        self._names = names
        self._instance = instance
        self.feeds: set[Feed] = set()

    def name(self, metric: Metric) -> str:
        """The metric's name for this instance."""
        parts = terms.split(metric.name)
        if parts is None or not terms.is_wild(metric.name) or not _glob(parts[1]).match(self._instance):
            return metric.name
        return f"{parts[0]}[{self._instance}]{parts[2]}"

    def truth(self, node: Node) -> Truth:
        """A condition as a function."""
        match node:
            case Not():
                return _not(self.truth(node.what))
            case Join(word="and"):
                return _and(self.truth(node.left), self.truth(node.right))
            case Join():
                return _or(self.truth(node.left), self.truth(node.right))
            case Compare():
                return self._compare(node)
        raise TypeError(f"{node} is no condition")  # terms.condition lets none through

    def _compare(self, node: Compare) -> Truth:
        sign = _SIGNS[node.sign]
        if isinstance(node.left, Metric) and isinstance(node.right, Number):
            place = self._places.get(self.name(node.left))
            if place is not None:
                return _reading(place, sign, node.right.value)
        return _compared(self.value(node.left), sign, self.value(node.right))

    def value(self, node: Node) -> Value:
        """A number as a function; NaN where there is no reading."""
        match node:
            case Number():
                number = node.value
                return lambda _values, _view: number
            case Word():
                return _word(node.text)
            case Metric():
                return self._metric(self.name(node))
            case Sum():
                return _summed(node.sign, self.value(node.left), self.value(node.right))
            case Call():
                return self._call(node)
        raise TypeError(f"{node} is no number")  # terms.condition lets none through

    def _metric(self, name: str) -> Value:
        if name == "clock.skew_seconds":
            return lambda _values, view: view.skew
        if name == "lost.messages":
            return lambda _values, view: view.lost()
        place = self._places.get(name)
        return _nothing if place is None else lambda values, _view: values[place]

    def _call(self, node: Call) -> Value:
        first = node.arguments[0]
        if isinstance(first, Word):
            word = first.text
            return lambda _values, view: view.places(word)
        assert isinstance(first, Metric)
        if len(node.arguments) == 1:
            places = tuple(self._places[name] for name in _matching(first.name, self._names))
            return _over_instances(node.function, places)
        name, seconds = self.name(first), terms.window(node)
        place = self._places.get(name)
        if place is None:
            return _nothing
        self.feeds.add(Feed(place, (name, seconds)))
        ahead = node.arguments[1].value if isinstance(node.arguments[1], Number) else 0.0
        return _over_time(node.function, (name, seconds), ahead)


def _nothing(_values: Values, _view: View) -> float:
    return NAN


def _word(text: str) -> Value:
    if text == "age":
        return lambda _values, view: view.age()
    if text == "interval":
        return lambda _values, view: view.interval
    number = STATES[text]
    return lambda _values, _view: number


def _reading(place: int, sign: Callable[[float, float], bool], limit: float) -> Truth:
    def truth(values: Values, _view: View) -> bool | None:
        value = values[place]
        return sign(value, limit) if value == value else None

    return truth


def _compared(left: Value, sign: Callable[[float, float], bool], right: Value) -> Truth:
    def truth(values: Values, view: View) -> bool | None:
        a, b = left(values, view), right(values, view)
        return sign(a, b) if a == a and b == b else None

    return truth


def _not(what: Truth) -> Truth:
    def truth(values: Values, view: View) -> bool | None:
        found = what(values, view)
        return None if found is None else not found

    return truth


def _and(left: Truth, right: Truth) -> Truth:
    def truth(values: Values, view: View) -> bool | None:
        a = left(values, view)
        if a is False:
            return False
        b = right(values, view)
        return False if b is False else None if a is None else b

    return truth


def _or(left: Truth, right: Truth) -> Truth:
    def truth(values: Values, view: View) -> bool | None:
        a = left(values, view)
        if a is True:
            return True
        b = right(values, view)
        return True if b is True else None if a is None else b

    return truth


def _summed(sign: str, left: Value, right: Value) -> Value:
    def value(values: Values, view: View) -> float:
        a, b = left(values, view), right(values, view)
        match sign:
            case "+":
                return a + b
            case "-":
                return a - b
            case "*":
                return a * b
        return a / b if b else NAN

    return value


def _over_instances(function: str, places: tuple[int, ...]) -> Value:
    def value(values: Values, _view: View) -> float:
        there = [values[place] for place in places if values[place] == values[place]]
        if function == "count":
            return float(len(there))
        if not there:
            return NAN
        match function:
            case "avg":
                return sum(there) / len(there)
            case "max":
                return max(there)
            case "min":
                return min(there)
        return sum(there)

    return value


def _over_time(function: str, key: tuple[str, float], ahead: float) -> Value:
    def value(_values: Values, view: View) -> float:
        past = view.window(key)
        if past is None:
            return NAN
        match function:
            case "avg":
                return past.mean(view.seconds)
            case "max":
                return past.highest(view.seconds)
            case "min":
                return past.lowest(view.seconds)
            case "change":
                return past.change(view.seconds)
            case "rate":
                return past.rate(view.seconds)
        return past.forecast(view.seconds, ahead)

    return value
