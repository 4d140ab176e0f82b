"""What its producer has no more is declared gone, and nothing that somebody may still have."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bus.control import Offer
from bus.delivery.facts import Declared
from bus.delivery.stream import Reason
from tests.bus.delivery.receiving import GENERATION, NOON, came, declared, hello, receiver_of


def test_what_a_lost_spool_had_is_declared_gone_as_far_as_its_producer_told_of_it() -> None:
    receiver = receiver_of()
    came(receiver, "web-1", 7, 1, 3, 1, GENERATION, NOON)
    receiver.admit("web-1", 7, 5, 1, GENERATION, NOON)
    receiver.greet(hello(Offer(7, 0, 9, 0)), NOON)
    receiver.commit()
    # While it may still be under way, and while somebody has it, nothing is.
    receiver.greet(hello(Offer(9, 0, 0, 0)), NOON + 60)
    receiver.greet(hello(Offer(7, 0, 9, 0), Offer(9, 0, 0, 0)), NOON + 61)
    assert declared(receiver) == []

    receiver.greet(hello(Offer(9, 0, 0, 0)), NOON + 61)
    assert declared(receiver) == [(7, 4, 4, Reason.ORPHANED), (7, 6, 9, Reason.ORPHANED)]
    assert receiver.streams("web-1")[7].watermark == 9


def test_what_was_too_young_to_be_declared_gone_is_later_and_what_came_since_is_not() -> None:
    receiver = receiver_of()
    for epoch in (6, 7):
        receiver.admit("web-1", epoch, 1, 1, GENERATION, NOON)
    receiver.greet(hello(Offer(6, 0, 4, 0), Offer(7, 0, 9, 0)), NOON)
    receiver.commit()
    receiver.greet(hello(Offer(8, 0, 0, 0)), NOON + 10)
    receiver.admit("web-1", 6, 2, 1, GENERATION, NOON + 11)
    receiver.admit("web-1", 9, 5, 1, GENERATION, NOON + 11)
    receiver.commit()
    receiver.prune(NOON + 59)
    assert declared(receiver) == []

    assert receiver.prune(NOON + 3600) == 1
    assert declared(receiver) == [(7, 2, 9, Reason.ORPHANED)]
    assert receiver.changed


@pytest.mark.parametrize("lives", [True, False])
def test_what_an_older_spool_does_not_know_is_declared_gone_but_the_live_epoch_goes_on(lives: bool) -> None:
    receiver = receiver_of()
    came(receiver, "web-1", 7, 1, 3, 1, GENERATION, NOON)
    receiver.admit("web-1", 7, 5, 1, GENERATION, NOON)
    receiver.greet(hello(Offer(7, 0, 9, 3)), NOON)
    receiver.commit()
    receiver.greet(hello(Offer(7, 0, 3, 3), *(() if lives else (Offer(8, 0, 0, 0),))), NOON + 61)
    gone = [(7, 4, 4, Reason.ORPHANED)] + ([] if lives else [(7, 6, 9, Reason.ORPHANED)])
    assert declared(receiver) == gone


def test_what_another_machine_under_the_name_may_still_have_is_not_gone_for_a_day() -> None:
    receiver = receiver_of()
    receiver.admit("web-1", 7, 1, 1, GENERATION, NOON)
    receiver.greet(hello(Offer(7, 0, 9, 0), boot="boot-1"), NOON)
    receiver.commit()
    receiver.greet(hello(Offer(8, 0, 0, 0), boot="boot-2"), NOON + 61)
    receiver.prune(NOON + 86_000)
    assert declared(receiver) == []
    receiver.prune(NOON + 86_401)
    assert declared(receiver) == [(7, 2, 9, Reason.ORPHANED)]


def test_to_declare_what_another_boot_told_for_gone_is_not_to_hear_of_it() -> None:
    receiver = receiver_of()
    receiver.admit("web-1", 7, 1, 1, GENERATION, NOON)
    receiver.greet(hello(Offer(7, 0, 9, 0), boot="boot-1"), NOON)
    receiver.greet(hello(Offer(8, 0, 0, 0), boot="boot-2"), NOON + 61)
    receiver.commit()
    receiver.admit("web-1", 8, 1, 1, GENERATION, NOON + 86_400)
    receiver.commit()
    receiver.prune(NOON + 86_401)
    receiver.admit("web-1", 8, 2, 1, GENERATION, NOON + 86_402)
    assert [type(fact) for fact in receiver.facts] == [Declared]
    assert receiver.streams("web-1")[7].seen == NOON


def test_of_epochs_that_nobody_told_anything_of_nothing_is_kept() -> None:
    receiver = receiver_of()
    receiver.admit("web-1", 1, 1, 1, GENERATION, NOON)
    for epoch in range(2, 100):
        receiver.greet(replace(hello(Offer(epoch, 0, 0, 0)), more=True), NOON + epoch)
    (source,) = receiver._sources
    assert len(source.told_by) <= 2


def test_a_hello_that_does_not_list_all_epochs_makes_no_orphans() -> None:
    receiver = receiver_of()
    receiver.admit("web-1", 7, 1, 1, GENERATION, NOON)
    receiver.greet(hello(Offer(7, 0, 9, 0)), NOON)
    receiver.commit()
    receiver.greet(replace(hello(Offer(8, 0, 0, 0)), more=True), NOON + 61)
    assert declared(receiver) == []
