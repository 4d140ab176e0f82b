"""What a query string asks for."""

from __future__ import annotations

import contextlib
import time
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.filters import BadParameter, Query, matcher, matches, parse_moment, parse_time
from api.resources.series import wanted
from bus.messages import is_metric
from tests.api.given import NOON, SECOND


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-31T12:00:00Z",
        "2026-01-31T12:00:00.000000Z",
        "2026-01-31t12:00:00z",
        "2026-01-31 12:00:00Z",
        "2026-01-31T13:00:00+01:00",
        "2026-01-31T13:00:00 01:00",
        "2026-01-31 13:00:00 01:00",
        "2026-01-31T06:30:00-0530",
        "2026-01-31T12:00:00",
        "2026-01-31T12:00",
        "1769860800",
        "1769860800.0",
        "1769860800000",
    ],
)
def test_noon_is_understood_however_it_is_written(text: str) -> None:
    assert parse_time(text, "start") == NOON


def test_a_length_is_so_long_before_now() -> None:
    for text, back in (
        ("7d", 7 * 86_400),
        ("-1h30m", 5400),
        ("now-90s", 90),
        ("1.5h", 5400),
        ("now", 0),
        (" 5m ", 300),
    ):
        assert parse_moment(text, "start", NOON) == NOON - back * SECOND
    assert parse_moment("50000d", "start", NOON) == 0
    assert parse_moment("2026-01-31T12:00:00Z", "start", 0) == NOON
    for text in ("-5", "now-", "d", "now7d", "--7d", "7y", "+7d"):
        with pytest.raises(BadParameter, match="7d back from now"):
            parse_moment(text, "start", NOON)


def test_fractions_of_a_second_are_kept_to_the_nanosecond() -> None:
    assert parse_time("2026-01-31T12:00:00.123456789Z", "start") == NOON + 123_456_789
    assert parse_time("1769860800.25", "start") == NOON + SECOND // 4
    assert parse_time("1769860800250", "start") == NOON + SECOND // 4


def test_a_date_alone_is_its_midnight() -> None:
    assert parse_time("2026-01-31", "start") == NOON - 12 * 3600 * SECOND


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2026-13-01T00:00:00Z", "2026-02-30", "2026-01-31T25:00:00Z", "-5", "1e9", "NaN",
     "2026-01-31T12:00:00+99:00", "99999999999999999999", "9999-12-31T00:00:00Z", "1969-12-31T23:59:59Z",
     "２０２６-01-31"],
)  # fmt: skip
def test_what_is_no_time_is_refused_by_name(text: str) -> None:
    with pytest.raises(BadParameter, match="start") as refused:
        parse_time(text, "start")
    assert refused.value.parameter == "start"


@given(st.text(max_size=40))
def test_no_text_makes_it_fail_in_another_way(text: str) -> None:
    with contextlib.suppress(BadParameter):
        assert 0 <= parse_moment(text, "start", NOON) < 2**63


def test_an_unescaped_plus_in_a_url_is_still_an_offset() -> None:
    assert Query("start=2026-01-31T13:00:00+01:00").time("start", 0, NOON) == NOON
    assert Query("start=2026-01-31T13:00:00%2B01:00").time("start", 0, NOON) == NOON


def test_a_limit_is_cut_to_the_most_and_may_be_zero() -> None:
    assert Query("").limit("limit", 100, 1000) == 100
    assert Query("limit=0").limit("limit", 100, 1000) == 0
    assert Query("limit=5000").limit("limit", 100, 1000) == 1000
    assert Query("limit=" + "9" * 60).limit("limit", 100, 1000) == 1000


@pytest.mark.parametrize("text", ["-1", "ten", "1.5", "", " 1", "٣"])
def test_a_limit_that_is_no_count_is_refused(text: str) -> None:
    with pytest.raises(BadParameter, match="limit"):
        Query(f"limit={text}").limit("limit", 100, 1000)


def test_a_single_parameter_given_twice_is_refused() -> None:
    with pytest.raises(BadParameter, match="given 2 times"):
        Query("limit=1&limit=2").limit("limit", 100, 1000)


def test_a_flag_is_true_false_or_a_fault() -> None:
    assert Query("values=true").flag("values")
    assert Query("values").flag("values")
    assert not Query("values=0").flag("values")
    assert not Query("").flag("values")
    with pytest.raises(BadParameter, match="values"):
        Query("values=perhaps").flag("values")


def test_words_are_of_the_allowed_ones_and_a_star_is_all_of_them() -> None:
    allowed = {"metric", "facts"}
    assert Query("kinds=metric,facts").words("kinds", allowed, frozenset()) == allowed
    assert Query("kinds=*").words("kinds", allowed, frozenset()) == allowed
    assert Query("").words("kinds", allowed, frozenset({"metric"})) == {"metric"}
    with pytest.raises(BadParameter, match="'metrics' is none of facts, metric"):
        Query("kinds=metrics").words("kinds", allowed, frozenset())


def test_too_many_or_too_long_globs_are_refused() -> None:
    with pytest.raises(BadParameter, match="at most 50"):
        Query("&".join(["metric=a"] * 51)).globs("metric")
    with pytest.raises(BadParameter, match="characters"):
        Query("metric=" + "a" * 201).globs("metric")
    with pytest.raises(BadParameter, match="more than 100"):
        Query("&".join(["x=1"] * 101))


def test_the_longest_name_of_a_metric_can_be_asked_for() -> None:
    name = f"{'g' * 64}[{'i' * 160}].{'f' * 64}"
    assert is_metric(name)
    assert wanted(Query(f"metric={quote(name)}"), 0).metrics == (name,)


def test_brackets_in_a_glob_are_themselves() -> None:
    assert matches("disk[*].percent", "disk[/var/log].percent")
    assert not matches("disk[*].percent", "disk/.percent")
    assert matches("web-?", "web-1")
    assert not matches("web-?", "web-10")
    assert matches("*", "")
    assert not matches("", "a")


@given(st.text("ab*?", max_size=8), st.text("ab", max_size=8))
def test_globs_agree_with_a_plain_definition(glob: str, name: str) -> None:
    def plain(g: str, n: str) -> bool:
        if not g:
            return not n
        if g[0] == "*":
            return plain(g[1:], n) or (bool(n) and plain(g, n[1:]))
        return bool(n) and g[0] in ("?", n[0]) and plain(g[1:], n[1:])

    assert matches(glob, name) == plain(glob, name)


def test_a_hostile_glob_takes_no_time() -> None:
    began = time.process_time()
    assert not matches("*a" * 60 + "b", "a" * 128)
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    "glob", ["*" + "a" * 60 + "b", "*" + "a" * 60 + "b" + "a" * 60 + "*", "*" + "?" * 60 + "b", "*" + "a?" * 50 + "b"]
)
def test_nor_do_hundreds_of_names_that_were_made_for_it(glob: str) -> None:
    names = ["a" * 280 + str(number) for number in range(500)]
    began = time.process_time()
    assert not any(matches(glob, name) for name in names)
    assert time.process_time() - began < 1


def test_without_globs_everything_fits() -> None:
    assert matcher(())("anything")
    assert matcher(("web-*", "db-1"))("db-1")
    assert not matcher(("web-*", "db-1"))("db-2")
