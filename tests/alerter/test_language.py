"""Conditions: what is understood, and what a mistake is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerter.language import Misread, parsed
from alerter.terms import condition

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
