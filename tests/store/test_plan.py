"""Which tier answers: together they cover all that is known, once; the coarsest that serves is taken."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence, Set

from hypothesis import example, given
from hypothesis import strategies as st

from store.plan import Plan, Step, Stretch, finest
from store.spans import RAW, TIERS, month_after, month_of, name_of, span_of, spans
from tests.store.given import DAY, HOUR, MINUTE, NOON

MIDNIGHT = NOON - 12 * HOUR
RAW_DAYS = [(MIDNIGHT - n * DAY, MIDNIGHT - (n - 1) * DAY) for n in range(1, 8)]
TODAY = (MIDNIGHT, NOON)
FIVES = [(MIDNIGHT - n * DAY, MIDNIGHT - (n - 1) * DAY) for n in range(1, 100)]
HOURS = [(MIDNIGHT - 400 * DAY, MIDNIGHT - 31 * DAY), *FIVES[:31]]


def plan(
    start: int,
    end: int,
    length: int,
    raw: Sequence[Stretch],
    tiers: Mapping[str, Sequence[Stretch]],
    late: Set[int] = frozenset(),
) -> list[Step]:
    """What is read for all of this time."""
    return Plan(start, end, length, raw, tiers, late).steps(start, end)


def test_young_steps_that_are_short_come_from_rows() -> None:
    assert plan(NOON - HOUR, NOON, 10**10, [TODAY], {"5m": FIVES}) == [Step(RAW, NOON - HOUR, NOON)]


def test_long_steps_come_from_rollups_and_the_running_day_from_rows() -> None:
    found = plan(NOON - 30 * DAY, NOON, 2 * HOUR, [TODAY, *RAW_DAYS], {"5m": FIVES, "1h": HOURS})
    assert found == [Step("1h", NOON - 30 * DAY, MIDNIGHT), Step(RAW, MIDNIGHT, NOON)]


def test_a_range_that_begins_within_a_span_begins_with_rows_while_there_are_some() -> None:
    start = MIDNIGHT - DAY + 7 * MINUTE
    found = plan(start, MIDNIGHT, HOUR, RAW_DAYS, {"1h": HOURS})
    assert found == [Step(RAW, start, MIDNIGHT - DAY + HOUR), Step("1h", MIDNIGHT - DAY + HOUR, MIDNIGHT)]


def test_a_range_that_ends_within_a_span_ends_with_rows() -> None:
    start = MIDNIGHT - DAY
    found = plan(start, start + 2 * HOUR + 7 * MINUTE, HOUR, RAW_DAYS, {"1h": HOURS})
    assert found == [Step("1h", start, start + 2 * HOUR), Step(RAW, start + 2 * HOUR, start + 2 * HOUR + 7 * MINUTE)]


def test_a_range_within_a_span_comes_from_rows_alone() -> None:
    start = MIDNIGHT - DAY + 7 * MINUTE
    assert plan(start, start + MINUTE, HOUR, RAW_DAYS, {"1h": HOURS}) == [Step(RAW, start, start + MINUTE)]


def test_beyond_what_is_known_nothing_is_read() -> None:
    assert plan(MIDNIGHT - 5 * DAY, NOON + 5 * DAY, 10**10, [TODAY], {}) == [Step(RAW, MIDNIGHT, NOON)]
    assert plan(NOON, NOON + DAY, 10**10, [TODAY], {}) == []
    assert plan(MIDNIGHT - DAY, NOON, 10**10, [], {}) == []


def test_an_hour_beside_its_whole_day_does_not_part_the_day() -> None:
    day = MIDNIGHT - DAY
    raw = [(day, MIDNIGHT), (day + HOUR, day + 2 * HOUR)]
    assert plan(day, MIDNIGHT, HOUR, raw, {"1h": [(day, MIDNIGHT)]}, {day}) == [Step(RAW, day, MIDNIGHT)]


def test_a_range_of_which_only_rollups_are_left_has_whole_spans() -> None:
    start = MIDNIGHT - 50 * DAY + 7 * MINUTE
    found = plan(start, start + 3 * HOUR, MINUTE, RAW_DAYS, {"5m": FIVES, "1h": HOURS})
    assert found == [Step("5m", start - 2 * MINUTE, start + 3 * HOUR + 3 * MINUTE)]


def test_a_day_to_which_rows_came_late_is_answered_from_rows() -> None:
    late = {MIDNIGHT - 2 * DAY}
    found = plan(MIDNIGHT - 3 * DAY, MIDNIGHT, HOUR, RAW_DAYS, {"1h": HOURS}, late)
    assert [step.tier for step in found] == ["1h", RAW, "1h"]


def test_hours_whose_rows_are_gone_come_from_their_rollups_and_the_others_from_rows() -> None:
    raw = [(MIDNIGHT + n * HOUR, MIDNIGHT + (n + 1) * HOUR) for n in range(5, 12)]
    early = [(MIDNIGHT + n * HOUR, MIDNIGHT + (n + 1) * HOUR) for n in range(6)]
    short = plan(MIDNIGHT, NOON, 10**10, raw, {"1m": early, "5m": early})
    assert short == [Step("1m", MIDNIGHT, MIDNIGHT + 5 * HOUR), Step(RAW, MIDNIGHT + 5 * HOUR, NOON)]
    again = [(MIDNIGHT, MIDNIGHT + HOUR), *raw]
    long = plan(MIDNIGHT, NOON, 10 * MINUTE, again, {"1m": early, "5m": early}, {MIDNIGHT})
    assert long == [Step("5m", MIDNIGHT, MIDNIGHT + 6 * HOUR), Step(RAW, MIDNIGHT + 6 * HOUR, NOON)]


def test_of_a_day_that_is_over_the_last_rows_answer_where_no_rollup_does() -> None:
    day = MIDNIGHT - DAY
    left = [(day - DAY, day), *((day + n * HOUR, day + (n + 1) * HOUR) for n in (0, 22, 23))]
    found = plan(day, MIDNIGHT, 10**10, left, {"5m": FIVES})
    last = day + 22 * HOUR
    assert found == [Step(RAW, day, day + HOUR), Step("5m", day + HOUR, last), Step(RAW, last, MIDNIGHT)]


@given(
    st.integers(0, 150 * DAY),
    st.integers(1, 150 * DAY),
    st.sampled_from([10**9, MINUTE, 5 * MINUTE, HOUR, 6 * HOUR, DAY]),
    st.sets(st.sampled_from([MIDNIGHT - n * DAY for n in range(9)])),
)
def test_what_is_planned_covers_what_is_known_once(back: int, long: int, length: int, late: set[int]) -> None:
    start = NOON - back
    end = start + long
    raw = [*RAW_DAYS, TODAY]
    found = plan(start, end, length, raw, {"5m": FIVES, "1h": HOURS}, late)
    hours = start - start % HOUR, (end - 1) // HOUR * HOUR + 1
    late_in_it = min(hours[0] + HOUR - 1, end - 1)
    for begin, until in (hours, (late_in_it, max(hours[1], late_in_it + 1))):
        again = Plan(begin, until, length, raw, {"5m": FIVES, "1h": HOURS}, late)
        assert again.steps(start, end) == found
    for step, after in itertools.pairwise(found):
        assert step.end <= after.start
    for step in found:
        assert step.start < step.end
        if step.tier == RAW:
            assert start <= step.start <= step.end <= end
        else:
            assert step.start % TIERS[step.tier] == step.end % TIERS[step.tier] == 0
            assert step.start > start - TIERS[step.tier]
    covered = sum(min(step.end, end) - max(step.start, start) for step in found)
    oldest = FIVES[-1][0] if HOURS[0][0] > start else HOURS[0][0]
    known = max(0, min(end, NOON) - max(start, oldest))
    assert covered >= known


def test_the_finest_that_is_known() -> None:
    tiers = {"5m": FIVES, "1h": HOURS}
    assert finest(NOON - HOUR, [TODAY], tiers) == 0
    assert finest(MIDNIGHT - 9 * DAY, RAW_DAYS, tiers) == 5 * MINUTE
    assert finest(MIDNIGHT - 200 * DAY, RAW_DAYS, tiers) == HOUR
    assert finest(NOON + DAY, RAW_DAYS, tiers) == 0
    short, whole = (MIDNIGHT - DAY, MIDNIGHT - HOUR), {"5m": [(MIDNIGHT - DAY, MIDNIGHT)]}
    found = [finest(at, [short], whole) for at in (short[0], short[1] - 1, short[1], MIDNIGHT - 1, MIDNIGHT)]
    assert found == [0, 0, 5 * MINUTE, 5 * MINUTE, 0]


def test_a_longer_file_speaks_for_those_within_it() -> None:
    names = ["20260131T12.1h", "20260131T00.1h", "20260131T00.1d", "20260201T00.1h"]
    none = ["20260131T13.1h.new", "nonsense", "20260131T00.1y", "20260202T5.1h"]
    found = [(span.name, span.end - span.start) for span in spans(names + none)]
    assert found == [("20260131T00.1d", DAY), ("20260201T00.1h", HOUR)]


@given(st.integers(978_307_200, 4_102_444_799))
@example(1_794_000_000)  # in November
@example(1_797_000_000)  # in December
def test_a_month_ends_where_the_next_begins(second: int) -> None:
    month = month_of(second * 10**9)
    assert month <= second * 10**9 < month_after(month) == month_of(month_after(month))
    found = span_of(name_of(month, "1mo"))
    assert found is not None
    assert (found.start, found.end) == (month, month_after(month))
    assert month_of(found.end - 1) == month
