"""All rules of one subject bound to one layout, shared by every subject that has both. Pure."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from alerter.binding import Binder, Feed, Truth, Value, instances
from alerter.language import Compare, Node, Word
from alerter.rules import Rule
from alerter.terms import walk

MOST_CELLS = 300_000
"""About as many kB: the layouts of 8,000 hosts of 30 cells each, all different. A host may invent thousands at once."""


@dataclass(frozen=True, slots=True)
class BoundCell:
    """One rule and instance: when it holds, when it is clear (None: when it does not hold)."""

    rule: Rule
    instance: str
    truth: Truth
    clear: Truth | None


@dataclass(frozen=True, slots=True)
class Bound:
    """What to compute when a subject of this layout says something.

    ``limits`` are the ages at which a finding may change while nothing is heard; ``restless``: it may at any second.
    """

    names: tuple[str, ...]
    cells: tuple[BoundCell, ...]
    feeds: tuple[Feed, ...]
    timed: tuple[int, ...]
    limits: tuple[Value, ...]
    restless: bool
    paced: bool = False
    """Whether a rule does not look at every reading."""


NOTHING = Bound((), (), (), (), (), restless=False)
"""Of a subject that no rule concerns and that said nothing."""


def bound(rules: tuple[Rule, ...], names: tuple[str, ...]) -> Bound:
    """The rules bound to a layout's names; kept for others of the same, the most lately used of ``MOST_CELLS``."""
    global _weight
    key = rules, names
    found = _kept.get(key)
    if found is None:
        found = _kept[key] = _bound(rules, names)
        _weight += _size(found)
        while _weight > MOST_CELLS and len(_kept) > 1:
            _weight -= _size(_kept.popitem(last=False)[1])
    _kept.move_to_end(key)
    return found


_kept: OrderedDict[tuple[tuple[Rule, ...], tuple[str, ...]], Bound] = OrderedDict()
_weight = 0


def _size(one: Bound) -> int:
    """In cells, as which a dozen names count."""
    return 1 + len(one.cells) + len(one.names) // 12


def _bound(rules: tuple[Rule, ...], names: tuple[str, ...]) -> Bound:
    cells: list[BoundCell] = []
    feeds: set[Feed] = set()
    timed: list[int] = []
    limits: list[Value] = []
    restless = False
    for rule in rules:
        for instance in instances(rule.when, names):
            binder = Binder(names, instance)
            truth = binder.truth(rule.when.tree)
            clear = binder.truth(rule.clear.tree) if rule.clear else None
            if rule.timed:
                timed.append(len(cells))
                for tree in (rule.when.tree, rule.clear.tree if rule.clear else None):
                    found, complete = _limits(tree, binder) if tree else ([], True)
                    limits += found
                    restless |= not complete
            cells.append(BoundCell(rule, instance, truth, clear))
            feeds |= binder.feeds
    paced = any(rule.every for rule in rules)
    return Bound(names, tuple(cells), tuple(feeds), tuple(timed), tuple(limits), restless, paced)


def _limits(tree: Node, binder: Binder) -> tuple[list[Value], bool]:
    """What ``age`` is compared with, and whether that is all that is asked about it."""
    found: list[Value] = []
    seen = 0
    for node in walk(tree):
        if not isinstance(node, Compare):
            continue
        for this, other in ((node.left, node.right), (node.right, node.left)):
            if _is_age(this) and not any(_is_age(one) for one in walk(other)):
                found.append(binder.value(other))
                seen += 1
    return found, seen == sum(_is_age(node) for node in walk(tree))


def _is_age(node: Node) -> bool:
    return isinstance(node, Word) and node.text == "age"
