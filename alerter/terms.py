"""Which names a condition may use, and whether its parts fit together. Pure.

``checked`` walks the tree of ``alerter.language`` and raises ``Misread`` for what can never be judged, so that a
mistake is told when the configuration is read and not at night.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from alerter.language import Call, Compare, Join, Metric, Misread, Node, Not, Number, Sum, Word, parsed
from bus.faults import did_you_mean, listed

STATES = {"up": 0.0, "degraded": 1.0, "down": 2.0, "unknown": 3.0}
STATE_NAMES = {number: word for word, number in STATES.items()}
STATE_METRICS = ("service.state", "service.status")
SERVICE_METRICS = (*STATE_METRICS, "tls.days", "tls.left_percent", "response.ms", "http.status")
SERVICE_GROUPS = ("check.", "phase.")
TOLD_BY_TIME = ("age", "lost.messages")
"""What changes while nothing is heard."""
DERIVED = ("interval", "clock.skew_seconds", "lost.messages")
WORDS = ("age", "interval")
OVER_TIME = ("avg", "max", "min", "change", "rate", "forecast")
OVER_INSTANCES = ("avg", "max", "min", "sum", "count")
LONGEST_WINDOW = 7 * 86_400.0
_INSTANCE = re.compile(r"([^\[]+)\[([^\]]*)\](.*)\Z")


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that fits together. ``kind``: service, or empty where hosts and rooms are meant alike."""

    text: str
    tree: Node
    kind: str
    timed: bool
    """Whether it may change while nothing is heard."""
    wild: bool
    """Whether it is judged for each instance."""
    aged: bool = False
    """Whether it asks how long nothing was heard."""


def readings(text: str) -> tuple[str, ...]:
    """The readings of hosts that the condition asks for; raises ``Misread``."""
    names = _names(condition(text).tree)
    return tuple(dict.fromkeys(name for name in names if not is_of_service(name) and name not in WORDS))


@lru_cache(maxsize=4096)
def condition(text: str) -> Condition:
    """The condition that ``text`` describes; raises ``Misread``."""
    tree = parsed(text)
    if _type(tree) != "truth":
        raise Misread(_place(tree), "a number", "a comparison such as cpu.percent > 90")
    names = list(_names(tree))
    of_service = [name for name in names if is_of_service(name)]
    others = [name for name in names if not is_of_service(name) and name not in WORDS]
    if of_service and others:
        raise Misread(1, f"{of_service[0]} and {others[0]}", "readings of services or of hosts, not of both")
    wild = any(is_wild(node.name) for node in _metrics(tree))
    return Condition(
        text, tree, "service" if of_service else "", any(name in TOLD_BY_TIME for name in names), wild, "age" in names
    )


def is_of_service(name: str) -> bool:
    """Whether a name is a reading of a service."""
    return name in SERVICE_METRICS or name.startswith(SERVICE_GROUPS) or name == "places"


def is_wild(name: str) -> bool:
    """Whether a metric's instance is a glob."""
    parts = split(name)
    return parts is not None and any(sign in parts[1] for sign in "*?")


def split(name: str) -> tuple[str, str, str] | None:
    """(group, instance, field) of ``group[instance].field``; None without an instance."""
    match = _INSTANCE.match(name)
    return (match[1], match[2], match[3]) if match else None


def overlap(one: str, other: str) -> bool:
    """Whether a name can fit both globs, of ``*`` and ``?``."""
    # By how much of the other a name can fit that fits as much of the one as was looked at.
    fits = [not other[:end].strip("*") for end in range(len(other) + 1)]
    for sign in one:
        before, fits = fits, [sign == "*" and fits[0]]
        for end, against in enumerate(other):
            if "*" in (sign, against):
                fits.append(before[end + 1] or fits[end])
            else:
                fits.append(before[end] and (sign == against or "?" in (sign, against)))
    return fits[-1]


def _place(node: Node) -> int:
    return node.place or 1


def _type(node: Node) -> str:
    match node:
        case Number():
            return "number"
        case Metric():
            return "state" if node.name in STATE_METRICS else "number"
        case Word():
            return _word(node)
        case Not():
            _need(node.what, "truth", "a comparison such as cpu.percent > 90")
            return "truth"
        case Join():
            for side in (node.left, node.right):
                _need(side, "truth", "a comparison such as cpu.percent > 90")
            return "truth"
        case Sum():
            for side in (node.left, node.right):
                _need(side, "number", "a number")
            return "number"
        case Compare():
            return _comparison(node)
        case Call():
            return _call(node)


def _word(node: Word) -> str:
    if node.text in STATES:
        return "word"
    if node.text in WORDS:
        return "number"
    near = did_you_mean(node.text, (*WORDS, *STATES))
    raise Misread(
        node.place, repr(node.text), f"a metric such as cpu.percent, or one of {listed(WORDS)}; {near}".rstrip("; ")
    )


def _need(node: Node, kind: str, expected: str) -> None:
    if (found := _type(node)) != kind:
        raise Misread(_place(node), {"truth": "a comparison", "word": "a word"}.get(found, f"a {found}"), expected)


def _comparison(node: Compare) -> str:
    left, right = _type(node.left), _type(node.right)
    if "state" in (left, right):
        if {left, right} != {"state", "word"} or left != "state":
            raise Misread(_place(node.right), "something else", f"service.state == one of {listed(STATES)}")
        if node.sign not in ("==", "!="):
            raise Misread(node.place, repr(node.sign), "== or != before a state")
        return "truth"
    for side, kind in ((node.left, left), (node.right, right)):
        if kind != "number":
            raise Misread(_place(side), "a word" if kind == "word" else "a comparison", "a number or a metric")
    return "truth"


def _call(node: Call) -> str:
    given = node.arguments
    if node.function == "places":
        words = [one.text if isinstance(one, Word) else "" for one in given]
        if len(words) != 1 or words[0] not in (*STATES, "any"):
            first = given[0] if given else node
            found = repr(words[0]) if len(words) == 1 and words[0] else "something else"
            raise Misread(_place(first), found, f"places() of one of {listed((*STATES, 'any'))}")
        return "number"
    known = sorted({*OVER_TIME, *OVER_INSTANCES, "places"})
    if node.function not in known:
        near = did_you_mean(node.function, known)
        raise Misread(node.place, repr(node.function), f"one of the functions {listed(known)}; {near}".rstrip("; "))
    metric = given[0]
    if not isinstance(metric, Metric) or metric.name in STATE_METRICS or metric.name in DERIVED:
        raise Misread(_place(metric), "something else", f"a metric as {node.function}'s first word")
    if len(given) == 1:
        if node.function not in OVER_INSTANCES:
            raise Misread(node.place, f"{node.function}() without a time", f"{node.function}({metric.name}, 5m)")
        if not is_wild(metric.name):
            expected = (
                f"a metric of several instances as disk[*].percent, or a time as in {node.function}({metric.name}, 5m)"
            )
            raise Misread(metric.place, metric.name, expected)
        return "number"
    if node.function not in OVER_TIME or len(given) > (3 if node.function == "forecast" else 2):
        raise Misread(node.place, f"{len(given)} arguments", f"fewer in {node.function}()")
    for argument in given[1:]:
        if not isinstance(argument, Number) or not 1 <= argument.value <= 60 * LONGEST_WINDOW:
            raise Misread(_place(argument), "something else", "a time of at least 1s, such as 5m")
    if window(node) > LONGEST_WINDOW:
        raise Misread(_place(given[-1]), "a longer past", "a past of at most 7d")
    return "number"


def window(node: Call) -> float:
    """Seconds of the past that a function over time looks at. A forecast looks at a quarter of its future."""
    numbers = [argument.value for argument in node.arguments if isinstance(argument, Number)]
    if node.function != "forecast":
        return numbers[0]
    return numbers[1] if len(numbers) > 1 else min(max(numbers[0] / 4, 600.0), LONGEST_WINDOW)


def children(node: Node) -> tuple[Node, ...]:
    """The parts of a node."""
    match node:
        case Not():
            return (node.what,)
        case Join() | Sum() | Compare():
            return (node.left, node.right)
        case Call():
            return node.arguments
        case _:
            return ()


def walk(node: Node) -> list[Node]:
    """The node and all below it."""
    found = [node]
    for child in children(node):
        found += walk(child)
    return found


def _names(tree: Node) -> list[str]:
    found = []
    for node in walk(tree):
        if isinstance(node, Metric):
            found.append(node.name)
        elif isinstance(node, Word) and node.text in WORDS:
            found.append(node.text)
        elif isinstance(node, Call) and node.function == "places":
            found.append("places")
    return found


def _metrics(tree: Node) -> list[Metric]:
    """The metrics whose instances are judged apart: those that no function joins."""
    if isinstance(tree, Metric):
        return [tree]
    if isinstance(tree, Call) and len(tree.arguments) == 1:
        return []
    return [metric for child in children(tree) for metric in _metrics(child)]


def can_hold(text: str, there: Callable[[str], bool]) -> bool:
    """Whether the condition can hold of an instance of which only those wild readings are ``there``."""
    return _can_be(condition(text).tree, True, there)


def _can_be(node: Node, truth: bool, there: Callable[[str], bool]) -> bool:
    match node:
        case Not():
            return _can_be(node.what, not truth, there)
        case Join():
            sides = (_can_be(side, truth, there) for side in (node.left, node.right))
            return all(sides) if (node.word == "and") is truth else any(sides)
    return all(map(there, instanced(node)))


def instanced(tree: Node) -> list[str]:
    """The wild names that give an alarm for each instance."""
    return [metric.name for metric in _metrics(tree) if is_wild(metric.name)]
