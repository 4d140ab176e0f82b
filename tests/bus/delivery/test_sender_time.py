"""When a sender has to be called again, what is overdue, and what a receipt changes of it."""

from __future__ import annotations

import pytest

from bus.control import MAX_OFFERS, Flags, Mark
from bus.delivery.actions import Connect, Greet, Move, Send, Settled
from bus.delivery.outflow import Kept
from bus.delivery.states import Event, Flag, State
from tests.bus.delivery.sending import NOON, flowing, greet_in, receipt, say, sender_of, sends_in


def test_whoever_waits_for_an_answer_and_then_rests_is_due_when_that_ends() -> None:
    sender = sender_of()
    sender.on_event(Event.START, NOON)
    sender.on_event(Event.CONNECTED, NOON)
    silent = NOON + sender.due(NOON)
    assert sender.on_tick(silent - 0.01) == []
    sender.on_tick(silent)
    assert (sender.state, silent - NOON <= 1.0) == (State.WAITING, True)

    rested = silent + sender.due(silent)
    assert sender.on_tick(rested - 0.01) == []
    assert isinstance(greet_in(sender.on_tick(rested)), Greet)


def test_whoever_sent_something_is_due_when_its_receipt_is() -> None:
    sender = sender_of()
    flowing(sender)
    assert sender.due(NOON) == 60.0
    assert sender.on_tick(NOON + 59) == []
    say(sender, 3)
    overdue = NOON + sender.due(NOON)

    assert 4.5 <= overdue - NOON <= 5.5
    assert sender.on_tick(overdue - 0.01) == []
    sender.on_tick(overdue)
    assert sender.state is State.WAITING


def test_a_full_hub_is_due_to_be_asked_for_room_and_then_gets_what_it_missed() -> None:
    sender = sender_of()
    flowing(sender)
    epoch = sender.flows.live.epoch
    sender.on_receipt(receipt(flags=Flags.DISK_FULL), NOON)
    say(sender, 2)
    probe = NOON + sender.due(NOON)

    assert 22.5 <= probe - NOON <= 30.0
    assert isinstance(greet_in(sender.on_tick(probe)), Greet)
    assert sends_in(sender.on_receipt(receipt(), probe)) == [Send(epoch, 1, 2)]
    assert not sender.flags


def test_a_receipt_that_moves_on_gives_the_rest_time_and_one_that_does_not_shows_that_the_store_lives() -> None:
    sender = sender_of()
    flowing(sender)
    epoch = sender.flows.live.epoch
    say(sender, 3)
    sender.on_receipt(receipt(Mark(epoch, 2)), NOON + 4)
    assert sender.on_tick(NOON + 6) == []

    sender.on_receipt(receipt(Mark(epoch, 2)), NOON + 8)
    actions = sender.on_tick(NOON + 10)
    assert sender.state is State.FLOWING
    assert isinstance(greet_in(actions), Greet)
    assert sends_in(actions) == [Send(epoch, 3, 3)]


def test_a_receipt_that_was_under_way_does_not_answer_the_hello_of_a_new_connection() -> None:
    sender = sender_of()
    flowing(sender)
    epoch = sender.flows.live.epoch
    say(sender, 3)
    offers = greet_in(sender.on_event(Event.CONNECTED, NOON)).offers
    assert (offers[-1].last, offers[-1].once) == (3, 0)
    assert sender.on_receipt(receipt(Mark(epoch, 2)), NOON) == [Settled(epoch, 2)]
    assert sender.on_receipt(receipt(Mark(epoch, 3), store=(5, 2)), NOON) == []
    assert sender.state is State.SYNCING

    offers = greet_in(sender.on_event(Event.CONNECTED, NOON)).offers
    assert (offers[-1].last, offers[-1].once) == (3, 2)


def test_the_store_may_ask_for_less() -> None:
    sender = sender_of()
    flowing(sender)
    sender.on_receipt(receipt(credit=10), NOON)

    assert sends_in(say(sender, 100)) == [Send(sender.flows.live.epoch, 1, 10)]


def test_an_epoch_that_may_not_begin_now_is_tried_again_some_seconds_later() -> None:
    sender = sender_of()
    flowing(sender)
    epoch = sender.flows.live.epoch
    say(sender, 3)
    sender.on_receipt(receipt(Mark(epoch, 0, refused=True)), NOON)
    later = NOON + sender.due(NOON)

    assert 2.5 <= later - NOON <= 5.0
    assert sender.on_tick(later - 0.01) == []
    assert sends_in(sender.on_tick(later)) == [Send(epoch, 1, 3)]


@pytest.mark.parametrize("told", [True, False])
def test_whose_key_is_revoked_or_refused_connects_anew_and_is_refused_until_it_is_connected(told: bool) -> None:
    sender = sender_of()
    flowing(sender)
    if told:
        sender.on_receipt(receipt(flags=Flags.REVOKED), NOON)
    else:
        sender.refused(NOON)
        assert sender.state is State.CONNECTING
    assert sender.on_event(Event.DISCONNECTED, NOON) == [], "the sockets connect again by themselves"

    assert Flag.REFUSED in sender.flags
    later = NOON + sender.due(NOON)
    assert Connect() in sender.on_tick(later)
    assert sender.due(later) > 2.0


def test_a_floor_that_the_store_could_not_write_down_is_told_again() -> None:
    sender = sender_of(Kept(7, base=7, last=6, acked=2))
    flowing(sender, Mark(7, 2))
    later = NOON + sender.due(NOON)

    assert 2.5 <= later - NOON <= 5.0
    assert greet_in(sender.on_tick(later)).offers[0].floor == 6


def test_epochs_that_a_hello_has_no_room_for_are_asked_about_when_the_others_are_done() -> None:
    kept = [Kept(epoch, base=1, last=2, acked=0) for epoch in range(1, MAX_OFFERS + 2)]
    sender = sender_of(*kept)
    flowing(sender)
    asked: set[int] = set()
    now = NOON
    while not asked >= {MAX_OFFERS, MAX_OFFERS + 1}:
        now += 1.0
        assert now < NOON + 300
        sender.on_receipt(receipt(*(Mark(flow.epoch, flow.sent) for flow in sender.flows if flow.under_way)), now)
        greets = [action for action in sender.on_tick(now) if isinstance(action, Greet)]
        asked |= {offer.epoch for greet in greets for offer in greet.offers}


# -- what the spool let go of ---


def test_only_what_was_dropped_says_that_the_spool_is_full_and_only_for_ten_minutes() -> None:
    sender = sender_of(Kept(7, base=1, last=6, acked=3))
    flowing(sender, Mark(7, 3))
    sender.evicted(7, base=4, dropped=0, now=NOON)
    sender.evicted(99, base=4, dropped=3, now=NOON)
    assert not sender.flags

    sender.evicted(7, base=5, dropped=1, now=NOON)
    sender.on_tick(NOON + 599)
    assert Flag.SPOOL_FULL in sender.flags
    sender.on_tick(NOON + 601)
    assert not sender.flags


def test_nothing_is_awaited_of_what_went_and_the_rest_is_sent_from_there() -> None:
    sender = sender_of()
    flowing(sender)
    epoch = sender.flows.live.epoch
    sender.on_receipt(receipt(credit=8), NOON)
    assert say(sender, 10) == [Send(epoch, 1, 8)]
    sender.evicted(epoch, base=9, dropped=8, now=NOON)
    assert (sender.under_way, sender.unacknowledged) == (0, 2)

    assert sends_in(sender.on_tick(NOON + 4)) == [Send(epoch, 9, 10)]
    sender.on_tick(NOON + 6)
    assert sender.under_way == 2, "its receipt is not due yet"


@pytest.mark.parametrize("how", ["stored", "gone"])
def test_whoever_has_nothing_left_of_former_epochs_is_calm(how: str) -> None:
    sender = sender_of(Kept(7, base=3, last=6, acked=4))
    flowing(sender, Mark(7, 4))
    assert not sender.calm
    if how == "stored":
        sender.on_receipt(receipt(Mark(7, 6)), NOON)
    else:
        sender.evicted(7, base=7, dropped=2, now=NOON)
        assert sender.due(NOON) == 0.0, "no message is left to tell of it"
        greet = greet_in(sender.on_tick(NOON))
        assert greet.offers[0].floor == 6
        sender.on_receipt(receipt(Mark(7, 6), answer=greet.nonce), NOON)
        sender.on_tick(NOON + 601)

    assert sender.calm


def test_whoever_is_not_connected_or_refused_or_has_something_to_send_is_not_calm() -> None:
    sender = sender_of(window=8)
    assert not sender.calm
    flowing(sender)
    assert sender.calm
    sender.on_receipt(receipt(flags=Flags.REVOKED), NOON)
    assert not sender.calm
    sender.on_event(Event.CONNECTED, NOON)
    flowing(sender)
    say(sender, 100)
    assert not sender.calm


# -- lanes ---


def test_a_backlog_that_is_old_and_large_is_overtaken_in_a_new_epoch() -> None:
    sender = sender_of(window=16)
    flowing(sender)
    first = sender.flows.live.epoch
    sender.on_receipt(receipt(credit=16), NOON)
    say(sender, 40)
    say(sender, 1, NOON + 1.5)
    sender.on_tick(NOON + 1.9)
    assert sender.flows.live.epoch == first
    sender.on_tick(NOON + 2.1)

    assert [flow.epoch for flow in sender.flows.old] == [first]
    assert sends_in(say(sender, 1, NOON + 2.2)) == [Send(sender.flows.live.epoch, 1, 1)]


def test_a_backlog_is_as_old_as_itself_and_not_as_one_that_was_sent() -> None:
    sender = sender_of(window=16)
    flowing(sender)
    first = sender.flows.live.epoch
    say(sender, 1)
    sender.on_receipt(receipt(Mark(first, 1)), NOON)
    say(sender, 40, NOON + 3)
    sender.on_tick(NOON + 4)

    assert sender.flows.live.epoch == first


def test_what_moves_to_a_new_epoch_is_settled_in_the_old_as_far_as_it_was_told() -> None:
    sender = sender_of()
    flowing(sender)
    epoch = sender.flows.live.epoch
    say(sender, 3)

    assert sender.on_receipt(receipt(Mark(epoch, 10)), NOON)[:2] == [Move(epoch, 1, 3), Settled(epoch, 3)]
