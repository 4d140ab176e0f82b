"""The collector ends before it takes the machine's memory, after it has ended whoever sends most."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bus.program import TryAgain
from collector.memory import Memory
from collector.refusals import Refusals

MB = 1_000_000


def memory(resident: int, *monitors: Any) -> tuple[Memory, Refusals]:
    refusals = Refusals()
    return Memory(100 * MB, lambda: monitors, refusals, resident=lambda: resident), refusals


def test_over_its_limit_it_ends_to_be_started_anew() -> None:
    with pytest.raises(TryAgain, match="101 MB of memory, at most 100 MB"):
        memory(101 * MB)[0].look()


def test_on_a_small_machine_it_ends_at_half_of_what_there_is() -> None:
    small = Memory(2000 * MB, list, Refusals(), resident=lambda: 501 * MB, machine=1000 * MB)
    with pytest.raises(TryAgain, match="501 MB of memory, at most 500 MB"):
        small.look()
    Memory(2000 * MB, list, Refusals(), resident=lambda: 501 * MB, machine=8000 * MB).look()


def test_below_half_of_it_nobody_is_looked_at() -> None:
    unseen = SimpleNamespace()  # has no connections to be asked for
    memory(49 * MB, unseen)[0].look()


def test_while_it_does_not_grow_nobody_is_ended() -> None:
    quiet = SimpleNamespace(fds=frozenset({99_999}), port=1, address_of=lambda fd: "192.0.2.1")
    watch, refusals = memory(60 * MB, quiet)
    for _ in range(5):
        watch.look()
    assert not refusals.totals


def test_a_connection_that_brings_little_is_left_alone_though_it_grows() -> None:
    quiet = SimpleNamespace(fds=frozenset({99_999}), port=1, address_of=lambda fd: "192.0.2.1")
    refusals, sizes = Refusals(), iter((60 * MB, 99 * MB))
    monitors: list[Any] = [quiet]
    watch = Memory(100 * MB, lambda: monitors, refusals, resident=lambda: next(sizes))
    watch.look()
    watch.look()
    assert not refusals.totals
