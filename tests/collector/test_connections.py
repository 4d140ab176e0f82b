"""Who holds how many connections, and from when on that is too many."""

from __future__ import annotations

from collector.connections import Connections


def test_one_address_may_hold_so_many_and_another_is_not_in_its_way() -> None:
    held = Connections(most=10, per_address=2)
    assert held.opened(3, "192.0.2.1") is None
    assert held.opened(4, "192.0.2.1") is None
    assert held.opened(5, "192.0.2.1") == "more than 2 connections of one address"
    assert held.opened(6, "192.0.2.2") is None


def test_a_connection_that_ended_makes_room() -> None:
    held = Connections(most=10, per_address=1)
    held.opened(3, "192.0.2.1")
    held.closed(3)
    assert held.opened(3, "192.0.2.1") is None
    assert held.readings()["connections.open"] == 1.0


def test_agents_behind_a_tunnel_are_not_counted_against_one_address_but_in_all() -> None:
    held = Connections(most=3, per_address=1)
    assert [held.opened(fd, "127.0.0.1") for fd in (3, 4, 5)] == [None, None, None]
    assert held.opened(6, "::1") == "more than 3 connections"


def test_an_end_that_was_not_told_is_seen_when_the_descriptor_comes_again() -> None:
    held = Connections(most=10, per_address=1)
    held.opened(3, "192.0.2.1")
    assert held.opened(3, "192.0.2.1") is None
    held.closed(3)
    held.closed(3)
    assert held.readings() == {
        "connections.open": 0.0,
        "connections.accepted_total": 2.0,
        "connections.addresses": 0.0,
        "connections.most_of_one_address": 0.0,
    }
