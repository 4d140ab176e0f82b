"""What a sender wants done, in the order given. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from bus.control import Offer


@dataclass(frozen=True, slots=True)
class Send:
    """Push the messages ``first`` to ``last`` of an epoch, with the base, generation and time of now."""

    epoch: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Greet:
    """Say HELLO."""

    nonce: int
    offers: tuple[Offer, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class Settled:
    """The spool may trim an epoch up to ``watermark`` when it needs room (R7); it may also have gone back."""

    epoch: int
    watermark: int


@dataclass(frozen=True, slots=True)
class Move:
    """Number, spool and send these messages again under the live epoch, then trim them here (R4)."""

    epoch: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Connect:
    """Connect the sockets, anew if they were."""


Action = Send | Greet | Settled | Move | Connect
