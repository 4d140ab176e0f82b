"""Conditions: what is understood, and what a mistake is told."""

from __future__ import annotations

from fnmatch import fnmatchcase
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerter.language import (
    DEEPEST,
    LONGEST,
    MOST_JOINED,
    Call,
    Compare,
    Join,
    Metric,
    Misread,
    Node,
    Not,
    Number,
    Word,
    parsed,
)
from alerter.terms import condition, overlap
from tests.alerter.given import World, rule

WRONG = {
    "cpu.percent >": "at character 14: found the end, expected a metric, a number or a function",
    "cpu.percent": "at character 1: found a number, expected a comparison such as cpu.percent > 90",
    "cpu.percent > 90 95": "at character 18: found '95', expected and, or, a comparison or the end",
    "cpu.percent & 90": "at character 13: found '&', expected a metric, a number, a word or a sign",
    "cpu.percent > 9x": "at character 15: found '9x', expected a unit such as %, s, m, h, d, kB, MB or GB",
    "age > 200000d": "at character 7: found '200000d', expected a time of at most 104167d",
    "avg(cpu.percent, 9e99d) > 1": "found '9e99d', expected a time of at most 104167d",
    "cpu.percent > 1e999": "found '1e999', expected a number of at most 300 digits",
    "service.state == dwn": "did you mean down?",
    "service.state > down": "expected == or != before a state",
    "service.state == down and cpu.percent > 3": "expected readings of services or of hosts, not of both",
    "avrg(cpu.percent, 5m) > 1": "did you mean avg?",
    "rate(cpu.percent) > 1": "found rate() without a time, expected rate(cpu.percent, 5m)",
    "avg(cpu.percent) > 1": "or a time as in avg(cpu.percent, 5m)",
    "avg(disk[*].percent, x.y) > 1": "expected a time of at least 1s, such as 5m",
    "places(shut) > 1": "at character 8: found 'shut'",
    "(cpu.percent > 90": "expected )",
    "(cpu.percent > 90) > 3": "found a comparison, expected a number or a metric",
    "not 5 > 3 and 7": "found a number, expected a comparison such as cpu.percent > 90",
}


@pytest.mark.parametrize(("text", "told"), WRONG.items(), ids=list(WRONG))
def test_a_mistake_is_told_with_place_found_and_expected(text: str, told: str) -> None:
    with pytest.raises(Misread) as fault:
        condition(text)
    assert told in str(fault.value)
    assert str(fault.value).startswith("at character ")


def test_units_are_understood() -> None:
    assert condition("age > 2m").timed
    assert condition("disk[/].free < 10GB").tree.right.value == 10e9  # type: ignore[union-attr]
    assert condition("cpu.percent > 90%").tree.right.value == 90  # type: ignore[union-attr]
    assert condition("disk[/].free < 1.5e+3MB").tree.right.value == 1.5e9  # type: ignore[union-attr]


def test_a_glob_is_judged_for_each_instance_unless_a_function_joins_them() -> None:
    assert condition("disk[*].percent > 90").wild
    assert not condition("max(disk[*].percent) > 90").wild
    assert condition("max(disk[*].percent, 5m) > 90").wild


@given(st.text(alphabet="cpu.percent[*]()<>=!andornot 0123459e%mhd,+-/&\n", max_size=60))
def test_any_text_is_a_condition_or_a_sentence(text: str) -> None:
    fault = fault_of(text)
    assert fault is None or (fault.place >= 1 and fault.found and fault.expected)


def fault_of(text: str) -> Misread | None:
    """What is wrong with a condition."""
    try:
        condition(text)
    except Misread as fault:
        return fault
    return None


def test_parentheses_without_end_are_refused_in_words() -> None:
    with pytest.raises(Misread, match="parentheses"):
        parsed("(" * 500 + "1" + ")" * 500)
    with pytest.raises(Misread, match="at most"):
        parsed("not " * 400 + "1 > 2")


def spelled(node: Node) -> str:
    """A tree with all its parentheses."""
    match node:
        case Number():
            return f"{node.value:g}"
        case Metric():
            return node.name
        case Word():
            return node.text
        case Call():
            return f"{node.function}({', '.join(map(spelled, node.arguments))})"
        case Not():
            return f"(not {spelled(node.what)})"
        case Join():
            return f"({spelled(node.left)} {node.word} {spelled(node.right)})"
    return f"({spelled(node.left)} {node.sign} {spelled(node.right)})"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("a.b > 1 and c.d > 2 or e.f > 3", "(((a.b > 1) and (c.d > 2)) or (e.f > 3))"),
        ("a.b > 1 or c.d > 2 and e.f > 3", "((a.b > 1) or ((c.d > 2) and (e.f > 3)))"),
        ("a.b > 1 or c.d > 2 or e.f > 3", "(((a.b > 1) or (c.d > 2)) or (e.f > 3))"),
        ("(a.b > 1 or c.d > 2) and e.f > 3", "(((a.b > 1) or (c.d > 2)) and (e.f > 3))"),
        ("not a.b > 1 and c.d > 2", "((not (a.b > 1)) and (c.d > 2))"),
        ("not (a.b > 1 and not c.d > 2)", "(not ((a.b > 1) and (not (c.d > 2))))"),
        ("a.b - 1 - 2 > 4", "(((a.b - 1) - 2) > 4)"),
        ("a.b / 2 / 5 * 3 > 4", "((((a.b / 2) / 5) * 3) > 4)"),
        ("a.b + 2 * 3 > 4 - 1", "((a.b + (2 * 3)) > (4 - 1))"),
        ("(a.b + 2) * 3 > 4", "(((a.b + 2) * 3) > 4)"),
        ("-a.b > -1", "((0 - a.b) > (0 - 1))"),
        ("2 - -a.b * 3 > 1", "((2 - ((0 - a.b) * 3)) > 1)"),
        ("forecast(disk[*].free, 30m, 10m) < 0", "(forecast(disk[*].free, 1800, 600) < 0)"),
        ("age>=2m", "(age >= 120)"),
        ("service.state != down", "(service.state != down)"),
    ],
)
def test_what_binds_closer_comes_first_and_else_what_stands_first(text: str, meant: str) -> None:
    assert spelled(parsed(text)) == meant


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1s", 1.0),
        ("2m", 120.0),
        ("3h", 10_800.0),
        ("2d", 172_800.0),
        ("5%", 5.0),
        ("7B", 7.0),
        ("2kB", 2e3),
        ("2MB", 2e6),
        ("2GB", 2e9),
        ("2TB", 2e12),
        ("1KiB", 1024.0),
        ("1MiB", 1024.0**2),
        ("1GiB", 1024.0**3),
        ("1TiB", 1024.0**4),
        ("1.5e2", 150.0),
    ],
)
def test_each_unit_is_worth_what_it_says(text: str, value: float) -> None:
    assert parsed(text) == Number(value, 1)


def test_a_condition_is_as_long_as_the_longest_and_no_longer() -> None:
    fits = "a.b > 1".ljust(LONGEST)
    assert isinstance(parsed(fits), Compare)
    with pytest.raises(Misread, match=f"at most {LONGEST}"):
        parsed(fits + " ")
    parsed("(" * DEEPEST + "a.b > 1" + ")" * DEEPEST)
    for much in ("(" * (DEEPEST + 1) + "a.b > 1" + ")" * (DEEPEST + 1), "-" * 60 + "1 > 2"):
        with pytest.raises(Misread, match=f"at most {DEEPEST}"):
            parsed(much)


@pytest.mark.parametrize(
    ("first", "more", "end"), [("1", "+1", " > cpu.percent"), ("1", "*2", " > cpu.percent"), ("1>0", " or 1>2", "")]
)
def test_parts_in_a_row_that_nobody_could_walk_are_a_mistake_and_fewer_are_judged(
    first: str, more: str, end: str
) -> None:
    world = World(rule(first + more * MOST_JOINED + end))
    world.says(0, cpu=20.0)
    assert world.told() == [(0.0, "fired")]
    with pytest.raises(Misread, match=f"at most {MOST_JOINED} signs"):
        condition(first + more * (MOST_JOINED + 1) + end)
    with pytest.raises(Misread):
        condition(first + more * (LONGEST // len(more) - 10) + end)


NAMES = ["".join(letters) for length in range(7) for letters in product("abc", repeat=length)]


@given(st.text("ab?*", max_size=3), st.text("ab?*", max_size=3))
def test_two_globs_overlap_where_a_name_fits_both(one: str, other: str) -> None:
    assert overlap(one, other) == any(fnmatchcase(name, one) and fnmatchcase(name, other) for name in NAMES)
