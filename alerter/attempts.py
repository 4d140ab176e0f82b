"""One attempt to tell somebody: how it is made, and what came of it in words that hold no secrets."""

from __future__ import annotations

from dataclasses import replace

from alerter.channels.common import Carries, Channel, scrubbed
from alerter.letters import Letter
from alerter.outbox import Delivered, Later, Never, Outcome, Part, Partly
from bus import failpoints


def attempt(channel: Channel, letter: Letter, carrier: Carries) -> Outcome:
    """One attempt, in a thread."""
    failpoints.at("post")
    return channel.tell(letter, carrier)


def clean(name: str, came: Outcome | BaseException, secrets: tuple[str, ...]) -> Outcome:
    """What came of an attempt by the channel ``name``, without its ``secrets``; a fault of our own may pass."""
    match came:
        case Delivered(detail=detail):
            return Delivered(scrubbed(detail, secrets))
        case Later(why=why):
            return replace(came, why=scrubbed(why, secrets))
        case Never(why=why):
            return Never(scrubbed(why, secrets))
        case Partly(left=left, why=why, taken=taken, refused=refused):
            return Partly(left, *(scrubbed(text, secrets) for text in (why, taken, refused)))
        case BaseException():
            text = scrubbed(f"a fault of Guardia's own: {type(came).__name__}: {came}", secrets)
            return Later(None, text, maybe=True)
    raise TypeError(f"{name} gave no outcome")


def word(part: Part) -> str:
    """What came of it, for programs."""
    return {Delivered: "delivered", Later: "later", Never: "never"}[type(part)]
