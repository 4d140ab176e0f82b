"""What a condition found, in words: the comparisons that decided, with their numbers. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from alerter import machine
from alerter.binding import Binder, Values, View
from alerter.language import Call, Compare, Join, Metric, Node, Not, Number, Sum, Word
from alerter.terms import STATES, Condition
from bus.messages import units

MOST = 3
_STATE_NAMES = {number: word for word, number in STATES.items()}
_OPPOSITE = {">": "not above", ">=": "below", "<": "not below", "<=": "above"}
_SAYS = {">": "above", ">=": "at or above", "<": "below", "<=": "at or below"}


@dataclass(frozen=True, slots=True)
class Said:
    """The sentence, and the first number and limit in it."""

    text: str
    value: float | None = None
    threshold: float | None = None


def said(condition: Condition, names: tuple[str, ...], instance: str, values: Values, view: View) -> Said:
    """Why the condition is true, false or unknown with these numbers."""
    binder = Binder(names, instance)
    whole = binder.truth(condition.tree)(values, view)
    parts: list[Said] = []
    for leaf, turned in _comparisons(condition.tree, False):
        truth = binder.truth(leaf)(values, view)
        effective = truth if truth is None else truth != turned
        if effective is whole:
            parts.append(_one(binder, leaf, truth, values, view))
    text = " and ".join(part.text for part in parts[:MOST])
    return Said(text, parts[0].value if parts else None, parts[0].threshold if parts else None)


def _comparisons(node: Node, turned: bool) -> list[tuple[Compare, bool]]:
    match node:
        case Compare():
            return [(node, turned)]
        case Not():
            return _comparisons(node.what, not turned)
        case Join():
            return _comparisons(node.left, turned) + _comparisons(node.right, turned)
    return []


def _one(binder: Binder, leaf: Compare, truth: bool | None, values: Values, view: View) -> Said:
    left, right = binder.value(leaf.left)(values, view), binder.value(leaf.right)(values, view)
    name = named(binder, leaf.left)
    value = left if left == left else None
    limit = right if right == right else None
    if truth is None:
        return Said(f"{name if value is None else named(binder, leaf.right)} has no reading", value, limit)
    if isinstance(leaf.right, Word) and leaf.right.text in STATES:
        return Said(f"{name} is {_STATE_NAMES.get(left, 'unknown')}", None, None)
    unit = unit_of(leaf.left) or unit_of(leaf.right)
    bound = amount(right, unit)
    if leaf.sign in ("==", "!="):
        relation = f"equal to {bound}" if (leaf.sign == "==") == truth else f"not {bound}"
    else:
        relation = f"{_SAYS[leaf.sign] if truth else _OPPOSITE[leaf.sign]} {bound}"
    shown = amount(left, unit)
    # A value just beyond its limit must not read like the limit itself.
    if shown == bound and left != right:
        shown = f"{left:.6g}" + ("s" if unit == "seconds" else "")
    if isinstance(leaf.left, Word) and leaf.left.text == "age":
        silent = (leaf.sign in (">", ">=")) == truth
        return Said(f"nothing heard for {shown}, {relation}" if silent else f"heard {shown} ago", value, limit)
    return Said(f"{name} is {shown}, {relation}", value, limit)


def named(binder: Binder, node: Node) -> str:
    """A number as it was written, with its instance."""
    match node:
        case Metric():
            return binder.name(node)
        case Word():
            return node.text
        case Number():
            return f"{node.value:g}"
        case Call():
            return f"{node.function}({', '.join(_argument(binder, one) for one in node.arguments)})"
        case Sum():
            return f"{named(binder, node.left)} {node.sign} {named(binder, node.right)}"
    return "it"


def _argument(binder: Binder, node: Node) -> str:
    return machine.in_words(int(node.value * 1e9)) if isinstance(node, Number) else named(binder, node)


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
    if unit == "seconds":
        whole = machine.in_words(int(abs(value) * 1e9))
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
