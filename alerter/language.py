"""The words of a rule's condition, read into a tree. Pure.

    condition   = alternative { "or" alternative }
    alternative = term { "and" term }
    term        = "not" term | comparison
    comparison  = sum [ (">" | ">=" | "<" | "<=" | "==" | "!=") sum ]
    sum         = product { ("+" | "-") product }
    product     = factor { ("*" | "/") factor }
    factor      = number | metric | word | word "(" sum { "," sum } ")" | "(" condition ")" | "-" factor

A number may have a unit: ``90%``, ``5m`` (seconds), ``10GB`` (bytes); ``1e9`` is one too. A metric is ``cpu.percent``
or ``disk[/home].percent``; ``*`` and ``?`` in its brackets are wild. Faults say where, what was found, what was
expected.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from bus import timing

TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)(?P<unit>%|[A-Za-z]+)?
    | (?P<metric>[A-Za-z_]\w*(?:\[[^\]\[]*\])?(?:\.\w+)+)
    | (?P<word>[A-Za-z_]\w*)
    | (?P<sign>>=|<=|==|!=|[-+*/()<>,])
    )""",
    re.VERBOSE | re.ASCII,
)
SIZES = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
SIZES |= {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
COMPARISONS = (">", ">=", "<", "<=", "==", "!=")
DEEPEST = 50
MOST_JOINED = 250
"""Parts in a row stand within each other in the tree, and who walks it goes as deep."""
LONGEST = 2000


class Misread(ValueError):
    """A condition that cannot be understood; ``place`` is the character, counted from 1."""

    def __init__(self, place: int, found: str, expected: str) -> None:
        super().__init__(f"at character {place}: found {found}, expected {expected}")
        self.place, self.found, self.expected = place, found, expected


@dataclass(frozen=True, slots=True)
class Number:
    """A number; durations are seconds, sizes bytes."""

    value: float
    place: int = 0


@dataclass(frozen=True, slots=True)
class Metric:
    """A reading by its name, whose instance may be a glob."""

    name: str
    place: int = 0


@dataclass(frozen=True, slots=True)
class Word:
    """``age``, ``down`` and the like."""

    text: str
    place: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """A function of arguments."""

    function: str
    arguments: tuple[Node, ...]
    place: int = 0


@dataclass(frozen=True, slots=True)
class Sum:
    """Two numbers joined by + - * or /."""

    sign: str
    left: Node
    right: Node
    place: int = 0


@dataclass(frozen=True, slots=True)
class Compare:
    """Two numbers, or a state and a word, compared."""

    sign: str
    left: Node
    right: Node
    place: int = 0


@dataclass(frozen=True, slots=True)
class Not:
    """The contrary."""

    what: Node
    place: int = 0


@dataclass(frozen=True, slots=True)
class Join:
    """``and`` or ``or`` of two conditions."""

    word: str
    left: Node
    right: Node
    place: int = 0


Node = Number | Metric | Word | Call | Sum | Compare | Not | Join


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    value: float
    place: int


def parsed(text: str) -> Node:
    """The tree of a condition; raises ``Misread``."""
    if len(text) > LONGEST:
        raise Misread(LONGEST, f"{len(text)} characters", f"a condition of at most {LONGEST}")
    parser = _Parser(_tokens(text))
    node = parser.condition(0)
    parser.expect_end()
    return node


def _tokens(text: str) -> list[_Token]:
    tokens, at = [], 0
    while text[at:].strip():
        match = TOKEN.match(text, at)
        place = at + len(text[at:]) - len(text[at:].lstrip()) + 1
        if match is None:
            raise Misread(place, repr(text[place - 1]), "a metric, a number, a word or a sign")
        kind = match.lastgroup if match.lastgroup != "unit" else "number"
        value = _amount(match["number"], match["unit"] or "", place) if match["number"] else 0.0
        tokens.append(_Token(str(kind), match[0].strip(), value, place))
        at = match.end()
    tokens.append(_Token("end", "", 0.0, len(text) + 1))
    return tokens


def _amount(number: str, unit: str, place: int) -> float:
    sizes = {"": 1.0, "%": 1.0, **timing.UNITS, **SIZES}
    if unit not in sizes:
        raise Misread(place, repr(number + unit), "a unit such as %, s, m, h, d, kB, MB or GB")
    amount = float(number) * sizes[unit]
    if unit in timing.UNITS and amount > timing.LONGEST:
        raise Misread(place, repr(number + unit), f"a time of at most {timing.LONGEST / timing.UNITS['d']:.0f}d")
    if amount == math.inf:
        raise Misread(place, repr(number + unit), "a number of at most 300 digits")
    return amount


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._joined = 0

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def _take(self) -> _Token:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _is(self, *texts: str) -> bool:
        return self._next.kind in ("sign", "word") and self._next.text in texts

    def _joins(self, *texts: str) -> bool:
        if not self._is(*texts):
            return False
        self._joined += 1
        if self._joined > MOST_JOINED:
            raise self._wrong(f"at most {MOST_JOINED} signs and words that join its parts")
        return True

    def _wrong(self, expected: str) -> Misread:
        token = self._next
        return Misread(token.place, "the end" if token.kind == "end" else repr(token.text), expected)

    def expect_end(self) -> None:
        """Nothing may be left."""
        if self._next.kind != "end":
            raise self._wrong("and, or, a comparison or the end")

    def condition(self, depth: int) -> Node:
        """What ``or`` joins."""
        if depth > DEEPEST:
            raise self._wrong(f"at most {DEEPEST} parentheses within each other")
        node = self._alternative(depth)
        while self._joins("or"):
            place = self._take().place
            node = Join("or", node, self._alternative(depth), place)
        return node

    def _alternative(self, depth: int) -> Node:
        node = self._term(depth)
        while self._joins("and"):
            place = self._take().place
            node = Join("and", node, self._term(depth), place)
        return node

    def _term(self, depth: int) -> Node:
        if depth > DEEPEST:
            raise self._wrong(f"at most {DEEPEST} times not")
        if self._is("not"):
            place = self._take().place
            return Not(self._term(depth + 1), place)
        left = self._sum(depth)
        if self._is(*COMPARISONS):
            sign = self._take()
            return Compare(sign.text, left, self._sum(depth), sign.place)
        return left

    def _sum(self, depth: int) -> Node:
        node = self._product(depth)
        while self._joins("+", "-"):
            sign = self._take()
            node = Sum(sign.text, node, self._product(depth), sign.place)
        return node

    def _product(self, depth: int) -> Node:
        node = self._factor(depth)
        while self._joins("*", "/"):
            sign = self._take()
            node = Sum(sign.text, node, self._factor(depth), sign.place)
        return node

    def _factor(self, depth: int) -> Node:
        if depth > DEEPEST:
            raise self._wrong(f"at most {DEEPEST} signs within each other")
        if self._is("-"):
            place = self._take().place
            return Sum("-", Number(0.0, place), self._factor(depth + 1), place)
        if self._is("("):
            self._take()
            node = self.condition(depth + 1)
            self._close()
            return node
        token = self._next
        if token.kind == "number":
            return Number(token.value, self._take().place)
        if token.kind == "metric":
            return Metric(token.text, self._take().place)
        if token.kind == "word" and token.text not in ("and", "or", "not"):
            self._take()
            return self._call(token, depth) if self._is("(") else Word(token.text, token.place)
        raise self._wrong("a metric, a number or a function")

    def _call(self, name: _Token, depth: int) -> Node:
        self._take()
        arguments = [self._sum(depth + 1)]
        while self._is(","):
            self._take()
            arguments.append(self._sum(depth + 1))
        self._close()
        return Call(name.text, tuple(arguments), name.place)

    def _close(self) -> None:
        if not self._is(")"):
            raise self._wrong(")")
        self._take()
