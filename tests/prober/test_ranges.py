"""Status codes as operators write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.ranges import statuses

CODE = st.integers(100, 599)
RANGE = st.tuples(CODE, CODE).map(lambda pair: (min(pair), max(pair)))


@pytest.mark.parametrize(
    ("text", "within", "without"),
    [
        ("200-299,404", (200, 250, 299, 404), (199, 300, 403, 405)),
        ("2xx", (200, 299), (199, 300)),
        (" 201 , 3xx ", (201, 301, 399), (200, 202, 400)),
    ],
)
def test_lists_and_ranges_are_understood(text: str, within: tuple[int, ...], without: tuple[int, ...]) -> None:
    found = statuses(text)
    assert all(code in found for code in within)
    assert not any(code in found for code in without)


@pytest.mark.parametrize(
    "text", ["", ",", "200,", "2x", "99", "600", "300-200", "200-", "-200", "200 300", "1000", "x"]
)
def test_what_is_no_status_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        statuses(text)


@given(st.lists(RANGE, min_size=1, max_size=8))
def test_a_code_is_in_the_list_when_it_is_in_one_of_its_ranges(ranges: list[tuple[int, int]]) -> None:
    found = statuses(",".join(f"{low}-{high}" for low, high in ranges))
    assert [code for code in range(100, 600) if code in found] == sorted(
        {code for low, high in ranges for code in range(low, high + 1)}
    )
    assert all(second[0] > first[1] + 1 for first, second in zip(found.ranges, found.ranges[1:], strict=False))


@given(st.lists(RANGE, min_size=1, max_size=8))
def test_what_is_shown_means_the_same(ranges: list[tuple[int, int]]) -> None:
    found = statuses(",".join(f"{low}-{high}" for low, high in ranges))
    assert statuses(str(found)) == found


@given(st.text(alphabet="0123456789-,x ", max_size=20))
def test_no_text_does_more_than_be_refused(text: str) -> None:
    try:
        found = statuses(text)
    except ValueError:
        return
    assert found.ranges
