"""Which processes used most."""

from __future__ import annotations

import pytest

from agent.ranking import Seen, parsed, ranked, shown

STAT = (
    b"812 (postgres) S 1 812 812 0 -1 4194560 9053 0 41 0 150 50 0 0 20 0 1 0 4711 228769792 3500 "
    b"18446744073709551615 1 1 0 0 0 0 0 16781312 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n"
)


def test_a_line_of_stat_is_read() -> None:
    assert parsed(STAT) == Seen(b"postgres", 200, 4711, 3500)


@pytest.mark.parametrize("name", [b"a b", b"x) S 1 (y", b"((", b")"])
def test_a_name_may_hold_blanks_and_brackets(name: bytes) -> None:
    assert parsed(STAT.replace(b"postgres", name)).name == name
    assert parsed(STAT.replace(b"postgres", name)).ticks == 200


def test_a_name_cannot_command_a_terminal() -> None:
    assert shown(b"postgres") == "postgres"
    assert shown(parsed(STAT.replace(b"postgres", b"\x1b[2J\xff")).name) == "?[2J\N{REPLACEMENT CHARACTER}"


def test_what_is_cut_short_is_refused() -> None:
    with pytest.raises((ValueError, IndexError)):
        parsed(STAT[:40])


BEFORE = {1: Seen(b"init", 1000, 1, 300), 7: Seen(b"shop", 500, 70, 9000), 9: Seen(b"old", 9999, 80, 10)}


def test_the_busiest_come_first_then_the_largest() -> None:
    after = {1: Seen(b"init", 1000, 1, 300), 7: Seen(b"shop", 600, 70, 9000), 8: Seen(b"job", 300, 900, 20)}
    rows = ranked(BEFORE, after, elapsed=10.0, ticks_per_second=100, count=2)
    assert [(row.pid, row.cpu_percent) for row in rows] == [(8, 30.0), (7, 10.0), (1, 0.0)]


def test_a_new_process_with_an_old_number_is_not_compared_with_the_old_one() -> None:
    after = {9: Seen(b"new", 40, 950, 10)}
    (row,) = ranked(BEFORE, after, elapsed=10.0, ticks_per_second=100, count=5)
    assert row.cpu_percent == 4.0


def test_a_process_that_could_not_be_read_before_did_not_use_all_its_time_since() -> None:
    after = {1: Seen(b"init", 1000, 1, 300), 5: Seen(b"database", 987_654, 60, 8000), 8: Seen(b"job", 300, 900, 20)}
    rows = ranked(BEFORE, after, elapsed=10.0, ticks_per_second=100, count=5)
    assert [(row.pid, row.cpu_percent) for row in rows] == [(8, 30.0), (5, 0.0), (1, 0.0)]


def test_who_did_nothing_and_holds_nothing_is_not_told() -> None:
    idle = {2: Seen(b"kthreadd", 5, 1, 0)}
    assert ranked(idle, idle, elapsed=10.0, ticks_per_second=100, count=5) == []


def test_no_time_between_two_readings_tells_nothing() -> None:
    assert ranked(BEFORE, BEFORE, elapsed=0.0, ticks_per_second=100, count=5) == []
