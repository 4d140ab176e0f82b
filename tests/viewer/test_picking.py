"""A list to pick from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.viewer.given import NOON, calm
from viewer.events import HostEntry, HostsTold
from viewer.names import natural
from viewer.picking import SORTS, Picking, passes
from viewer.world import World


def world(*entries: HostEntry) -> World:
    found = World()
    found.take(HostsTold(entries), NOON)
    return found


def names(picking: Picking, found: World, words: str = "") -> list[str]:
    return [host.name for host in picking.hosts(found, words, NOON)]


def test_trouble_comes_first_and_numbers_in_names_count_as_numbers() -> None:
    found = world(calm("web-10"), calm("web-2"), HostEntry("db-1", "db-1", "down"), HostEntry("db-2", "db-2", "stale"))
    assert names(Picking(), found) == ["db-1", "db-2", "web-2", "web-10"]


def test_a_number_sorts_from_the_most_and_what_has_none_comes_last() -> None:
    found = world(calm("calm", cpu_percent=5.0), calm("busy", cpu_percent=95.0), HostEntry("new", "new", "unknown"))
    assert names(Picking(sort="cpu"), found) == ["busy", "calm", "new"]
    assert names(Picking(sort="cpu", reverse=True), found)[:2] == ["new", "calm"]


def test_lines_do_not_dance_with_every_reading() -> None:
    found = world(calm("web-1", cpu_percent=50.0), calm("web-2", cpu_percent=40.0))
    picking = Picking(sort="cpu")
    assert names(picking, found) == ["web-1", "web-2"]
    found.hosts["web-2"].values = {"cpu.percent": 60.0}
    assert [host.name for host in picking.hosts(found, "", NOON + 1)] == ["web-1", "web-2"]
    assert [host.name for host in picking.hosts(found, "", NOON + 3)] == ["web-2", "web-1"]


def test_every_word_of_a_filter_must_stand_somewhere() -> None:
    assert passes("WEB down", "web-1", "down")
    assert not passes("web down", "web-1", "up")
    assert passes("", "web-1")


@pytest.mark.parametrize("sort", SORTS)
def test_hosts_without_any_reading_can_be_sorted(sort: str) -> None:
    found = world(HostEntry("b", "b", "unknown"), HostEntry("a", "a", "unknown"))
    assert names(Picking(sort=sort), found) == ["a", "b"]


@given(text=st.lists(st.text(max_size=8), max_size=8))
def test_any_names_can_be_sorted(text: list[str]) -> None:
    assert len(sorted(text, key=natural)) == len(text)


@given(total=st.integers(0, 100), place=st.integers(0, 99), top=st.integers(0, 200), page=st.integers(1, 30))
def test_the_chosen_line_is_always_among_those_shown(total: int, place: int, top: int, page: int) -> None:
    order = [str(one) for one in range(total)]
    picking = Picking(chosen=str(place) if place < total else None, top=top, order=order)
    first = picking.first_line(page, total)
    assert 0 <= first <= max(0, total - page)
    if total:
        assert first <= picking.place() < first + page
