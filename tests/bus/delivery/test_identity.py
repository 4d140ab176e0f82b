"""Two hosts that speak under one name are told from one that was started anew."""

from __future__ import annotations

import pytest

from bus.control import Offer
from tests.bus.delivery.receiving import GENERATION, NOON, hello, receiver_of


def test_two_hosts_under_one_name_are_noticed_and_a_restart_is_not() -> None:
    def facts(*, goes_on: bool) -> list[str]:
        receiver, found = receiver_of(), []
        receiver.greet(hello(Offer(1, 0, 0, 0), boot="boot-1"), NOON)
        receiver.greet(hello(Offer(2, 0, 0, 0), boot="boot-2"), NOON + 1)
        for second in range(10, 20):
            if goes_on:
                receiver.admit("web-1", 1, second, 1, GENERATION, NOON + second)
            receiver.admit("web-1", 2, second, 1, GENERATION, NOON + second)
            found += [type(fact).__name__ for fact in receiver.facts]
            receiver.commit()
        return found

    assert facts(goes_on=True) == ["TwoHosts"]
    assert facts(goes_on=False) == []


@pytest.mark.parametrize("copied", [False, True])
def test_what_a_machine_tells_of_before_it_was_started_anew_is_its_own_and_nobody_elses(copied: bool) -> None:
    receiver = receiver_of()
    found: list[str] = []

    def tells(epoch: int, number: int, second: int) -> None:
        receiver.admit("web-1", epoch, number, 1, GENERATION, NOON + second)
        found.extend(type(fact).__name__ for fact in receiver.facts)
        receiver.commit()

    receiver.greet(hello(Offer(1, 0, 5, 0), boot="boot-1"), NOON)
    tells(1, 1, second=1)
    receiver.greet(hello(Offer(1, 0, 30, 1), Offer(2, 0, 1, 0), boot="boot-2"), NOON + 2)
    for second in range(3, 31):
        tells(1, second, second)
        tells(2, second, second)
    receiver.greet(hello(Offer(1, 0, 30, 30), Offer(2, 0, 40, 30), boot="boot-2"), NOON + 40)
    tells(2, 31, second=40)
    if copied:  # the one from which the other was copied goes on
        tells(1, 31, second=41)
        tells(2, 32, second=41)

    assert found == ["TwoHosts"] * copied
