"""A sender, and what it is told and does, in few words."""

from __future__ import annotations

import random

from bus.control import Flags, Mark, Receipt
from bus.delivery.actions import Action, Greet, Send
from bus.delivery.outflow import Kept
from bus.delivery.sender import Sender
from bus.delivery.states import Event
from bus.delivery.window import Limits

NOON = 43_200.0
STORE = (5, 1)


def sender_of(*kept: Kept, window: int = 256) -> Sender:
    """A sender that goes on from what was kept."""
    return Sender(kept, rng=random.Random(1), now=NOON, generation=5, limits=Limits(window=window))


def greet_in(actions: list[Action]) -> Greet:
    """The one HELLO."""
    (greet,) = (action for action in actions if isinstance(action, Greet))
    return greet


def sends_in(actions: list[Action]) -> list[Send]:
    """What is sent."""
    return [action for action in actions if isinstance(action, Send)]


def receipt(
    *marks: Mark, answer: int = 0, store: tuple[int, int] = STORE, flags: Flags = Flags.NONE, credit: int = 0
) -> Receipt:
    """One from the store."""
    return Receipt("web-1", *store, 0, marks, answer, flags, credit)


def flowing(sender: Sender, *marks: Mark, store: tuple[int, int] = STORE) -> list[Action]:
    """Connect and let the HELLO be answered; returns what follows."""
    sender.on_event(Event.START, NOON)
    greet = greet_in(sender.on_event(Event.CONNECTED, NOON))
    told = {mark.epoch: mark for mark in marks}
    answers = [told.get(offer.epoch, Mark(offer.epoch, 0)) for offer in greet.offers]
    return sender.on_receipt(receipt(*answers, answer=greet.nonce, store=store), NOON)


def say(sender: Sender, count: int, now: float = NOON) -> list[Action]:
    """Messages are told and durable."""
    sender.claim(count)
    return sender.spooled(count * 100, now)
