"""Holes that are filled, pauses, and what has to make room where there is too much."""

from __future__ import annotations

import random

from bus.control import Mark
from bus.delivery.actions import Send
from bus.delivery.outflow import Kept
from bus.delivery.sender import Sender
from bus.delivery.sources import Limits as StoreLimits
from bus.delivery.window import Limits
from tests.bus.delivery.receiving import GENERATION, receiver_of
from tests.bus.delivery.receiving import NOON as TODAY
from tests.bus.delivery.sending import NOON, flowing, receipt, say, sender_of, sends_in


def test_a_hole_is_filled_twice_a_second_at_most_and_no_further_than_was_sent() -> None:
    sender = sender_of()
    flowing(sender)
    epoch = sender.flows.live.epoch
    say(sender, 20)
    size = sender.pump.window.size

    def filled(second: float, watermark: int = 2, until: int = 9) -> list[Send]:
        return sends_in(sender.on_receipt(receipt(Mark(epoch, watermark, until=until)), NOON + second))

    assert [filled(0.1), filled(0.2), filled(0.65)] == [[], [], []]
    assert filled(0.75) == [Send(epoch, 3, 9)]
    assert (sender.pump.resent, sender.pump.window.size) == (7, size / 2)
    assert filled(1.2) == []
    assert filled(1.3) == [Send(epoch, 3, 9)]
    # Another hole is not filled at once either.
    assert [filled(1.9, 5, 99), filled(1.95, 5, 99), filled(2.3, 5, 99)] == [[], [], []]
    assert filled(2.5, 5, 99) == [Send(epoch, 6, 20)]


def test_whoever_is_held_back_by_its_pace_or_a_shut_door_is_due_soon() -> None:
    sender = sender_of(window=16)
    flowing(sender)
    say(sender, 100)
    assert 0.0 < sender.due(NOON) < 0.1

    sender.blocked(sender.flows.live.epoch, 4, NOON)
    assert sender.on_tick(NOON + 0.01) == []
    assert 0.03 < sender.due(NOON + 0.01) <= 0.05


def test_so_many_epochs_are_remembered_for_their_floors() -> None:
    kept = [Kept(epoch, base=2, last=1, acked=1) for epoch in (1, 2, 3)] + [Kept(4, base=1, last=1, acked=1)]
    sender = Sender(kept, rng=random.Random(1), now=NOON, limits=Limits(floor_epochs=2))

    assert [flow.epoch for flow in sender.flows][:-1] == [2, 3, 4]


def test_where_a_source_has_too_many_streams_the_one_unheard_of_for_longest_makes_room_if_nothing_is_open() -> None:
    receiver = receiver_of(limits=StoreLimits(streams=3))
    for epoch, number in ((1, 5), (2, 1), (3, 1), (4, 1), (5, 1)):
        receiver.admit("web-1", epoch, number, 1, GENERATION, TODAY + epoch)
        receiver.commit()
        receiver.receipts(0)

    assert set(receiver.streams("web-1")) == {1, 4, 5}
