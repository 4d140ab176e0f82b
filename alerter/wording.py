"""What a condition found, in words: the comparisons that decided, with their numbers. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from alerter.binding import Binder, Truth, Value, Values, View
from alerter.language import Call, Compare, Join, Metric, Node, Not, Number, Sum, Word
from alerter.subjects import Cell, Subject
from alerter.terms import STATE_NAMES, STATES, Condition, condition
from bus import timing
from bus.harmless import cut
from bus.units import units

MOST = 3
LONGEST = 2000
"""Characters of a sentence: an incident that holds a longer one than twice that could not be read again."""
_OPPOSITE = {">": "not above", ">=": "below", "<": "not below", "<=": "above"}
_SAYS = {">": "above", ">=": "at or above", "<": "below", "<=": "at or below"}


@dataclass(frozen=True, slots=True)
class Said:
    """The sentence, the first number and limit in it, and of a whole condition what it is with these numbers."""

    text: str
    value: float | None = None
    threshold: float | None = None
    truth: bool | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """One comparison of a condition, bound to a layout. ``turned``: it stands behind a not."""

    sign: str
    turned: bool
    truth: Truth
    left: Value
    right: Value
    name: str
    other: str
    """The right side as it was written."""
    unit: str
    state: bool
    """Whether it asks for a state by its word."""
    age: bool


def said(
    condition: Condition, names: tuple[str, ...], instance: str, values: Values, view: View, error: str = ""
) -> Said:
    """Why the condition is true, false or unknown with these numbers; ``error``: what a service's check ended with."""
    whole, parts = _worded(condition.text, names, instance)
    truth = whole(values, view)
    found: list[Said] = []
    ages: list[Said] = []
    for part in parts:
        one = part.truth(values, view)
        if (one if one is None else one != part.turned) is truth:
            found.append(_one(part, one, values, view, error))
            ages += found[-1:] if part.age else []
    if len(ages) > 1:
        # There is one age: its largest limit says it all.
        most = max(ages, key=lambda one: one.threshold or 0.0)
        found = [one for one in found if one is most or one not in ages]
    text = " and ".join(one.text for one in found[:MOST])
    return Said(cut(text, LONGEST), found[0].value if found else None, found[0].threshold if found else None, truth)


def said_at(subject: Subject, cell: Cell, now: int) -> Said:
    """Why the cell's condition is true, false or unknown at ``now``, by what was heard last."""
    with subject.looked_at(now):
        return said(cell.rule.when, subject.bound.names, cell.instance, subject.values(), subject, subject.error)


@lru_cache(maxsize=16_384)
def _worded(text: str, names: tuple[str, ...], instance: str) -> tuple[Truth, tuple[Part, ...]]:
    """The condition and its comparisons, bound: an alarm is worded far more often than layouts change."""
    binder, tree = Binder(names, instance), condition(text).tree
    parts = []
    for leaf, turned in _comparisons(tree, False):
        parts.append(
            Part(
                sign=leaf.sign,
                turned=turned,
                truth=binder.truth(leaf),
                left=binder.value(leaf.left),
                right=binder.value(leaf.right),
                name=named(binder, leaf.left),
                other=named(binder, leaf.right),
                unit=unit_of(leaf.left) or unit_of(leaf.right),
                state=isinstance(leaf.right, Word) and leaf.right.text in STATES,
                age=isinstance(leaf.left, Word) and leaf.left.text == "age",
            )
        )
    return binder.truth(tree), tuple(parts)


def _comparisons(node: Node, turned: bool) -> list[tuple[Compare, bool]]:
    match node:
        case Compare():
            return [(node, turned)]
        case Not():
            return _comparisons(node.what, not turned)
        case Join():
            return _comparisons(node.left, turned) + _comparisons(node.right, turned)
    return []


def _one(part: Part, truth: bool | None, values: Values, view: View, error: str) -> Said:
    left, right = part.left(values, view), part.right(values, view)
    # An average of huge numbers may be an infinity, which no incident can hold.
    value = left if math.isfinite(left) else None
    limit = right if math.isfinite(right) else None
    if truth is None:
        return Said(f"{part.name if left != left else part.other} has no reading", value, limit)
    if part.state:
        state = STATE_NAMES.get(left, "unknown")
        return Said(f"{part.name} is {state}{f': {error}' if error and state != 'up' else ''}", None, None)
    bound = amount(right, part.unit)
    if part.sign in ("==", "!="):
        relation = f"equal to {bound}" if (part.sign == "==") == truth else f"not {bound}"
    else:
        relation = f"{_SAYS[part.sign] if truth else _OPPOSITE[part.sign]} {bound}"
    shown = amount(left, part.unit)
    # A value just beyond its limit must not read like the limit itself.
    if shown == bound and left != right:
        shown = f"{left:.1f}s" if part.unit == "seconds" and abs(left) >= 10 else f"{left:.6g}"
        shown += "s" if part.unit == "seconds" and not shown.endswith("s") else ""
    if part.age:
        silent = (part.sign in (">", ">=")) == truth
        return Said(f"nothing heard for {shown}, {relation}" if silent else f"heard {shown} ago", value, limit)
    return Said(f"{part.name} is {shown}, {relation}", value, limit)


def named(binder: Binder, node: Node) -> str:
    """A number as it was written, with its instance."""
    match node:
        case Metric():
            return binder.name(node)
        case Word():
            return node.text
        case Number():
            return f"{node.value:g}"
        case Call(function=function, arguments=(Metric(name=all_of_them),)):
            return f"{function}({all_of_them})"
        case Call():
            return f"{node.function}({', '.join(_argument(binder, one) for one in node.arguments)})"
        case Sum():
            return f"{named(binder, node.left)} {node.sign} {named(binder, node.right)}"
    return "it"


def _argument(binder: Binder, node: Node) -> str:
    return timing.to_two_units(node.value) if isinstance(node, Number) else named(binder, node)


def unit_of(node: Node) -> str:
    """The unit of a number, as its name tells."""
    match node:
        case Metric(name="tls.days"):
            return "days"
        case Metric(name="response.ms"):
            return "ms"
        case Metric():
            return units([node.name])[0]
        case Word(text="age" | "interval"):
            return "seconds"
        case Call(function="avg" | "max" | "min" | "sum" | "change" | "forecast"):
            return unit_of(node.arguments[0])
        case Sum(sign="+" | "-"):
            return unit_of(node.left) or unit_of(node.right)
        case _:
            return ""


def amount(value: float, unit: str) -> str:
    """A number with its unit, to a readable length."""
    if value != value:
        return "unknown"
    if unit == "percent":
        return f"{value:.4g} %"
    if unit == "seconds" and abs(value) <= timing.LONGEST:
        whole = timing.to_two_units(abs(value))
        return ("-" if value < 0 else "") + (whole if abs(value) >= 1 else f"{abs(value):.3g}s")
    if unit == "bytes" and abs(value) >= 1000 and value == value:
        for word in ("TB", "GB", "MB", "kB"):
            size = _SIZES[word]
            if abs(value) >= size:
                return f"{value / size:.4g} {word}"
    if unit == "celsius":
        return f"{value:.4g} °C"
    return f"{value:.6g} {unit}".rstrip()


_SIZES = {"kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}
