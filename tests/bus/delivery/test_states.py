"""Every state of a sender knows what to do about every event."""

from __future__ import annotations

import pytest

from bus.delivery.states import TABLE, Event, State, as_markdown


@pytest.mark.parametrize("state", State)
def test_every_cell_of_the_table_is_filled(state: State) -> None:
    assert set(TABLE[state]) == set(Event)


def test_every_state_can_be_reached_and_flowing_from_every_state() -> None:
    def reachable(start: State) -> set[State]:
        found, edge = {start}, [start]
        while edge:
            following = set(TABLE[edge.pop()].values()) - found
            found |= following
            edge.extend(following)
        return found

    assert reachable(State.NEW) == set(State)
    assert all(State.FLOWING in reachable(state) for state in State)


def test_the_table_in_the_manual_is_the_one_that_is_obeyed() -> None:
    lines = as_markdown().splitlines()

    assert len(lines) == 2 + len(State)
    assert "| **flowing** |  | syncing | connecting |  | syncing |  | waiting |  |" in lines
