"""The table of keys."""

from __future__ import annotations

from collections import Counter

import pytest

from viewer import keys
from viewer.actions import ACTIONS
from viewer.screens import SCREENS


def test_every_binding_does_something_and_everything_has_a_key() -> None:
    assert {binding.action for binding in keys.BINDINGS} == set(ACTIONS)


@pytest.mark.parametrize("screen", SCREENS)
def test_a_key_means_one_thing_on_a_screen(screen: str) -> None:
    meant = Counter(key for binding in keys.on(screen) for key in binding.keys)
    assert [key for key, times in meant.items() if times > 1] == []


def test_screens_with_a_tab_can_be_drawn() -> None:
    assert set(keys.SCREENS) <= set(SCREENS)


def test_quitting_is_possible_everywhere() -> None:
    assert all(keys.action("q", screen) == keys.action("ctrl-c", screen) == "quit" for screen in SCREENS)


def test_sorting_belongs_to_lists_with_columns() -> None:
    assert keys.action("o", "hosts") == keys.action("o", "services") == "sort"
    assert keys.action("o", "host") is None


def test_space_marks_on_lists_and_turns_the_page_elsewhere() -> None:
    assert keys.action(" ", "alerts") == "mark"
    assert keys.action(" ", "help") == "page_down"
