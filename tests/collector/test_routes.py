"""Receipts go to the connections from which a name said HELLO last."""

from __future__ import annotations

import pytest

from collector.routes import BURST, MOST_ROUTES, PER_SECOND, Routes

NOON = 43_200.0
DOOR = ("the door", b"1")


def test_receipts_go_where_the_hello_came_from() -> None:
    routes = Routes()
    routes.greeted("web-1", DOOR, NOON)

    assert routes.of("web-1") == [DOOR]
    assert routes.of("web-2") == []


def test_a_connection_that_is_gone_is_forgotten_and_so_is_the_name_without_any() -> None:
    routes = Routes()
    routes.greeted("web-1", DOOR, NOON)
    routes.gone("web-1", DOOR)
    routes.gone("web-1", DOOR)

    assert routes.of("web-1") == []
    assert len(routes) == 0


def test_of_many_connections_under_one_name_those_that_spoke_last_are_kept() -> None:
    routes = Routes()
    for n in range(MOST_ROUTES + 1):
        routes.greeted("web-1", ("the door", b"%d" % n), NOON + n)
    routes.greeted("web-1", ("the door", b"1"), NOON + 10)

    assert [who for _, who in routes.of("web-1")] == [b"2", b"3", b"4", b"1"]


def test_who_asks_too_often_is_refused_until_time_has_passed_and_hears_receipts_all_the_same() -> None:
    routes = Routes()
    asked = [routes.greeted("web-1", DOOR, NOON) for _ in range(int(BURST) + 1)]

    assert asked == [True] * int(BURST) + [False]
    assert routes.greeted("web-2", ("the door", b"2"), NOON)
    assert routes.greeted("web-1", DOOR, NOON + 1 / PER_SECOND)
    assert routes.of("web-1") == [DOOR]


def test_of_two_connections_the_one_that_is_there_goes_on_to_hear() -> None:
    routes = Routes()
    routes.greeted("web-1", DOOR, NOON)
    routes.greeted("web-1", ("the door", b"2"), NOON)
    routes.gone("web-1", DOOR)

    assert routes.of("web-1") == [("the door", b"2")]


def test_who_is_forgotten_hears_nothing_until_it_asks_again() -> None:
    routes = Routes()
    routes.greeted("web-1", DOOR, NOON)
    routes.forget("web-1")
    assert routes.of("web-1") == []

    routes.greeted("web-1", DOOR, NOON)
    assert routes.of("web-1") == [DOOR]


def test_in_the_long_run_a_name_asks_no_oftener_than_is_allowed() -> None:
    routes = Routes()
    asked = [routes.greeted("web-1", DOOR, NOON + n / 10) for n in range(1000)]

    assert sum(asked) <= BURST + 100 * PER_SECOND


def test_of_too_many_names_the_one_that_said_nothing_for_longest_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collector.routes.MOST_NAMES", 3)
    routes = Routes()
    for name in ("web-1", "web-2", "web-3", "web-1", "web-4"):
        routes.greeted(name, DOOR, NOON)

    assert [name for name in ("web-1", "web-2", "web-3", "web-4") if routes.of(name)] == ["web-1", "web-3", "web-4"]
