"""Conditions on a JSON document: what holds, what is told when it does not, what is refused when it is read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from prober.jsonpath import OPERATORS, Condition, Name, Step, condition

DOCUMENT = json.loads(
    """{"status": "ok", "queue": [1, 2, 3], "odd name": null, "load": 0.5, "on": true,
        "nodes": [{"name": "a", "ready": true}, {"name": "b", "ready": false}], "empty": []}"""
)
SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text()
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12)
STEPS = st.lists(st.text().map(Name) | st.integers(-99, 99) | st.just("*"), max_size=5).map(tuple)


@pytest.mark.parametrize(
    "text",
    [
        '$.status == "ok"',
        "$.status",
        "$.status =~ /^o/",
        '$["odd name"] == null',
        "$['odd name'] == null",
        "$.queue[0] == 1",
        "$.queue[-1] == 3",
        "length($.queue) >= 3",
        "length($.status) == 2",
        "$.queue[*] < 4",
        "$.load <= 0.5",
        "$.on == true",
        "$.on != 1",
        '$.status > "a"',
        "$.nodes[*].name",
        "$.nodes[0].ready == true",
    ],
)
def test_what_holds_is_no_fault(text: str) -> None:
    assert condition(text).fault(DOCUMENT) is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('$.status == "down"', '$.status is "ok", expected "down"'),
        ("$.load > 1", "$.load is 0.5, expected > 1"),
        ("$.nothing", "$.nothing is missing"),
        ("$.queue[3]", "$.queue[3] is missing: $.queue has 3 items"),
        ("$.nodes[*].ready == true", "$.nodes[1].ready is false, expected true"),
        ("$.empty[*]", "$.empty is empty"),
        ("$.status.deeper", '$.status is "ok", expected an object'),
        ("$.status[0]", '$.status is "ok", expected a list'),
        ("$.on == 1", "$.on is true, expected 1"),
        ("$.status > 5", '$.status is "ok", expected > 5'),
        ("$.status =~ /down/", '$.status is "ok", expected text that matches /down/'),
        ("length($.load) > 1", "$.load is 0.5, which has no length"),
        ("length($.queue) < 3", "length($.queue) is 3, expected < 3"),
        ("$.queue == 3", "$.queue is a list, expected 3"),
    ],
)
def test_what_does_not_hold_is_told(text: str, told: str) -> None:
    assert condition(text).fault(DOCUMENT) == told


@pytest.mark.parametrize(
    "text",
    [
        "",
        "status",
        "$.status ==",
        "$.status = 3",
        "$.status == ok",
        "$.status == [1]",
        "$.status =~ ok",
        "$.status =~ /(/",
        "$.on < true",
        "length($.a",
        "$.a[",
        "$..a",
        "$.a == NaN",
    ],
)
def test_what_cannot_be_understood_is_refused(text: str) -> None:
    with pytest.raises(ValueError) as refused:
        condition(text)
    assert str(refused.value)


@given(STEPS, st.booleans(), st.sampled_from([*OPERATORS]), st.integers() | st.text())
def test_what_is_shown_means_the_same(steps: tuple[Step, ...], length: bool, sign: str, value: Any) -> None:
    whole = Condition(steps, length, sign, value)
    assert condition(str(whole)) == whole
    assert condition(str(Condition(steps, length))) == Condition(steps, length)


@given(JSON, STEPS, st.booleans(), st.sampled_from([*OPERATORS]), st.integers() | st.text())
def test_no_document_does_more_than_be_told_of(
    document: Any, steps: tuple[Step, ...], length: bool, sign: str, value: Any
) -> None:
    told = Condition(steps, length, sign, value).fault(document)
    assert told is None or (told and "\n" not in told)


@given(JSON)
def test_every_scalar_of_a_document_is_found_by_its_path(document: Any) -> None:
    def leaves(found: Any, steps: tuple[Step, ...]) -> list[tuple[tuple[Step, ...], Any]]:
        if isinstance(found, dict):
            return [leaf for key, one in found.items() for leaf in leaves(one, (*steps, Name(key)))]
        if isinstance(found, list):
            return [leaf for i, one in enumerate(found) for leaf in leaves(one, (*steps, i))]
        return [(steps, found)]

    for steps, value in leaves(document, ()):
        assume(value == value)
        assert condition(str(Condition(steps, False, "==", value))).fault(document) is None
        assert Condition(steps, False, "!=", value).fault(document) is not None


@given(st.text(alphabet="$.[]*'\"ab01-=<>~/ \\()length", max_size=30))
def test_no_text_does_more_than_be_refused(text: str) -> None:
    try:
        found = condition(text)
    except ValueError:
        return
    assert condition(str(found)) == found
