"""When a producer sends what, and when it asks, waits and sends again."""

from __future__ import annotations

import pytest

from bus.control import Flags, Mark
from bus.delivery.actions import Connect, Greet, Move, Send, Settled
from bus.delivery.outflow import Kept
from bus.delivery.states import Event, Flag, State
from tests.bus.delivery.sending import NOON, flowing, greet_in, receipt, say, sender_of, sends_in


def test_it_connects_says_hello_and_flows_when_that_is_answered() -> None:
    sender = sender_of()

    assert sender.on_event(Event.START, NOON) == [Connect()]
    greet = greet_in(sender.on_event(Event.CONNECTED, NOON))
    states = [sender.state]
    sender.on_receipt(receipt(Mark(greet.offers[-1].epoch, 0), answer=greet.nonce), NOON)
    assert [*states, sender.state] == [State.SYNCING, State.FLOWING]


def test_messages_go_out_as_they_are_spooled_and_are_settled_when_stored() -> None:
    sender = sender_of()
    flowing(sender)
    epoch = sender.flows.live.epoch

    assert say(sender, 3) == [Send(epoch, 1, 3)]
    assert sender.on_receipt(receipt(Mark(epoch, 2)), NOON) == [Settled(epoch, 2)]
    assert (sender.unacknowledged, sender.under_way) == (1, 1)


def test_numbers_that_may_be_on_the_disk_are_not_given_again() -> None:
    sender = sender_of()
    flowing(sender)
    failed, _ = sender.claim(3)
    sender.begin_epoch()
    epoch, first = sender.claim(1)

    assert (first, epoch != failed) == (1, True)
    assert sender.spooled(100, NOON) == [Send(epoch, 1, 1)]


def test_not_more_than_the_window_is_under_way() -> None:
    sender = sender_of(window=16)
    flowing(sender)

    assert sum(send.last - send.first + 1 for send in sends_in(say(sender, 100))) <= 16
    assert sender.under_way <= 16


def test_what_the_spool_kept_is_sent_first_to_last_after_the_answer() -> None:
    sender = sender_of(Kept(7, base=3, last=6, acked=4))

    assert flowing(sender, Mark(7, 4)) == [Send(7, 5, 6)]


def test_a_start_in_the_middle_of_a_restore_offers_what_the_store_had_once() -> None:
    kept = Kept(7, base=3, last=6, acked=2, once=5)
    sender = sender_of(kept)
    sender.on_event(Event.START, NOON)
    greet = greet_in(sender.on_event(Event.CONNECTED, NOON))

    assert [(offer.epoch, offer.once) for offer in greet.offers if offer.epoch == 7] == [(7, 5)]
    assert flowing(sender_of(kept), Mark(7, 2)) == [Send(7, 3, 6)]


def test_every_start_begins_a_new_epoch() -> None:
    sender = sender_of(Kept(7, base=1, last=6, acked=6))

    assert sender.claim(1) == (sender.flows.live.epoch, 1)
    assert sender.flows.live.epoch != 7


def test_a_silent_store_is_asked_again_and_everything_is_sent_again_after_its_answer() -> None:
    sender = sender_of()
    flowing(sender)
    epoch = sender.flows.live.epoch
    say(sender, 3)
    late = NOON + 10
    sender.on_tick(late)
    assert sender.state is State.WAITING
    greet = greet_in(sender.on_tick(late + 2))
    answer = receipt(Mark(epoch, 1), answer=greet.nonce)

    assert sends_in(sender.on_receipt(answer, late + 2)) == [Send(epoch, 2, 3)]


def test_a_store_that_was_restarted_is_asked_at_once() -> None:
    sender = sender_of()
    flowing(sender)
    say(sender, 3)

    greet = greet_in(sender.on_receipt(receipt(Mark(sender.flows.live.epoch, 0), store=(5, 2)), NOON))
    assert sender.state is State.SYNCING
    assert greet.offers[-1].last == 3


def test_a_restored_store_is_offered_what_the_spool_still_keeps() -> None:
    sender = sender_of(Kept(7, base=3, last=6, acked=6))
    flowing(sender, Mark(7, 6))
    assert sender.unacknowledged == 0
    greet = greet_in(sender.on_receipt(receipt(Mark(7, 2), store=(6, 2)), NOON))
    marks = [Mark(offer.epoch, 2 if offer.epoch == 7 else 0) for offer in greet.offers]

    actions = sender.on_receipt(receipt(*marks, answer=greet.nonce, store=(6, 2)), NOON)

    assert sends_in(actions) == [Send(7, 3, 6)]
    assert sender.generation == 6


def test_a_store_that_knows_more_than_was_ever_said_makes_the_messages_move_to_a_new_epoch() -> None:
    sender = sender_of()
    flowing(sender)
    epoch = sender.flows.live.epoch
    say(sender, 3)

    actions = sender.on_receipt(receipt(Mark(epoch, 10)), NOON)

    assert Move(epoch, 1, 3) in actions
    assert sender.flows.live.epoch != epoch


def test_a_hole_is_filled_without_waiting_for_the_timeout() -> None:
    sender = sender_of()
    flowing(sender)
    epoch = sender.flows.live.epoch
    say(sender, 9)
    holed = receipt(Mark(epoch, 2, until=4))
    first = sender.on_receipt(holed, NOON + 0.1)
    sender.on_receipt(holed, NOON + 0.2)

    assert sends_in(first) == []
    assert sends_in(sender.on_receipt(holed, NOON + 1.5)) == [Send(epoch, 3, 4)]


def test_a_full_hub_is_shown_new_messages_once_and_asked_for_room_now_and_then() -> None:
    sender = sender_of()
    flowing(sender)
    epoch = sender.flows.live.epoch
    sender.on_receipt(receipt(Mark(epoch, 0), flags=Flags.DISK_FULL), NOON)

    assert Flag.HUB_FULL in sender.flags
    assert say(sender, 2) == [Send(epoch, 1, 2)]
    assert sender.on_tick(NOON + 10) == []
    assert isinstance(greet_in(sender.on_tick(NOON + 31)), Greet)


def test_what_the_spool_let_go_of_is_told_by_the_base() -> None:
    sender = sender_of(Kept(7, base=1, last=6, acked=0))
    flowing(sender)
    sender.evicted(7, base=4, dropped=3, now=NOON)

    assert sender.base(7) == 4
    assert Flag.SPOOL_FULL in sender.flags


def test_what_a_spool_turned_out_to_hold_is_asked_about_and_sent() -> None:
    sender = sender_of()
    flowing(sender)
    sender.adopt([Kept(7, base=1, last=3, acked=1), Kept(8, base=1, last=2, acked=2)], NOON)
    greet = greet_in(sender.on_tick(NOON))

    assert [offer.epoch for offer in greet.offers] == [7, sender.flows.live.epoch]
    assert sends_in(sender.on_receipt(receipt(Mark(7, 1), answer=greet.nonce), NOON)) == [Send(7, 2, 3)]
    sender.adopt([Kept(7, base=1, last=3, acked=1)], NOON)
    assert sender.on_tick(NOON) == [], "it is known"


def test_when_the_queue_to_the_door_is_full_it_goes_on_from_there_a_moment_later() -> None:
    sender = sender_of()
    flowing(sender)
    epoch = sender.flows.live.epoch
    say(sender, 9)
    sender.blocked(epoch, 4, NOON)

    assert sender.on_tick(NOON + 0.01) == []
    assert sends_in(sender.on_tick(NOON + 0.1)) == [Send(epoch, 4, 9)]


def test_a_refused_key_is_tried_again_ever_more_seldom() -> None:
    sender = sender_of()
    sender.on_event(Event.START, NOON)
    sender.refused(NOON)
    first = sender.due(NOON)

    assert 2.5 <= first <= 5.0
    assert sender.on_tick(NOON + first) == [Connect()]
    assert sender.state is State.CONNECTING
    sender.on_event(Event.CONNECTED, NOON + 9)
    assert Flag.REFUSED not in sender.flags


@pytest.mark.parametrize("said", [0, 1])
def test_a_clock_that_jumped_begins_a_new_epoch_also_when_nothing_was_said_in_the_last(said: int) -> None:
    sender = sender_of()
    flowing(sender)
    say(sender, said)
    before = sender.flows.live.epoch

    assert isinstance(greet_in(sender.clock_stepped(NOON)), Greet)
    assert sender.flows.live.epoch != before


def test_a_hello_that_was_lost_is_said_again_though_receipts_came_back_by_themselves() -> None:
    sender = sender_of()
    flowing(sender)
    epoch = sender.flows.live.epoch
    say(sender, 2)
    sender.on_tick(NOON + 10)
    sender.on_receipt(receipt(Mark(epoch, 2)), NOON + 10)

    assert sender.state is State.FLOWING
    assert greet_in(sender.on_tick(NOON + 10)).offers[-1].epoch == epoch
