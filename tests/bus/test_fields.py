"""Plain values against a record's annotations: strict about types, open to what comes later."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.fields import MAX_ITEMS, MAX_TEXT, Unfit, build, plain


@dataclass(frozen=True)
class Disk:
    """A record within a record."""

    name: str
    bytes: int = 0


@dataclass(frozen=True)
class Machine:
    """One field of each shape."""

    name: str
    load: float = 0.0
    up: bool = True
    kernel: str | None = None
    disks: tuple[Disk, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)


FULL = Machine("web-1", 0.5, False, "6.1", (Disk("sda", 7), Disk("sdb")), {"rack": "4"})
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.binary(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9) | st.integers(), inner, max_size=3),
)


def test_a_record_comes_back_from_its_plain_form() -> None:
    assert build(Machine, plain(FULL)) == FULL
    assert plain(FULL)["disks"] == [{"name": "sda", "bytes": 7}, {"name": "sdb", "bytes": 0}]


def test_what_is_left_out_has_its_default_and_what_is_unknown_is_ignored() -> None:
    assert build(Machine, {"name": "web-1", "invented_later": object()}) == Machine("web-1")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([], "body: expected a map, found list"),
        ({}, "body.name: missing"),
        ({"name": 1}, "body.name: expected text, found int"),
        ({"name": None}, "body.name: expected text, found nothing"),
        ({"name": "x" * (MAX_TEXT + 1)}, f"at most {MAX_TEXT}"),
        ({"name": "x", "load": True}, "body.load: expected a number, found bool"),
        ({"name": "x", "load": math.nan}, "no finite number"),
        ({"name": "x", "load": -math.inf}, "no finite number"),
        ({"name": "x", "load": 10**400}, "body.load: a number of more than 308 digits"),
        ({"name": "x", "up": 1}, "body.up: expected true or false, found int"),
        ({"name": "x", "disks": {}}, "body.disks: expected a list, found dict"),
        ({"name": "x", "disks": [{"name": "sda", "bytes": 2.0}]}, "body.disks[0].bytes: expected a whole number"),
        ({"name": "x", "disks": [{"name": "sda", "bytes": 2**64}]}, "body.disks[0].bytes: 18446744073709551616 does"),
        ({"name": "x", "disks": [{}] * (MAX_ITEMS + 1)}, f"at most {MAX_ITEMS}"),
        ({"name": "x", "labels": {"rack": 4}}, "body.labels.rack: expected text, found int"),
        ({"name": "x", "labels": {4: "rack"}}, "body.labels: expected text, found int"),
        ({"name": "x", "labels": {str(n): "" for n in range(MAX_ITEMS + 1)}}, f"at most {MAX_ITEMS}"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(value: Any, words: str) -> None:
    with pytest.raises(Unfit) as fault:
        build(Machine, value)
    assert words in str(fault.value)


@given(st.dictionaries(st.sampled_from([*plain(FULL), "other"]), ANYTHING))
def test_whatever_the_values_are_a_record_is_made_or_refused(value: dict[str, Any]) -> None:
    try:
        made = build(Machine, value)
    except Unfit:
        return
    assert build(Machine, plain(made)) == made
